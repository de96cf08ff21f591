// Texts asks the Java clients what they say to settings, so that the tests of internal/kafka compare with the original
// instead of with somebody's memory of it:
//
//	java -cp "$KAFKA/*" internal/gen/kafkakeys/Texts.java internal/kafka/testdata/java.tsv
//
// where $KAFKA is a directory with the jars of an Apache Kafka release. The file is rewritten in place. Its columns are:
// role, outcome, text, and then one column for each setting, key=value, with \n, \t and \\ as escapes; !key= takes away one of the
// settings that every client here is given (bootstrap.servers, group.id). Only outcome and
// text are written: "ok" and nothing; "config" and the message of the ConfigException; "construct" and class and message
// of the cause, when the client could not be built for another reason. No connection is made that could succeed.

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class Texts {
    public static void main(String[] args) throws IOException {
        Path file = Path.of(args[0]);
        List<String> out = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            out.add(line.isEmpty() || line.startsWith("#") ? line : answer(line.split("\t", -1)));
        }
        Files.write(file, out);
        System.exit(0); // threads of half-built clients must not keep the program alive
    }

    private static String answer(String[] columns) {
        Properties props = new Properties();
        props.put("bootstrap.servers", "127.0.0.1:9");
        for (String column : Arrays.asList(columns).subList(3, columns.length)) {
            int eq = column.indexOf('=');
            if (column.startsWith("!")) {
                props.remove(column.substring(1, eq));
                continue;
            }
            props.put(column.substring(0, eq), unescape(column.substring(eq + 1)));
        }
        columns[1] = "ok";
        columns[2] = "";
        try {
            open(columns[0], props);
        } catch (ConfigException e) {
            columns[1] = "config";
            columns[2] = escape(e.getMessage());
        } catch (RuntimeException e) {
            Throwable cause = e;
            while (cause.getCause() != null) {
                cause = cause.getCause();
            }
            columns[1] = "construct";
            columns[2] = escape(cause.getClass().getName() + ": " + cause.getMessage());
        }
        return String.join("\t", columns);
    }

    private static void open(String role, Properties props) {
        switch (role) {
            case "admin" -> Admin.create(props).close(Duration.ZERO);
            case "producer" ->
                new KafkaProducer<>(props, new ByteArraySerializer(), new ByteArraySerializer()).close(Duration.ZERO);
            default -> {
                props.putIfAbsent("group.id", "g");
                new KafkaConsumer<>(props, new ByteArrayDeserializer(), new ByteArrayDeserializer())
                        .close(org.apache.kafka.clients.consumer.CloseOptions.timeout(Duration.ZERO));
            }
        }
    }

    private static String escape(String s) {
        return s.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t");
    }

    private static String unescape(String s) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < s.length(); i++) {
            if (s.charAt(i) == '\\' && i + 1 < s.length()) {
                i++;
                out.append(switch (s.charAt(i)) {
                    case 'n' -> '\n';
                    case 't' -> '\t';
                    default -> s.charAt(i);
                });
            } else {
                out.append(s.charAt(i));
            }
        }
        return out.toString();
    }
}
