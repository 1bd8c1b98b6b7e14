import java.util.*;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringSerializer;

/** Keeps a broker busy with what moves files about: rolls, compaction, retention, DeleteRecords, transactions, topics that come and go. */
public class Churn {
    public static void main(String[] args) throws Exception {
        String server = "127.0.0.1:" + args[0];
        Random random = new Random(Long.parseLong(args[1]));
        Properties props = new Properties();
        props.put("bootstrap.servers", server);
        props.put("linger.ms", "5");
        props.put("batch.size", "4096");
        props.put("key.serializer", StringSerializer.class.getName());
        props.put("value.serializer", StringSerializer.class.getName());
        Properties txn = new Properties();
        txn.putAll(props);
        txn.put("transactional.id", "churn");
        txn.put("transaction.timeout.ms", "10000");
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", server));
             KafkaProducer<String, String> plain = new KafkaProducer<>(props);
             KafkaProducer<String, String> transactional = new KafkaProducer<>(txn)) {
            create(admin, "compacted", "compact");
            create(admin, "expiring", "delete");
            create(admin, "both", "compact,delete");
            create(admin, "transactional", "delete");
            transactional.initTransactions();
            for (long round = 0; ; round++) {
                for (int i = 0; i < 60; i++) {
                    String key = "k" + random.nextInt(40), value = "v" + round + "-".repeat(random.nextInt(300));
                    plain.send(new ProducerRecord<>("compacted", random.nextInt(2), key, random.nextInt(10) == 0 ? null : value));
                    plain.send(new ProducerRecord<>("expiring", random.nextInt(2), key, value));
                    plain.send(new ProducerRecord<>("both", random.nextInt(2), key, random.nextInt(10) == 0 ? null : value));
                }
                transactional.beginTransaction();
                for (int i = 0; i < 10; i++)
                    transactional.send(new ProducerRecord<>("transactional", random.nextInt(2), "k" + i, "v" + round));
                transactional.flush();
                if (random.nextInt(3) == 0) transactional.abortTransaction(); else transactional.commitTransaction();
                plain.flush();
                try {
                    String fleeting = "fleeting-" + round % 4;
                    if (round % 8 < 4) {
                        create(admin, fleeting, "delete");
                        // A producer that has written to a topic before it was deleted retries forever after it is there again.
                        try (KafkaProducer<String, String> own = new KafkaProducer<>(props)) {
                            for (int i = 0; i < 50; i++) own.send(new ProducerRecord<>(fleeting, "k" + i, "v".repeat(200)));
                        }
                    } else {
                        admin.deleteTopics(List.of(fleeting)).all().get(5, TimeUnit.SECONDS);
                    }
                    if (round % 5 == 0) {
                        TopicPartition partition = new TopicPartition("expiring", random.nextInt(2));
                        long end = admin.listOffsets(Map.of(partition, OffsetSpec.latest())).partitionResult(partition).get().offset();
                        admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(end / 2))).all().get(5, TimeUnit.SECONDS);
                    }
                } catch (Exception busy) {
                    System.err.println(busy);
                }
                Thread.sleep(random.nextInt(150));
            }
        }
    }

    static void create(Admin admin, String topic, String policy) throws Exception {
        NewTopic wanted = new NewTopic(topic, 2, (short) 1).configs(Map.of("cleanup.policy", policy, "segment.bytes", "1048576",
            "segment.ms", "1500", "min.cleanable.dirty.ratio", "0.01", "delete.retention.ms", "100", "retention.ms", "4000", "file.delete.delay.ms", "3000"));
        try {
            admin.createTopics(List.of(wanted)).all().get(10, TimeUnit.SECONDS);
        } catch (java.util.concurrent.ExecutionException there) {
            // It is there from before.
        }
    }
}
