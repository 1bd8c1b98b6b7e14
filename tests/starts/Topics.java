import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.serialization.*;

/**
 * Makes topics, writes records, commits and transactions, or asks what is there:
 * Topics PORT make FILE, Topics PORT ends, Topics PORT groups, Topics PORT read TOPIC...
 */
public class Topics {
    public static void main(String[] args) throws Exception {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", "127.0.0.1:" + args[0]);
        config.put("default.api.timeout.ms", 20000);
        config.put("request.timeout.ms", 10000);
        config.put("linger.ms", 0);
        try (Admin admin = Admin.create(config)) {
            if (args[1].equals("make")) make(admin, config, args[2]);
            else if (args[1].equals("groups")) groups(admin);
            else if (args[1].equals("read")) read(config, Arrays.copyOfRange(args, 2, args.length));
            else ends(admin);
        }
        System.exit(0);
    }

    /** A line a topic: name, its settings as k=v;k=v, then a time for each record; one that ends in ! is of a tombstone. */
    static void make(Admin admin, Map<String, Object> config, String file) throws Exception {
        ByteArraySerializer bytes = new ByteArraySerializer();
        try (Producer<byte[], byte[]> producer = new KafkaProducer<>(config, bytes, bytes)) {
            for (String line : Files.readAllLines(Paths.get(file))) {
                String[] words = line.split(" ");
                Map<String, String> settings = new HashMap<>();
                for (String pair : words[1].split(";"))
                    if (pair.contains("=")) settings.put(pair.split("=")[0], pair.split("=")[1]);
                NewTopic topic = new NewTopic(words[0], 1, (short) 1).configs(settings);
                admin.createTopics(Collections.singleton(topic)).all().get();
                for (int i = 2; i < words.length; i++) {
                    boolean isTombstone = words[i].endsWith("!");
                    long time = Long.parseLong(words[i].replace("!", ""));
                    producer.send(new ProducerRecord<>(words[0], 0, time, ("k" + i % 2).getBytes(),
                            isTombstone ? null : new byte[60])).get();
                }
            }
        }
        // Offsets of a group that never had members, and of one that had.
        admin.alterConsumerGroupOffsets("alone", Collections.singletonMap(
                new TopicPartition("fresh", 0), new OffsetAndMetadata(3))).all().get();
        Map<String, Object> reading = new HashMap<>(config);
        reading.put("group.id", "left");
        reading.put("auto.offset.reset", "earliest");
        reading.put("enable.auto.commit", "false");
        ByteArrayDeserializer raw = new ByteArrayDeserializer();
        try (Consumer<byte[], byte[]> consumer = new KafkaConsumer<>(reading, raw, raw)) {
            consumer.subscribe(Arrays.asList("fresh", "forever"));
            for (int i = 0; i < 60 && consumer.assignment().isEmpty(); i++) consumer.poll(Duration.ofMillis(500));
            consumer.poll(Duration.ofMillis(500));
            consumer.commitSync();
        }
        // One transaction is committed, one aborted, and one stays open.
        Map<String, Object> writing = new HashMap<>(config);
        writing.put("transactional.id", "done");
        try (Producer<byte[], byte[]> producer = new KafkaProducer<>(writing, bytes, bytes)) {
            producer.initTransactions();
            for (boolean commits : new boolean[] {true, false}) {
                producer.beginTransaction();
                for (int i = 0; i < 3; i++) producer.send(new ProducerRecord<>("paid", 0, ("p" + i).getBytes(), new byte[40])).get();
                if (commits) producer.commitTransaction();
                else producer.abortTransaction();
            }
        }
        writing.put("transactional.id", "open");
        writing.put("transaction.timeout.ms", 900000);
        Producer<byte[], byte[]> producer = new KafkaProducer<>(writing, bytes, bytes);
        producer.initTransactions();
        producer.beginTransaction();
        for (int i = 0; i < 2; i++) producer.send(new ProducerRecord<>("paid", 0, ("o" + i).getBytes(), new byte[40])).get();
    }

    /** A line a partition: where it begins, where it ends, and the last stable offset. */
    static void ends(Admin admin) throws Exception {
        for (String topic : new TreeSet<>(admin.listTopics().names().get())) {
            TopicPartition partition = new TopicPartition(topic, 0);
            StringBuilder line = new StringBuilder("ends " + topic + "-0");
            for (int i = 0; i < 3; i++) {
                OffsetSpec spec = i == 0 ? OffsetSpec.earliest() : OffsetSpec.latest();
                IsolationLevel level = i == 2 ? IsolationLevel.READ_COMMITTED : IsolationLevel.READ_UNCOMMITTED;
                try {
                    line.append(" ").append(admin.listOffsets(Collections.singletonMap(partition, spec), new ListOffsetsOptions(level))
                            .partitionResult(partition).get().offset());
                } catch (Exception e) {
                    line.append(" ?");
                }
            }
            System.out.println(line);
        }
    }

    /** A line a committed offset. */
    static void groups(Admin admin) throws Exception {
        for (String group : new String[] {"alone", "left"})
            admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get()
                    .forEach((at, offset) -> { if (offset != null) System.out.println("group " + group + " " + at + " " + offset.offset()); });
    }

    /** What a consumer gets that goes on behind each error: a line an offset, or `error OFFSET CLASS`. */
    static void read(Map<String, Object> config, String[] topics) {
        ByteArrayDeserializer raw = new ByteArrayDeserializer();
        for (String topic : topics) {
            config.put("max.partition.fetch.bytes", 1048576);
            try (Consumer<byte[], byte[]> consumer = new KafkaConsumer<>(config, raw, raw)) {
                TopicPartition partition = new TopicPartition(topic, 0);
                List<TopicPartition> all = Collections.singletonList(partition);
                consumer.assign(all);
                consumer.seekToBeginning(all);
                long end = consumer.endOffsets(all).get(partition), at = consumer.position(partition);
                int idle = 0;
                while (at < end) {
                    String error = null;
                    long before = at;
                    try {
                        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500)))
                            System.out.println("record " + topic + "-0 " + record.offset());
                        at = consumer.position(partition);
                    } catch (Exception e) {
                        error = e.getClass().getSimpleName();
                        at = consumer.position(partition);
                    }
                    idle = at > before ? 0 : idle + 1;
                    if (idle > 5 || error != null && at == before) {
                        System.out.println("error " + topic + "-0 " + at + " " + error);
                        consumer.seek(partition, ++at);
                        idle = 0;
                    }
                }
            }
        }
    }
}
