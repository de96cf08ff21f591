// Answers asks a Kafka server's classes how they read settings, so that the tests of internal/operator/kafkaconf compare with
// the original instead of with somebody's memory of it. It is run by the program beside it:
//
//	java -cp <jars of org.apache.kafka:kafka_2.13> Answers.java <file>
//
// The file is rewritten in place: its second column becomes the answer. The columns after it are the question, with \n, \t, \r
// and \\ as escapes. The first says which:
//
//	value     option, text          ok or bad
//	equal     option, text, text    same or other
//	metadata  name                  level, or bad
//	text      a file of properties  what java.util.Properties reads from it: key=value;… sorted, all but letters, digits and
//	                                dots as four hexadecimal digits behind a %

import java.io.IOException;
import java.io.StringReader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.stream.Collectors;
import kafka.server.KafkaConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.server.common.MetadataVersion;

public class Answers {
    private static final Method FROM_STRING = Arrays.stream(MetadataVersion.class.getMethods())
            .filter(m -> m.getName().equals("fromVersionString")).findFirst().orElseThrow();

    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[0]);
        List<String> out = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            out.add(line.isEmpty() || line.startsWith("#") ? line : answer(line.split("\t", -1)));
        }
        Files.write(file, out);
        System.exit(0);
    }

    private static String answer(String[] columns) throws Exception {
        String[] question = Arrays.stream(columns).skip(2).map(Answers::unescape).toArray(String[]::new);
        columns[1] = switch (columns[0]) {
            case "value" -> value(question[0], question[1]);
            case "equal" -> Objects.equals(parse(question[0], question[1]), parse(question[0], question[2])) ? "same" : "other";
            case "metadata" -> metadata(question[0]);
            case "text" -> properties(question[0]);
            default -> throw new IllegalArgumentException(columns[0]);
        };
        return String.join("\t", columns);
    }

    private static Object parse(String option, String text) {
        return ConfigDef.parseType(option, text, KafkaConfig.configDef().configKeys().get(option).type);
    }

    private static String value(String option, String text) {
        ConfigDef.Validator validator = KafkaConfig.configDef().configKeys().get(option).validator;
        try {
            Object value = parse(option, text);
            if (validator != null) {
                validator.ensureValid(option, value);
            }
            return "ok";
        } catch (ConfigException | IllegalArgumentException e) { // the latter: an unknown metadata version
            return "bad";
        }
    }

    private static String metadata(String name) throws Exception {
        try {
            Object version = FROM_STRING.getParameterCount() == 1 ? FROM_STRING.invoke(null, name)
                    : FROM_STRING.invoke(null, name, false);
            short level = ((MetadataVersion) version).featureLevel();
            return level > 0 ? String.valueOf(level) : "bad";
        } catch (InvocationTargetException e) {
            return "bad";
        }
    }

    private static String properties(String text) throws IOException {
        Properties read = new Properties();
        read.load(new StringReader(text));
        return read.stringPropertyNames().stream().map(key -> plain(key) + "=" + plain(read.getProperty(key)) + ";").sorted()
                .collect(Collectors.joining());
    }

    private static String plain(String text) {
        return text.chars().mapToObj(c -> c < 128 && (Character.isLetterOrDigit(c) || c == '.') ? String.valueOf((char) c)
                : String.format("%%%04x", c)).collect(Collectors.joining());
    }

    private static String unescape(String s) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < s.length(); i++) {
            if (s.charAt(i) != '\\' || i + 1 == s.length()) {
                out.append(s.charAt(i));
                continue;
            }
            i++;
            out.append(switch (s.charAt(i)) {
                case 'n' -> '\n';
                case 'r' -> '\r';
                case 't' -> '\t';
                default -> s.charAt(i);
            });
        }
        return out.toString();
    }
}
