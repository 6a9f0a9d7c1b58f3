import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import javax.jms.Connection;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import org.apache.activemq.ActiveMQConnection;

/** Consumers of several queues, by name or by wildcards: one prefetch for all, each message tells its queue. */
final class Wide {
    private static final int WAIT_MS = 10_000;
    private static final int NOTHING_MS = 300;
    private final Scenario scenario;
    private final String base;
    private final ActiveMQConnection connection;
    private final Session sending;

    private Wide(Scenario scenario) throws JMSException {
        this.scenario = scenario;
        base = scenario.name("wide");
        connection = scenario.connection();
        connection.getPrefetchPolicy().setQueuePrefetch(3);
        connection.start();
        sending = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
    }

    static Map<String, Scenario.Case> cases(Scenario scenario) {
        Map<String, Scenario.Case> all = new LinkedHashMap<>();
        all.put("a consumer of all queues that match", () -> run(scenario, Wide::match));
        all.put("one prefetch over several queues", () -> run(scenario, Wide::prefetch));
        all.put("several queues in a transaction", () -> run(scenario, Wide::transaction));
        all.put("a selector over several queues", () -> run(scenario, Wide::select));
        return all;
    }

    private interface Run {
        void on(Wide wide) throws Exception;
    }

    private static void run(Scenario scenario, Run run) throws Exception {
        Wide wide = new Wide(scenario);
        try {
            run.on(wide);
        } finally {
            wide.connection.close();
        }
    }

    private void send(String queue, String text, String kind) throws JMSException {
        MessageProducer producer = sending.createProducer(sending.createQueue(base + queue));
        Message message = sending.createTextMessage(text);
        message.setStringProperty("kind", kind);
        producer.send(message);
        producer.close();
    }

    /** Queue and text of the next so many messages, whatever their order. */
    private Set<String> take(MessageConsumer consumer, int count) throws JMSException {
        Set<String> taken = new HashSet<>();
        for (int i = 0; i < count; i++) {
            Message message = consumer.receive(WAIT_MS);
            Scenario.check(message != null, count - i + " messages do not come");
            String queue = ((javax.jms.Queue) message.getJMSDestination()).getQueueName();
            taken.add(queue.substring(base.length()) + " " + Scenario.text(message));
        }
        return taken;
    }

    private void match() throws Exception {
        send(".a.x", "1", "k");
        send(".b.x", "2", "k");
        send(".b.y", "not meant", "k");
        Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
        MessageConsumer consumer = session.createConsumer(session.createQueue(base + ".*.x"));
        Scenario.same(Set.of(".a.x 1", ".b.x 2"), take(consumer, 2));
        send(".later.x", "3", "k");
        Message last = consumer.receive(WAIT_MS);
        Scenario.same("3", Scenario.text(last));
        last.acknowledge();
        consumer.close();
        MessageConsumer rest = session.createConsumer(session.createQueue(base + ".>"));
        Scenario.same(Set.of(".b.y not meant"), take(rest, 1));
        Scenario.check(rest.receive(NOTHING_MS) == null, "something acknowledged comes again");
    }

    private void prefetch() throws Exception {
        for (String destination : new String[] {base + ".p.*", base + ".p.1," + base + ".p.2"}) {
            for (int i = 0; i < 5; i++) {
                send(".p.1", "one" + i, "k");
                send(".p.2", "two" + i, "k");
            }
            Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
            MessageConsumer consumer = session.createConsumer(session.createQueue(destination));
            Scenario.check(consumer.receive(WAIT_MS) != null, "nothing comes");
            int left = 0;
            Connection other = scenario.connection();
            other.start();
            Session rest = other.createSession(false, Session.AUTO_ACKNOWLEDGE);
            for (String queue : new String[] {".p.1", ".p.2"}) {
                MessageConsumer one = rest.createConsumer(rest.createQueue(base + queue));
                while (one.receive(NOTHING_MS) != null) {
                    left++;
                }
                one.close();
            }
            other.close();
            Scenario.same(7, left);
            session.recover();
            Set<String> taken = take(consumer, 3);
            Scenario.same(3, taken.size());
            Scenario.check(consumer.receive(NOTHING_MS) == null, "more than the prefetch was held");
            consumer.close();
            session.close();
            drain();
        }
    }

    private void drain() throws JMSException {
        MessageConsumer all = sending.createConsumer(sending.createQueue(base + ".>"));
        while (all.receive(NOTHING_MS) != null) {
            // What was held comes back.
        }
        all.close();
    }

    private void transaction() throws Exception {
        Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
        MessageConsumer consumer = session.createConsumer(session.createQueue(base + ".>"));
        for (String queue : new String[] {".a", ".b", ".c"}) {
            send(queue, "x", "k");
        }
        Set<String> all = Set.of(".a x", ".b x", ".c x");
        Scenario.same(all, take(consumer, 3));
        session.rollback();
        Scenario.same(all, take(consumer, 3));
        session.commit();
        consumer.close();
        Scenario.check(session.createConsumer(session.createQueue(base + ".a")).receive(NOTHING_MS) == null, "a is left");
    }

    private void select() throws Exception {
        send(".a", "1", "no");
        send(".a", "2", "yes");
        send(".b", "3", "yes");
        MessageConsumer some = sending.createConsumer(sending.createQueue(base + ".>"), "kind = 'yes'");
        Scenario.same(Set.of(".a 2", ".b 3"), take(some, 2));
        Scenario.check(some.receive(NOTHING_MS) == null, "what does not pass comes");
        some.close();
        MessageConsumer rest = sending.createConsumer(sending.createQueue(base + ".a," + base + ".b"));
        Scenario.same(Set.of(".a 1"), take(rest, 1));
    }
}
