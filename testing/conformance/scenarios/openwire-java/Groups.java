import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.jms.Connection;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Queue;
import javax.jms.Session;
import javax.jms.TextMessage;

/** Message groups over three consumers: each group has one of them, until it closes or its consumer goes. */
final class Groups {
    private static final int WAIT_MS = 10_000;
    private static final int GROUPS = 9;
    private final Connection connection;
    private final Session sending;
    private final Queue queue;
    private final MessageProducer producer;
    private final List<MessageConsumer> consumers = new ArrayList<>();
    private final List<Session> sessions = new ArrayList<>();
    private final Map<String, Integer> owners = new HashMap<>();
    private final Map<String, Integer> last = new HashMap<>();

    private Groups(Connection connection, String name) throws JMSException {
        this.connection = connection;
        sending = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
        queue = sending.createQueue(name);
        producer = sending.createProducer(queue);
        for (int i = 0; i < 3; i++) {
            Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
            sessions.add(session);
            consumers.add(session.createConsumer(queue));
        }
    }

    static Map<String, Scenario.Case> cases(Scenario scenario) {
        Map<String, Scenario.Case> all = new LinkedHashMap<>();
        all.put("message groups over three consumers", () -> run(scenario, Groups::share));
        all.put("a consumer of message groups leaves", () -> run(scenario, Groups::leave));
        all.put("a message group closes", () -> run(scenario, Groups::close));
        return all;
    }

    private interface Run {
        void on(Groups groups) throws Exception;
    }

    private static void run(Scenario scenario, Run run) throws Exception {
        Connection connection = scenario.connection();
        try {
            connection.start();
            run.on(new Groups(connection, scenario.name("groups")));
        } finally {
            connection.close();
        }
    }

    private void send(String group, int number) throws JMSException {
        TextMessage message = sending.createTextMessage(group);
        message.setStringProperty("JMSXGroupID", group);
        message.setIntProperty("JMSXGroupSeq", number);
        producer.send(message);
    }

    /** Takes so many messages from whichever consumers have them. */
    private void take(int count) throws JMSException {
        int left = count;
        long end = System.currentTimeMillis() + WAIT_MS;
        while (left > 0) {
            for (int at = 0; at < consumers.size(); at++) {
                MessageConsumer consumer = consumers.get(at);
                Message message = consumer == null ? null : consumer.receive(1);
                if (message != null) {
                    note((TextMessage) message, at);
                    left--;
                }
            }
            Scenario.check(System.currentTimeMillis() < end, left + " of " + count + " do not come");
        }
    }

    private void note(TextMessage message, int at) throws JMSException {
        String group = message.getText();
        Scenario.same(group, message.getStringProperty("JMSXGroupID"));
        boolean isFirst = message.getBooleanProperty("JMSXGroupFirstForConsumer");
        Integer owner = owners.put(group, at);
        Scenario.check(isFirst == (owner == null || owner != at), group + " at " + at + " after " + owner);
        Scenario.check(isFirst || owner == at, group + " has two consumers");
        int number = message.getIntProperty("JMSXGroupSeq");
        if (number > 0 && !message.getJMSRedelivered()) {
            Integer before = last.put(group, number);
            Scenario.check(before == null || before < number, number + " comes after " + before);
        }
        if (number < 0) {
            owners.remove(group);
        }
    }

    private void share() throws Exception {
        for (int number = 2; number < 12; number++) {
            for (int group = 0; group < GROUPS; group++) {
                send("g" + group, number);
            }
        }
        take(10 * GROUPS);
        Map<Integer, Integer> counts = new HashMap<>();
        owners.values().forEach(owner -> counts.merge(owner, 1, Integer::sum));
        Scenario.same(Map.of(0, 3, 1, 3, 2, 3), counts);
    }

    private void leave() throws Exception {
        for (int group = 0; group < GROUPS; group++) {
            send("g" + group, 2);
        }
        take(GROUPS);
        sessions.get(0).close();
        consumers.set(0, null);
        Set<String> orphans = new HashSet<>();
        owners.forEach((group, owner) -> {
            if (owner == 0) {
                orphans.add(group);
            }
        });
        // What it had not acknowledged comes first, then what is sent after.
        take(orphans.size());
        for (int group = 0; group < GROUPS; group++) {
            send("g" + group, 3);
        }
        take(GROUPS);
        Scenario.check(!owners.containsValue(0), "the consumer that left has groups: " + owners);
        for (String orphan : orphans) {
            Scenario.check(last.get(orphan) == 3, orphan + " was left behind");
        }
    }

    private void close() throws Exception {
        send("closes", 2);
        send("stays", 2);
        take(2);
        send("closes", -1);
        take(1);
        Scenario.check(!owners.containsKey("closes"), "it is closed");
        send("closes", 3);
        send("stays", 3);
        take(2);
    }
}
