import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Random;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.internal.AbstractRecords;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.Utils;

/**
 * Asks Kafka's own Java client which partition a key belongs to, and how large it says that a record is. Prints
 * tab-separated lines; regenerate with
 *   java -cp 'kafka-clients.jar:slf4j-api.jar' Oracle.java > java.tsv
 */
class Oracle {
    static final int[] PARTITIONS = {1, 2, 3, 7, 12, 50, 1000, 32768};

    static int length(byte[] b) {
        return b == null ? -1 : b.length;
    }

    static void key(byte[] key) {
        StringBuilder line = new StringBuilder("key\t").append(Base64.getEncoder().encodeToString(key)).append('\t').append(Utils.murmur2(key));
        for (int n : PARTITIONS) {
            line.append('\t').append(BuiltInPartitioner.partitionForKey(key, n));
        }
        System.out.println(line);
    }

    static void size(byte[] key, byte[] value, Header... headers) {
        StringBuilder line = new StringBuilder("size\t")
            .append(AbstractRecords.estimateSizeInBytesUpperBound(
                RecordBatch.CURRENT_MAGIC_VALUE, CompressionType.NONE, key, value, headers))
            .append('\t').append(length(key)).append('\t').append(length(value));
        for (Header h : headers) {
            line.append('\t').append(h.key()).append('\t').append(length(h.value()));
        }
        System.out.println(line);
    }

    public static void main(String[] args) {
        Random random = new Random(20261122);
        for (int length = 0; length <= 64; length++) {
            for (int i = 0; i < 3; i++) {
                byte[] key = new byte[length];
                random.nextBytes(key);
                key(key);
            }
        }
        for (String s : new String[] {"a", "\"abc\"", "{\"id\":1}", "1.10", "käse", "日本語", "true"}) {
            key(s.getBytes(StandardCharsets.UTF_8));
        }
        byte[] none = null;
        size(none, none);
        size(new byte[0], new byte[0]);
        for (int length : new int[] {1, 63, 64, 100, 8191, 8192}) {
            size(new byte[length], none);
            size(none, new byte[length]);
            size(new byte[3], new byte[length], new RecordHeader("h", new byte[length]));
        }
        size(none, new byte[10], new RecordHeader("ü", none), new RecordHeader("", new byte[0]));
        Header[] many = new Header[64];
        for (int i = 0; i < many.length; i++) {
            many[i] = new RecordHeader("h" + i, new byte[] {(byte) i});
        }
        size(none, none, many);
    }
}
