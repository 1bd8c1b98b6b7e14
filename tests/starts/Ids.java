import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.*;

/** Lists the transactional ids, and the producers that the leader of each topic's partition 0 knows: Ids PORT TOPIC... */
public class Ids {
    public static void main(String[] args) throws Exception {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", "127.0.0.1:" + args[0]);
        config.put("default.api.timeout.ms", 20000);
        config.put("request.timeout.ms", 10000);
        try (Admin admin = Admin.create(config)) {
            for (TransactionListing one : admin.listTransactions().all().get())
                System.out.println("id " + one.transactionalId() + " " + one.state());
            for (int i = 1; i < args.length; i++) {
                TopicPartition partition = new TopicPartition(args[i], 0);
                int count = admin.describeProducers(Collections.singleton(partition)).partitionResult(partition).get().activeProducers().size();
                System.out.println("producers " + partition + " " + count);
            }
        }
        System.exit(0);
    }
}
