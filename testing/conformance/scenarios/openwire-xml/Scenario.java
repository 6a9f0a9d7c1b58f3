import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.jms.Destination;
import javax.jms.IllegalStateException;
import javax.jms.JMSException;
import javax.jms.MapMessage;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Queue;
import javax.jms.Session;
import javax.jms.TextMessage;
import javax.jms.Topic;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.RedeliveryPolicy;
import org.apache.activemq.advisory.AdvisorySupport;
import org.apache.activemq.command.ActiveMQDestination;
import org.apache.activemq.command.ActiveMQMessage;
import org.apache.activemq.command.ConsumerInfo;

/** An application over JMS that counts on what activemq.xml, in this folder, says of its broker. */
public final class Scenario {
    private static final int WAIT_MS = 10_000;

    private interface Case {
        void run(ActiveMQConnection connection, Session session) throws Exception;
    }

    private Scenario() {}

    public static void main(String[] arguments) {
        Map<String, Case> all = new LinkedHashMap<>();
        all.put("four queues of a virtual topic have a copy each", Scenario::virtualTopic);
        all.put("a composite queue sends on what its filters let pass", Scenario::composite);
        all.put("each queue has a dead-letter queue of its own", Scenario::deadLetters);
        all.put("an idle queue goes", Scenario::idle);
        all.put("questions about queues are answered", Scenario::statistics);
        all.put("messages get the broker's time and a bounded life", Scenario::stamps);
        all.put("messages tell who sent them", Scenario::users);
        all.put("a consumer that hangs is closed, and others get what it had", Scenario::slow);
        all.put("an advisory tells of a message that died", Scenario::died);
        all.put("a queue of a selector-aware topic gets what is selected", Scenario::selected);
        for (Map.Entry<String, Case> entry : all.entrySet()) {
            try {
                run(entry.getValue());
                System.out.println("ok " + entry.getKey());
            } catch (Exception | AssertionError problem) {
                problem.printStackTrace();
                System.out.println("FAILED " + entry.getKey() + ": " + problem.toString().replace('\n', ' '));
            }
        }
        // The client leaves threads behind.
        System.exit(0);
    }

    private static void run(Case test) throws Exception {
        ActiveMQConnectionFactory factory = new ActiveMQConnectionFactory("tcp://127.0.0.1:61616");
        ActiveMQConnection connection = (ActiveMQConnection) factory.createConnection("guest", "guest");
        try {
            connection.start();
            test.run(connection, connection.createSession(false, Session.AUTO_ACKNOWLEDGE));
        } finally {
            connection.close();
        }
    }

    private static void virtualTopic(ActiveMQConnection connection, Session session) throws Exception {
        List<MessageConsumer> consumers = new ArrayList<>();
        for (String name : List.of("A", "B", "C", "D")) {
            consumers.add(session.createConsumer(session.createQueue("Consumer." + name + ".VirtualTopic.Orders")));
        }
        // Two that share a queue have one copy.
        Queue shared = session.createQueue("Consumer.D.VirtualTopic.Orders");
        MessageConsumer second = session.createConsumer(shared);
        MessageConsumer direct = session.createConsumer(session.createTopic("VirtualTopic.Orders"));
        MessageProducer producer = session.createProducer(session.createTopic("VirtualTopic.Orders"));
        for (int i = 0; i < 10; i++) {
            producer.send(session.createTextMessage("order " + i));
        }
        for (MessageConsumer consumer : consumers.subList(0, 3)) {
            for (int i = 0; i < 10; i++) {
                same("order " + i, text(consumer.receive(WAIT_MS)));
            }
        }
        int count = 0;
        for (MessageConsumer consumer : List.of(consumers.get(3), second)) {
            while (consumer.receive(300) != null) {
                count++;
            }
        }
        same(10, count);
        same("order 0", text(direct.receive(WAIT_MS)));
        // What nobody takes stays in each queue.
        consumers.get(0).close();
        producer.send(session.createTextMessage("late"));
        MessageConsumer again = session.createConsumer(session.createQueue("Consumer.A.VirtualTopic.Orders"));
        same("late", text(again.receive(WAIT_MS)));
    }

    private static void composite(ActiveMQConnection connection, Session session) throws Exception {
        MessageProducer producer = session.createProducer(session.createQueue("shop.orders"));
        for (int amount : new int[] {5, 1_000}) {
            TextMessage message = session.createTextMessage("amount " + amount);
            message.setIntProperty("amount", amount);
            producer.send(message);
        }
        MessageConsumer all = session.createConsumer(session.createQueue("shop.all"));
        same("amount 5", text(all.receive(WAIT_MS)));
        same("amount 1000", text(all.receive(WAIT_MS)));
        MessageConsumer large = session.createConsumer(session.createQueue("shop.large"));
        same("amount 1000", text(large.receive(WAIT_MS)));
        same(null, large.receive(300));
        same(null, session.createConsumer(session.createQueue("shop.orders")).receive(300));
    }

    private static void deadLetters(ActiveMQConnection connection, Session session) throws Exception {
        RedeliveryPolicy policy = connection.getRedeliveryPolicy();
        policy.setMaximumRedeliveries(1);
        policy.setInitialRedeliveryDelay(0);
        Session transacted = connection.createSession(true, Session.SESSION_TRANSACTED);
        for (String name : List.of("poisoned.1", "poisoned.2")) {
            Queue queue = session.createQueue(name);
            session.createProducer(queue).send(session.createTextMessage(name));
            MessageConsumer consumer = transacted.createConsumer(queue);
            for (int i = 0; i < 2; i++) {
                same(name, text(consumer.receive(WAIT_MS)));
                transacted.rollback();
            }
            Message dead = session.createConsumer(session.createQueue("DLQ." + name)).receive(WAIT_MS);
            same(name, text(dead));
            consumer.close();
        }
    }

    private static void idle(ActiveMQConnection connection, Session session) throws Exception {
        Topic topic = session.createTopic("VirtualTopic.idle");
        Queue queue = session.createQueue("Consumer.idle.VirtualTopic.idle");
        MessageProducer producer = session.createProducer(topic);
        session.createConsumer(queue).close();
        producer.send(session.createTextMessage("kept"));
        MessageConsumer consumer = session.createConsumer(queue);
        same("kept", text(consumer.receive(WAIT_MS)));
        consumer.close();
        // The broker answers what there is of it: nothing, once it has gone.
        long end = System.currentTimeMillis() + WAIT_MS;
        while (ask(session, "ActiveMQ.Statistics.Destination.Consumer.idle.VirtualTopic.idle", 300) != null) {
            same(true, System.currentTimeMillis() < end);
        }
        producer.send(session.createTextMessage("for nobody"));
        same(null, session.createConsumer(queue).receive(300));
    }

    private static void statistics(ActiveMQConnection connection, Session session) throws Exception {
        MessageProducer producer = session.createProducer(session.createQueue("counted"));
        for (int i = 0; i < 3; i++) {
            producer.send(session.createTextMessage("m"));
        }
        MapMessage queue = ask(session, "ActiveMQ.Statistics.Destination.counted", WAIT_MS);
        same("queue://counted", queue.getString("destinationName"));
        same(3L, queue.getLong("size"));
        MapMessage broker = ask(session, "ActiveMQ.Statistics.Broker", WAIT_MS);
        same(true, broker.getLong("enqueueCount") >= 3);
    }

    private static MapMessage ask(Session session, String name, int waitMs) throws JMSException {
        Queue answers = session.createTemporaryQueue();
        MessageConsumer consumer = session.createConsumer(answers);
        Message question = session.createMessage();
        question.setJMSReplyTo(answers);
        session.createProducer(session.createQueue(name)).send(question);
        Message answer = consumer.receive(waitMs);
        consumer.close();
        return (MapMessage) answer;
    }

    private static void stamps(ActiveMQConnection connection, Session session) throws Exception {
        Queue queue = session.createQueue("stamped");
        MessageProducer producer = session.createProducer(queue);
        producer.setTimeToLive(86_400_000);
        producer.send(session.createTextMessage("m"));
        Message message = session.createConsumer(queue).receive(WAIT_MS);
        same(60_000L, message.getJMSExpiration() - message.getJMSTimestamp());
    }

    private static String text(Message message) throws JMSException {
        return message == null ? null : ((TextMessage) message).getText();
    }

    private static void users(ActiveMQConnection connection, Session session) throws Exception {
        Queue queue = session.createQueue("users");
        Message message = session.createTextMessage("claims");
        ((ActiveMQMessage) message).setUserID("somebody");
        session.createProducer(queue).send(message);
        same("guest", session.createConsumer(queue).receive(WAIT_MS).getStringProperty("JMSXUserID"));
    }

    private static void slow(ActiveMQConnection connection, Session session) throws Exception {
        Queue queue = session.createQueue("slow.jobs");
        MessageConsumer news = session.createConsumer(AdvisorySupport.getSlowConsumerAdvisoryTopic(queue));
        MessageConsumer hanging = session.createConsumer(session.createQueue("slow.jobs?consumer.prefetchSize=1"));
        MessageProducer producer = session.createProducer(queue);
        producer.send(session.createTextMessage("1"));
        producer.send(session.createTextMessage("2"));
        ActiveMQMessage told = (ActiveMQMessage) news.receive(WAIT_MS);
        same(queue, ((ConsumerInfo) told.getDataStructure()).getDestination());
        long end = System.currentTimeMillis() + WAIT_MS;
        while (isOpen(hanging)) {
            same(true, System.currentTimeMillis() < end);
            same(null, news.receive(100));
        }
        MessageConsumer other = session.createConsumer(queue);
        same("1", text(other.receive(WAIT_MS)));
        same("2", text(other.receive(WAIT_MS)));
    }

    private static boolean isOpen(MessageConsumer consumer) throws JMSException {
        try {
            consumer.getMessageSelector();
            return true;
        } catch (IllegalStateException closed) {
            return false;
        }
    }

    private static void selected(ActiveMQConnection connection, Session session) throws Exception {
        Queue queue = session.createQueue("Consumer.A.choosy.news");
        MessageConsumer red = session.createConsumer(queue, "colour = 'red'");
        MessageProducer producer = session.createProducer(session.createTopic("choosy.news"));
        for (String colour : List.of("red", "blue", "red")) {
            TextMessage message = session.createTextMessage(colour);
            message.setStringProperty("colour", colour);
            producer.send(message);
        }
        same("red", text(red.receive(WAIT_MS)));
        same("red", text(red.receive(WAIT_MS)));
        red.close();
        same(null, session.createConsumer(queue).receive(300));
    }

    private static void died(ActiveMQConnection connection, Session session) throws Exception {
        Queue queue = session.createQueue("dying");
        MessageConsumer expired = session.createConsumer(AdvisorySupport.getExpiredMessageTopic((Destination) queue));
        MessageConsumer buried =
                session.createConsumer(AdvisorySupport.getMessageDLQdAdvisoryTopic((ActiveMQDestination) queue));
        MessageProducer producer = session.createProducer(queue);
        producer.setTimeToLive(100);
        Message message = session.createTextMessage("late");
        message.setStringProperty("colour", "red");
        producer.send(message);
        for (MessageConsumer news : List.of(expired, buried)) {
            ActiveMQMessage told = (ActiveMQMessage) news.receive(WAIT_MS);
            ActiveMQMessage dead = (ActiveMQMessage) told.getDataStructure();
            same(message.getJMSMessageID(), dead.getJMSMessageID());
            same("red", dead.getStringProperty("colour"));
        }
    }

    private static void same(Object expected, Object found) {
        if (expected == null ? found != null : !expected.equals(found)) {
            throw new AssertionError("expected " + expected + ", found " + found);
        }
    }
}
