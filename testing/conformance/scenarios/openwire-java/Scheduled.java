import java.io.IOException;
import java.util.ArrayList;
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
import javax.jms.TemporaryQueue;
import javax.jms.TextMessage;
import org.apache.activemq.ScheduledMessage;

/** Messages that are sent later: once, repeated, by calendar, looked at and taken away, over a broker that is killed. */
final class Scheduled {
    private static final int WAIT_MS = 10_000;
    private final Session session;
    private final Queue queue;
    private final MessageProducer producer;

    private Scheduled(Connection connection, String name) throws JMSException {
        session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
        queue = session.createQueue(name);
        producer = session.createProducer(queue);
    }

    static Map<String, Scenario.Case> cases(Scenario scenario) {
        Map<String, Scenario.Case> all = new LinkedHashMap<>();
        all.put("a scheduled message comes once", () -> run(scenario, Scheduled::once));
        all.put("a scheduled message is repeated", () -> run(scenario, Scheduled::repeated));
        all.put("a transaction schedules with its commit", () -> transacted(scenario));
        all.put("scheduled messages are looked at and taken away", () -> run(scenario, Scheduled::orders));
        all.put("wrong schedules are refused", () -> run(scenario, Scheduled::refusals));
        // ActiveMQ itself sends some of them once more than it should, now and then.
        if (!Scenario.isOracle()) {
            all.put("scheduled messages after kill -9", () -> killed(scenario));
        }
        return all;
    }

    private interface Run {
        void on(Scheduled scheduled) throws Exception;
    }

    private static void run(Scenario scenario, Run run) throws Exception {
        Connection connection = scenario.connection();
        try {
            connection.start();
            run.on(new Scheduled(connection, scenario.name("scheduled")));
        } finally {
            connection.close();
        }
    }

    private TextMessage message(String text, long delayMs, long periodMs, int repeat) throws JMSException {
        TextMessage message = session.createTextMessage(text);
        message.setLongProperty(ScheduledMessage.AMQ_SCHEDULED_DELAY, delayMs);
        message.setLongProperty(ScheduledMessage.AMQ_SCHEDULED_PERIOD, periodMs);
        message.setIntProperty(ScheduledMessage.AMQ_SCHEDULED_REPEAT, repeat);
        return message;
    }

    private void once() throws Exception {
        MessageConsumer consumer = session.createConsumer(queue);
        long start = System.nanoTime();
        producer.setTimeToLive(WAIT_MS);
        Message sent = message("later", 700, 0, 0);
        producer.send(sent);
        Message message = consumer.receive(WAIT_MS);
        long passedMs = (System.nanoTime() - start) / 1_000_000;
        Scenario.same("later", Scenario.text(message));
        Scenario.check(passedMs >= 700, "it came after " + passedMs + " ms");
        Scenario.check(message.getStringProperty("scheduledJobId") != null, "it has no scheduledJobId");
        Scenario.check(!message.propertyExists(ScheduledMessage.AMQ_SCHEDULED_DELAY), "it still has a delay");
        Scenario.check(message.getJMSExpiration() > sent.getJMSExpiration(), "its time to live begins when it comes");
        Scenario.same(null, consumer.receiveNoWait());
    }

    private void repeated() throws Exception {
        MessageConsumer consumer = session.createConsumer(queue);
        producer.send(message("again", 0, 200, 2));
        Set<String> ids = new HashSet<>();
        for (int i = 0; i < 3; i++) {
            Message message = consumer.receive(WAIT_MS);
            Scenario.same("again", Scenario.text(message));
            ids.add(message.getJMSMessageID());
        }
        Scenario.same(3, ids.size());
        Scenario.same(null, consumer.receive(500));
    }

    private static void transacted(Scenario scenario) throws Exception {
        Connection connection = scenario.connection();
        try {
            connection.start();
            Scheduled plain = new Scheduled(connection, scenario.name("scheduled"));
            MessageConsumer consumer = plain.session.createConsumer(plain.queue);
            Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
            MessageProducer producer = session.createProducer(plain.queue);
            producer.send(plain.message("rolled back", 100, 0, 0));
            session.rollback();
            producer.send(plain.message("committed", 100, 0, 0));
            Scenario.same(null, consumer.receive(400));
            session.commit();
            Scenario.same("committed", Scenario.text(consumer.receive(WAIT_MS)));
            Scenario.same(null, consumer.receiveNoWait());
        } finally {
            connection.close();
        }
    }

    /** What is scheduled for this case's queue: ids of its jobs. */
    private List<String> jobs() throws JMSException {
        TemporaryQueue answers = session.createTemporaryQueue();
        MessageConsumer consumer = session.createConsumer(answers);
        Message order = session.createMessage();
        order.setStringProperty(ScheduledMessage.AMQ_SCHEDULER_ACTION, ScheduledMessage.AMQ_SCHEDULER_ACTION_BROWSE);
        order.setJMSReplyTo(answers);
        order(order);
        List<String> ids = new ArrayList<>();
        for (Message job = consumer.receive(500); job != null; job = consumer.receive(500)) {
            if (queue.getQueueName().equals(job.getStringProperty("case"))) {
                ids.add(job.getStringProperty("scheduledJobId"));
            }
        }
        consumer.close();
        answers.delete();
        return ids;
    }

    private void order(Message order) throws JMSException {
        MessageProducer orders =
                session.createProducer(session.createTopic(ScheduledMessage.AMQ_SCHEDULER_MANAGEMENT_DESTINATION));
        orders.send(order);
        orders.close();
    }

    private void orders() throws Exception {
        MessageConsumer consumer = session.createConsumer(queue);
        for (int i = 0; i < 2; i++) {
            TextMessage far = message("far", 3_600_000 + i, 0, 0);
            far.setStringProperty("case", queue.getQueueName());
            producer.send(far);
        }
        TextMessage yearly = session.createTextMessage("yearly");
        yearly.setStringProperty("case", queue.getQueueName());
        yearly.setStringProperty(ScheduledMessage.AMQ_SCHEDULED_CRON, "0 0 1 1 *");
        producer.send(yearly);
        List<String> jobs = jobs();
        Scenario.same(3, jobs.size());
        Message remove = session.createMessage();
        remove.setStringProperty(ScheduledMessage.AMQ_SCHEDULER_ACTION, ScheduledMessage.AMQ_SCHEDULER_ACTION_REMOVE);
        remove.setStringProperty(ScheduledMessage.AMQ_SCHEDULED_ID, jobs.get(0));
        order(remove);
        Scenario.same(jobs.subList(1, 3), jobs());
        Message all = session.createMessage();
        all.setStringProperty(ScheduledMessage.AMQ_SCHEDULER_ACTION, ScheduledMessage.AMQ_SCHEDULER_ACTION_REMOVEALL);
        order(all);
        Scenario.same(0, jobs().size());
        Scenario.same(null, consumer.receiveNoWait());
    }

    private void refusals() throws Exception {
        // The client looks at the numbers itself, but not whether there is such a day.
        Message never = session.createMessage();
        never.setStringProperty(ScheduledMessage.AMQ_SCHEDULED_CRON, "0 0 31 2 *");
        Scenario.refused(JMSException.class, () -> producer.send(never));
        Scenario.refused(JMSException.class, () -> producer.send(message("often", 1, 1_000, 1_001)));
    }

    /** What was answered is there after a crash, each time once: what comes again has the id that it had. */
    private static void killed(Scenario scenario) throws Exception {
        String name = scenario.name("scheduled");
        Connection connection = scenario.connection();
        connection.start();
        Scheduled before = new Scheduled(connection, name);
        before.producer.send(before.message("once", 2_000, 0, 0));
        before.producer.send(before.message("thrice", 500, 500, 2));
        Message first = before.session.createConsumer(before.queue).receive(WAIT_MS);
        Scenario.same("thrice", Scenario.text(first));
        Map<String, Set<String>> ids = Map.of("once", new HashSet<>(), "thrice", new HashSet<>());
        ids.get("thrice").add(first.getJMSMessageID());
        kill();
        try {
            connection.close();
        } catch (JMSException gone) {
            System.out.println("the connection is gone: " + gone.getMessage());
        }
        run(scenario, after -> {
            MessageConsumer consumer = after.session.createConsumer(after.session.createQueue(name));
            while (ids.get("once").size() < 1 || ids.get("thrice").size() < 3) {
                Message message = consumer.receive(WAIT_MS);
                ids.get(Scenario.text(message)).add(message.getJMSMessageID());
            }
            for (Message more = consumer.receive(700); more != null; more = consumer.receive(700)) {
                boolean isKnown = !ids.get(Scenario.text(more)).add(more.getJMSMessageID());
                Scenario.check(isKnown && more.getJMSRedelivered(), "one more came: " + more);
            }
        });
    }

    private static void kill() throws IOException {
        System.out.println("HARNESS kill");
        System.out.flush();
        Scenario.same("restarted\n", new String(System.in.readNBytes("restarted\n".length()), "UTF-8"));
    }
}
