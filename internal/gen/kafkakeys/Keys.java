// Keys writes what kafka-clients knows: every setting of the producer, the consumer and the admin client, and every
// error code with its Java class and message. Both are facts read from the published jar, so that the tables in
// internal/kafka follow a new release by running this again:
//
//	java -cp "$KAFKA/*" internal/gen/kafkakeys/Keys.java internal/kafka
//
// where $KAFKA is a directory with the jars of an Apache Kafka release (kafka-clients and slf4j-api are enough). The
// argument is the directory to write keys.tsv and errors.tsv to.
//
// keys.tsv: name, roles (comma-separated), type, default, valid values, importance. A name whose roles differ has one
// line for each variant. A default of (none) is Java's null, (required) means that there is none.
// errors.tsv: code, name, Java class, message, whether a retry may help.

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.utils.AppInfoParser;

public class Keys {
    public static void main(String[] args) throws IOException {
        String version = AppInfoParser.getVersion();
        write(Path.of(args[0], "keys.tsv"), "# settings of kafka-clients " + version, keys());
        write(Path.of(args[0], "errors.tsv"), "# error codes of kafka-clients " + version, errors());
    }

    private static List<String> keys() {
        Map<String, ConfigDef> roles = new LinkedHashMap<>();
        roles.put("admin", AdminClientConfig.configDef());
        roles.put("producer", ProducerConfig.configDef());
        roles.put("consumer", ConsumerConfig.configDef());
        Map<String, Map<String, List<String>>> variants = new TreeMap<>();
        roles.forEach((role, def) -> def.configKeys().values().forEach(key -> {
            String facts = String.join("\t", key.type.name().toLowerCase(), defaultOf(key),
                    key.validator == null ? "" : key.validator.toString(), key.importance.name().toLowerCase());
            variants.computeIfAbsent(key.name, n -> new LinkedHashMap<>())
                    .computeIfAbsent(facts, f -> new ArrayList<>()).add(role);
        }));
        List<String> lines = new ArrayList<>();
        variants.forEach((name, facts) -> facts.forEach((fact, who) ->
                lines.add(name + "\t" + String.join(",", who) + "\t" + fact)));
        return lines;
    }

    private static String defaultOf(ConfigDef.ConfigKey key) {
        if (key.defaultValue == ConfigDef.NO_DEFAULT_VALUE) {
            return "(required)";
        }
        if (key.defaultValue == null) {
            return "(none)";
        }
        if (key.defaultValue instanceof List<?> list) { // classes by their names, as one would write them
            return list.stream().map(e -> e instanceof Class<?> c ? c.getName() : e.toString())
                    .collect(java.util.stream.Collectors.joining(","));
        }
        return ConfigDef.convertToString(key.defaultValue, key.type);
    }

    private static List<String> errors() {
        List<String> lines = new ArrayList<>();
        for (Errors error : Errors.values()) {
            if (error.exception() != null) {
                lines.add(String.join("\t", String.valueOf(error.code()), error.name(),
                        error.exception().getClass().getName(), error.message(),
                        String.valueOf(error.exception() instanceof RetriableException)));
            }
        }
        return lines;
    }

    private static void write(Path file, String head, List<String> lines) throws IOException {
        for (String line : lines) {
            if (line.contains("\n")) {
                throw new IOException("a line break inside: " + line);
            }
        }
        List<String> all = new ArrayList<>();
        all.add(head);
        all.addAll(lines);
        Files.write(file, all);
    }
}
