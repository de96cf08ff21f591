// Options writes what a Kafka server of one version knows about its own settings and about metadata versions, read from
// its jars. It is run by the program beside it, once for each version:
//
//	java -cp <jars of org.apache.kafka:kafka_2.13> Options.java
//
// Lines are tab-separated and go to standard output:
//
//	default   metadata version that a new cluster of this version gets
//	metadata  name, level, of each metadata version that may be used in production
//	option    name, type, default, smallest, largest, values, rules, scope, scope with a listener's prefix
//
// A default of (none) is Java's null, (required) means that there is none. Values are comma-separated: what is allowed,
// or for a number what is allowed besides the range. Rules: anycase (values in any case), nonempty (text or list),
// unique and filled (elements of a list), version (a metadata version or what came before them), internal.
// Scope: empty for a restart, cluster-wide, per-broker, per-listener (only with a listener's prefix).
//
// What a validator does is found by asking it, not by its class, where that is possible. Whether a setting may be changed
// at run time is likewise the answer of the server's own check.

import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import kafka.server.KafkaConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.server.common.MetadataVersion;

public class Options {
    private static final String PREFIX = "listener.name.any.";

    /** The server's check of a change at run time. It takes settings, in 4.2 also those before, and whether they are for one broker. */
    private final Object dynamic;
    private final Method check;
    private final Map<?, ?> modes;

    public static void main(String[] args) throws Exception {
        Options options = new Options();
        emit("default", MetadataVersion.latestProduction().version());
        for (MetadataVersion v : MetadataVersion.values()) {
            if (v.featureLevel() > 0 && v.isProduction()) {
                emit("metadata", v.version(), String.valueOf(v.featureLevel()));
            }
        }
        for (ConfigDef.ConfigKey key : new TreeMap<>(KafkaConfig.configDef().configKeys()).values()) {
            options.option(key);
        }
        System.out.flush();
        System.exit(0);
    }

    /** Finds the server's check where the version has it: in a Scala object up to 4.2, in a Java class from 4.3 on. */
    private Options() throws Exception {
        Object object = null;
        Class<?> owner;
        try {
            owner = Class.forName("org.apache.kafka.server.config.DynamicBrokerConfig");
        } catch (ClassNotFoundException e) {
            owner = Class.forName("kafka.server.DynamicBrokerConfig$");
            object = owner.getField("MODULE$").get(null);
        }
        dynamic = object;
        check = Arrays.stream(owner.getMethods()).filter(m -> m.getName().equals("validateConfigs")).findFirst().orElseThrow();
        modes = (Map<?, ?>) owner.getMethod("dynamicConfigUpdateModes").invoke(object);
    }

    private void option(ConfigDef.ConfigKey key) throws Exception {
        String smallest = "";
        String largest = "";
        Collection<String> values = new ArrayList<>();
        TreeSet<String> rules = new TreeSet<>();
        if (key.validator instanceof ConfigDef.Range range) {
            smallest = text(read(range, "min"));
            largest = text(read(range, "max"));
        } else if (key.validator != null && number(key)) {
            List<Long> taken = probe(key);
            List<Long> range = longestRun(taken);
            smallest = range.get(0) == -LIMIT ? "" : range.get(0).toString();
            largest = range.get(range.size() - 1) == LIMIT ? "" : range.get(range.size() - 1).toString();
            taken.stream().filter(n -> !range.contains(n)).forEach(n -> values.add(n.toString()));
        } else if (key.validator instanceof ConfigDef.ValidString) {
            values.addAll(strings(read(key.validator, "validStrings")));
        } else if (key.validator instanceof ConfigDef.CaseInsensitiveValidString) {
            values.addAll(new TreeSet<>(strings(read(key.validator, "validStrings"))));
            rules.add("anycase");
        } else if (key.validator instanceof ConfigDef.ValidList) {
            values.addAll(strings(read(read(key.validator, "validString"), "validStrings")));
        } else if (key.validator != null && key.validator.getClass().getSimpleName().equals("MetadataVersionValidator")) {
            rules.add("version");
        }
        if (key.validator != null) {
            addShape(key, values, rules);
        }
        if (key.internalConfig) {
            rules.add("internal");
        }
        emit("option", key.name, key.type.name().toLowerCase(Locale.ROOT), defaultOf(key), smallest, largest,
                String.join(",", values), String.join(",", rules), scope(key), listenerScope(key));
    }

    /** Finds which shapes of text or list a validator refuses. */
    private static void addShape(ConfigDef.ConfigKey key, Collection<String> values, Collection<String> rules) {
        if (key.type == ConfigDef.Type.STRING && takes(key, "a") && !takes(key, "")) {
            rules.add("nonempty");
        }
        if (key.type != ConfigDef.Type.LIST) {
            return;
        }
        String sample = values.isEmpty() ? "a" : values.iterator().next();
        if (!takes(key, "")) {
            rules.add("nonempty");
        }
        if (takes(key, sample) && !takes(key, sample + "," + sample)) {
            rules.add("unique");
        }
        if (takes(key, sample) && values.isEmpty() && !takes(key, sample + ",")) {
            rules.add("filled");
        }
    }

    private static final long LIMIT = 4096;

    /** Returns which whole numbers from -LIMIT to LIMIT a validator takes. */
    private static List<Long> probe(ConfigDef.ConfigKey key) {
        List<Long> taken = new ArrayList<>();
        for (long n = -LIMIT; n <= LIMIT; n++) {
            if (takes(key, String.valueOf(n))) {
                taken.add(n);
            }
        }
        return taken;
    }

    private static List<Long> longestRun(List<Long> numbers) {
        List<Long> best = List.of();
        int from = 0;
        for (int i = 1; i <= numbers.size(); i++) {
            if (i == numbers.size() || numbers.get(i) != numbers.get(i - 1) + 1) {
                if (i - from > best.size()) {
                    best = numbers.subList(from, i);
                }
                from = i;
            }
        }
        return best;
    }

    private static boolean takes(ConfigDef.ConfigKey key, String text) {
        try {
            key.validator.ensureValid(key.name, ConfigDef.parseType(key.name, text, key.type));
            return true;
        } catch (ConfigException e) {
            return false;
        }
    }

    private static boolean number(ConfigDef.ConfigKey key) {
        return switch (key.type) {
            case INT, LONG, SHORT, DOUBLE -> true;
            default -> false;
        };
    }

    /**
     * Returns how a new value reaches a broker that runs. Kafka counts what belongs to listeners as changeable for each broker,
     * but a listener that runs keeps what it has, save for what is per-listener: those others are for a restart here. So is
     * config.providers, which the file was read with.
     */
    private String scope(ConfigDef.ConfigKey key) throws Exception {
        Object mode = modes.get(key.name);
        if (mode == null || key.name.equals("config.providers")) {
            return "";
        }
        if (mode.equals("cluster-wide")) {
            return mode.toString();
        }
        if (refusal(key.name, key, true).contains("only per-listener")) {
            return "per-listener";
        }
        return key.name.startsWith("ssl.") || key.name.startsWith("sasl.") || key.name.contains("listener")
                || key.name.startsWith("principal.") ? "" : mode.toString();
    }

    /** Returns how listener.name.X.(name) reaches a broker that runs. */
    private String listenerScope(ConfigDef.ConfigKey key) throws Exception {
        if (scope(key).equals("per-listener")) {
            return "per-broker";
        }
        return refusal(PREFIX + key.name, key, false).isEmpty() ? "cluster-wide" : "";
    }

    /** Returns what the server says to a change at run time, nothing if it takes it. */
    private String refusal(String name, ConfigDef.ConfigKey key, boolean perBroker) throws Exception {
        Properties change = new Properties();
        change.put(name, key.hasDefault() && key.defaultValue != null ? defaultOf(key) : "1");
        try {
            if (check.getParameterCount() == 3) {
                check.invoke(dynamic, change, change, perBroker);
            } else {
                check.invoke(dynamic, change, perBroker);
            }
            return "";
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof ConfigException) {
                return e.getCause().getMessage();
            }
            throw e;
        }
    }

    private static String defaultOf(ConfigDef.ConfigKey key) {
        if (!key.hasDefault()) {
            return "(required)";
        }
        if (key.defaultValue == null) {
            return "(none)";
        }
        if (key.defaultValue instanceof List<?> list) { // classes by their names, as one would write them
            return list.stream().map(e -> e instanceof Class<?> c ? c.getName() : e.toString())
                    .collect(Collectors.joining(","));
        }
        return ConfigDef.convertToString(key.defaultValue, key.type);
    }

    private static List<String> strings(Object values) {
        return ((Collection<?>) values).stream().map(Object::toString).toList();
    }

    private static Object read(Object object, String field) throws ReflectiveOperationException {
        Field f = object.getClass().getDeclaredField(field);
        f.setAccessible(true);
        return f.get(object);
    }

    private static String text(Object value) {
        return value == null ? "" : value.toString();
    }

    private static void emit(String... columns) {
        for (String column : columns) {
            if (column.contains("\t") || column.contains("\n")) {
                throw new IllegalArgumentException("a tab or line break inside: " + column);
            }
        }
        System.out.println(String.join("\t", columns));
    }
}
