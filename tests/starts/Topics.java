import java.nio.file.*;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.serialization.*;

/** Makes topics and writes records, or asks where they begin and end: Topics PORT make FILE, Topics PORT ends. */
public class Topics {
    public static void main(String[] args) throws Exception {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", "127.0.0.1:" + args[0]);
        config.put("default.api.timeout.ms", 20000);
        config.put("request.timeout.ms", 10000);
        config.put("linger.ms", 0);
        try (Admin admin = Admin.create(config)) {
            if (args[1].equals("make")) make(admin, config, args[2]);
            else ends(admin);
        }
        System.exit(0);
    }

    /** A line a topic: name, its settings as k=v,k=v, then a time for each record; `-` sends the records before on. */
    static void make(Admin admin, Map<String, Object> config, String file) throws Exception {
        try (Producer<byte[], byte[]> producer =
                new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (String line : Files.readAllLines(Paths.get(file))) {
                String[] words = line.split(" ");
                Map<String, String> settings = new HashMap<>();
                for (String pair : words[1].split(";"))
                    if (pair.contains("=")) settings.put(pair.split("=")[0], pair.split("=")[1]);
                NewTopic topic = new NewTopic(words[0], 1, (short) 1).configs(settings);
                admin.createTopics(Collections.singleton(topic)).all().get();
                for (int i = 2; i < words.length; i++)
                    producer.send(new ProducerRecord<>(words[0], 0, Long.parseLong(words[i]),
                            ("k" + i % 2).getBytes(), new byte[60])).get();
            }
        }
    }

    static void ends(Admin admin) throws Exception {
        for (String topic : new TreeSet<>(admin.listTopics().names().get())) {
            TopicPartition partition = new TopicPartition(topic, 0);
            StringBuilder line = new StringBuilder(topic + "-0");
            for (OffsetSpec spec : new OffsetSpec[] {OffsetSpec.earliest(), OffsetSpec.latest()}) {
                try {
                    line.append(" ").append(admin.listOffsets(Collections.singletonMap(partition, spec))
                            .partitionResult(partition).get().offset());
                } catch (Exception e) {
                    line.append(" ?");
                }
            }
            System.out.println(line);
        }
    }
}
