import java.io.FileReader;
import java.util.Properties;
import java.util.TreeSet;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.StringSerializer;

/** Reads files of properties as a producer of Java does, one line for each: `ok`, or what it has against it. */
public class Producers {
    public static void main(String[] files) throws Exception {
        for (String file : files) {
            Properties properties = new Properties();
            try (FileReader reader = new FileReader(file)) {
                properties.load(reader);
            }
            // A producer passes over a name that it does not know.
            TreeSet<String> unknown = new TreeSet<>(properties.stringPropertyNames());
            unknown.removeAll(ProducerConfig.configNames());
            String said = unknown.isEmpty() ? "ok" : "unknown: " + unknown;
            properties.putIfAbsent("key.serializer", StringSerializer.class.getName());
            properties.putIfAbsent("value.serializer", StringSerializer.class.getName());
            properties.putIfAbsent("bootstrap.servers", "127.0.0.1:1");
            try {
                new ProducerConfig(properties);
            } catch (RuntimeException refused) {
                said = refused.getMessage().replace('\n', ' ');
            }
            System.out.println(said);
        }
    }
}
