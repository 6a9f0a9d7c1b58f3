import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import javax.jms.BytesMessage;
import javax.jms.DeliveryMode;
import javax.jms.Destination;
import javax.jms.InvalidClientIDException;
import javax.jms.InvalidSelectorException;
import javax.jms.JMSException;
import javax.jms.JMSSecurityException;
import javax.jms.MapMessage;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.ObjectMessage;
import javax.jms.Queue;
import javax.jms.QueueBrowser;
import javax.jms.Session;
import javax.jms.StreamMessage;
import javax.jms.TemporaryQueue;
import javax.jms.TextMessage;
import javax.jms.Topic;
import javax.jms.TopicSubscriber;
import javax.net.ssl.TrustManagerFactory;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.ActiveMQSession;
import org.apache.activemq.ActiveMQSslConnectionFactory;
import org.apache.activemq.RedeliveryPolicy;
import org.apache.activemq.advisory.AdvisorySupport;
import org.apache.activemq.advisory.ConsumerEvent;
import org.apache.activemq.advisory.ConsumerEventSource;
import org.apache.activemq.advisory.DestinationSource;
import org.apache.activemq.advisory.ProducerEvent;
import org.apache.activemq.advisory.ProducerEventSource;
import org.apache.activemq.command.ActiveMQMessage;
import org.apache.activemq.command.ActiveMQQueue;
import org.apache.activemq.command.ActiveMQTopic;
import org.apache.activemq.command.Command;
import org.apache.activemq.command.ConnectionId;
import org.apache.activemq.command.ConnectionInfo;
import org.apache.activemq.command.RemoveInfo;

/**
 * An application over JMS with ActiveMQ's client: one method each, all of them once, and the first ones again in other
 * encodings and older versions. OPENWIRE_ENGINE names whose ways the broker follows; an oracle is ActiveMQ itself.
 */
public final class Scenario {
    private static final int WAIT_MS = 10_000;
    private static final String ENGINE = System.getenv("OPENWIRE_ENGINE");
    private static final String ORACLE = "oracle";
    /** Cases that ActiveMQ itself fails: crates/protocols/openwire/COVERAGE.md says why. */
    private static final Set<String> DEVIATIONS = Set.of(
            "what is not there is refused",
            "wrong schedules are refused",
            "a message that is too large is refused alone",
            "a browser sees a thousand messages of both delivery modes in order");
    private final String url;
    private final String user;
    private final String password;
    private int named;

    interface Case {
        void run() throws Exception;
    }

    /** JMS 1.1 has no connections that a statement can close. */
    private record Opened(ActiveMQConnection connection) implements AutoCloseable {
        @Override
        public void close() throws JMSException {
            connection.close();
        }
    }

    private Scenario(String url, String user, String password) {
        this.url = url;
        this.user = user;
        this.password = password;
    }

    public static void main(String[] arguments) throws Exception {
        if (!isThere()) {
            System.out.println("skipped all: the broker does not speak OpenWire");
            return;
        }
        String[] options = {
            "",
            "?wireFormat.tightEncodingEnabled=false&wireFormat.cacheEnabled=false",
            "?wireFormat.tightEncodingEnabled=false&wireFormat.version=6",
            "?wireFormat.version=1",
        };
        // How it encodes is nothing to ask ActiveMQ.
        int rounds = ENGINE.equals(ORACLE) ? 1 : options.length;
        for (String option : List.of(options).subList(0, rounds)) {
            Scenario suite = new Scenario("tcp://127.0.0.1:61616" + option, "guest", "guest");
            String end = option.isEmpty() ? "" : " (" + option.substring(1) + ")";
            for (Map.Entry<String, Case> entry : suite.cases(option.isEmpty()).entrySet()) {
                System.out.println(outcome(entry.getKey(), end, entry.getValue()));
            }
        }
        // The client leaves threads behind.
        System.exit(0);
    }

    /** A line for a case. One that ActiveMQ is known to fail has to fail there. */
    private static String outcome(String name, String end, Case one) {
        boolean deviates = ENGINE.equals(ORACLE) && DEVIATIONS.contains(name);
        try {
            one.run();
            return deviates ? "FAILED " + name + ": no longer a deviation" : "ok " + name + end;
        } catch (Exception | AssertionError problem) {
            if (deviates) {
                return "ok " + name + " (ActiveMQ answers otherwise)";
            }
            problem.printStackTrace();
            return "FAILED " + name + end + ": " + problem.toString().replace('\n', ' ');
        }
    }

    static boolean isOracle() {
        return ENGINE.equals(ORACLE);
    }

    private static boolean isThere() {
        try (Socket socket = new Socket("127.0.0.1", 61616)) {
            return socket.isConnected();
        } catch (IOException nobody) {
            return false;
        }
    }

    private Map<String, Case> cases(boolean isWhole) {
        Map<String, Case> all = new LinkedHashMap<>();
        all.put("messages of every type", this::types);
        all.put("properties and headers", this::properties);
        all.put("a queue shares, a topic copies", this::queueAndTopic);
        all.put("transactions", this::transactions);
        all.put("what was rolled back comes again", this::rollback);
        all.put("acknowledgement modes", this::acknowledgements);
        all.put("a durable subscriber comes back", this::durable);
        if (!ENGINE.equals("all")) {
            all.put("a client's id is one connection's alone", this::clientIds);
            all.put("connections are told of", this::connectionAdvisories);
            all.put("destinations are told of", this::destinationSource);
            all.put("consumers and producers are told of", this::eventSources);
        }
        all.put("request and reply", this::requestReply);
        if (!isWhole) {
            return all;
        }
        all.put("prefetch of one", this::prefetchOne);
        all.put("prefetch of none", this::prefetchNone);
        all.put("poison goes to the dead letters", this::poison);
        all.put("expired messages are not received", this::expiry);
        all.put("a long transaction", this::longTransaction);
        all.put("wildcards and composites", this::wildcards);
        all.put("temporary topic", this::temporaryTopic);
        all.put("no local", this::noLocal);
        all.put("refusals", this::refusals);
        all.put("what is not there is refused", this::absences);
        all.put("large messages", this::large);
        all.put("a message that is too large is refused alone", this::tooLarge);
        all.put("exclusive consumer", this::exclusive);
        all.put("asynchronous sends with a window", this::window);
        all.put("listeners", this::listeners);
        all.put("unacknowledged messages of a closed consumer", this::closedConsumer);
        all.put("a browser sees all and takes nothing", this::browser);
        all.put("a browser sees a thousand messages of both delivery modes in order", this::longBrowser);
        all.put("over TLS", this::secured);
        all.put("failover after kill -9", this::failover);
        all.putAll(Groups.cases(this));
        all.putAll(Scheduled.cases(this));
        if (!ENGINE.equals("all")) {
            // A queue with such a name is a queue like any other there.
            all.putAll(Wide.cases(this));
        }
        return all;
    }

    ActiveMQConnection connection() throws JMSException {
        ActiveMQConnectionFactory factory = new ActiveMQConnectionFactory(user, password, url);
        factory.setTrustAllPackages(true);
        return (ActiveMQConnection) factory.createConnection();
    }

    String name(String what) {
        named++;
        return "java." + what + "." + System.nanoTime() + "." + named;
    }

    static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    static void same(Object expected, Object actual) {
        check(expected == null ? actual == null : expected.equals(actual), "expected " + expected + ", got " + actual);
    }

    static String text(Message message) throws JMSException {
        check(message != null, "no message came");
        return ((TextMessage) message).getText();
    }

    private void types() throws Exception {
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("types"));
            MessageProducer producer = session.createProducer(queue);
            MessageConsumer consumer = session.createConsumer(queue);
            for (String text : new String[] {"hello", "", "h\u00e9 \u20ac \ud83d\ude00 \u0000", null}) {
                producer.send(session.createTextMessage(text));
                same(text, ((TextMessage) consumer.receive(WAIT_MS)).getText());
            }
            BytesMessage bytes = session.createBytesMessage();
            bytes.writeInt(7);
            bytes.writeUTF("x");
            producer.send(bytes);
            BytesMessage readBytes = (BytesMessage) consumer.receive(WAIT_MS);
            same(7, readBytes.readInt());
            same("x", readBytes.readUTF());
            MapMessage map = session.createMapMessage();
            map.setString("a", "b");
            map.setLong("n", 1L << 40);
            producer.send(map);
            MapMessage readMap = (MapMessage) consumer.receive(WAIT_MS);
            same("b", readMap.getString("a"));
            same(1L << 40, readMap.getLong("n"));
            producer.send(session.createObjectMessage(new ArrayList<>(Collections.nCopies(3, "o"))));
            same(Collections.nCopies(3, "o"), ((ObjectMessage) consumer.receive(WAIT_MS)).getObject());
            StreamMessage stream = session.createStreamMessage();
            stream.writeString("s");
            stream.writeBoolean(true);
            producer.send(stream);
            StreamMessage readStream = (StreamMessage) consumer.receive(WAIT_MS);
            same("s", readStream.readString());
            same(true, readStream.readBoolean());
            producer.send(session.createMessage());
            check(consumer.receive(WAIT_MS) != null, "an empty message");
            connection.setUseCompression(true);
            producer.send(session.createTextMessage(String.join("", Collections.nCopies(1000, "compressed "))));
            same(11_000, text(consumer.receive(WAIT_MS)).length());
        }
    }

    private void properties() throws Exception {
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("properties"));
            MessageProducer producer = session.createProducer(queue);
            MessageConsumer consumer = session.createConsumer(queue);
            TextMessage message = session.createTextMessage("x");
            message.setStringProperty("text", "t\u00e9");
            message.setIntProperty("int", -5);
            message.setLongProperty("long", Long.MAX_VALUE);
            message.setDoubleProperty("double", 0.5);
            message.setBooleanProperty("bool", true);
            message.setByteProperty("byte", (byte) 3);
            message.setJMSCorrelationID("correlation");
            message.setJMSType("type");
            message.setJMSReplyTo(session.createQueue("reply"));
            producer.setPriority(7);
            producer.setTimeToLive(60_000);
            producer.setDeliveryMode(DeliveryMode.NON_PERSISTENT);
            producer.send(message);
            Message read = consumer.receive(WAIT_MS);
            same("t\u00e9", read.getStringProperty("text"));
            same(-5, read.getIntProperty("int"));
            same(Long.MAX_VALUE, read.getLongProperty("long"));
            same(0.5, read.getDoubleProperty("double"));
            same(true, read.getBooleanProperty("bool"));
            same((byte) 3, read.getByteProperty("byte"));
            same("correlation", read.getJMSCorrelationID());
            same("type", read.getJMSType());
            same(session.createQueue("reply"), read.getJMSReplyTo());
            same(queue, read.getJMSDestination());
            same(7, read.getJMSPriority());
            same(DeliveryMode.NON_PERSISTENT, read.getJMSDeliveryMode());
            same(message.getJMSMessageID(), read.getJMSMessageID());
            same(message.getJMSTimestamp(), read.getJMSTimestamp());
            same(message.getJMSExpiration(), read.getJMSExpiration());
            same(false, read.getJMSRedelivered());
        }
    }

    private void queueAndTopic() throws Exception {
        try (Opened connectionOpened = new Opened(connection()); Opened otherOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            ActiveMQConnection other = otherOpened.connection;
            connection.start();
            other.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Session second = other.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Topic topic = session.createTopic(name("topic"));
            MessageConsumer a = session.createConsumer(topic);
            MessageConsumer b = second.createConsumer(topic);
            MessageProducer producer = session.createProducer(null);
            producer.send(topic, session.createTextMessage("one"));
            same("one", text(a.receive(WAIT_MS)));
            same("one", text(b.receive(WAIT_MS)));
            Queue queue = session.createQueue(name("queue"));
            for (int i = 0; i < 100; i++) {
                producer.send(queue, session.createTextMessage("m" + i));
            }
            MessageConsumer reader = second.createConsumer(queue);
            for (int i = 0; i < 100; i++) {
                same("m" + i, text(reader.receive(WAIT_MS)));
            }
            same(null, reader.receiveNoWait());
        }
    }

    private void transactions() throws Exception {
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.start();
            Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
            Session plain = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("transactions"));
            MessageProducer producer = session.createProducer(queue);
            MessageConsumer watcher = plain.createConsumer(queue);
            producer.send(session.createTextMessage("rolled back"));
            session.rollback();
            producer.send(session.createTextMessage("a"));
            producer.send(session.createTextMessage("b"));
            same(null, watcher.receive(300));
            session.commit();
            same("a", text(watcher.receive(WAIT_MS)));
            same("b", text(watcher.receive(WAIT_MS)));
            watcher.close();
            Queue in = session.createQueue(name("in"));
            Queue out = session.createQueue(name("out"));
            plain.createProducer(in).send(plain.createTextMessage("moved"));
            MessageConsumer consumer = session.createConsumer(in);
            session.createProducer(out).send(session.createTextMessage(text(consumer.receive(WAIT_MS))));
            session.commit();
            same("moved", text(plain.createConsumer(out).receive(WAIT_MS)));
            consumer.close();
            same(null, plain.createConsumer(in).receive(300));
        }
    }

    private void rollback() throws Exception {
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            RedeliveryPolicy policy = connection.getRedeliveryPolicy();
            policy.setInitialRedeliveryDelay(0);
            policy.setRedeliveryDelay(0);
            connection.start();
            Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
            Queue queue = session.createQueue(name("rollback"));
            MessageProducer producer = session.createProducer(queue);
            producer.send(session.createTextMessage("a"));
            producer.send(session.createTextMessage("b"));
            session.commit();
            MessageConsumer consumer = session.createConsumer(queue);
            same("a", text(consumer.receive(WAIT_MS)));
            same("b", text(consumer.receive(WAIT_MS)));
            session.rollback();
            Message again = consumer.receive(WAIT_MS);
            same("a", text(again));
            same(true, again.getJMSRedelivered());
            same(2, again.getIntProperty("JMSXDeliveryCount"));
            same("b", text(consumer.receive(WAIT_MS)));
            session.commit();
            same(null, consumer.receive(300));
        }
    }

    private void acknowledgements() throws Exception {
        Queue queue;
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.start();
            Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
            queue = session.createQueue(name("client"));
            MessageProducer producer = session.createProducer(queue);
            for (int i = 0; i < 4; i++) {
                producer.send(session.createTextMessage("m" + i));
            }
            MessageConsumer consumer = session.createConsumer(queue);
            same("m0", text(consumer.receive(WAIT_MS)));
            Message second = consumer.receive(WAIT_MS);
            second.acknowledge();
            same("m2", text(consumer.receive(WAIT_MS)));
        }
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.start();
            Session session = connection.createSession(false, ActiveMQSession.INDIVIDUAL_ACKNOWLEDGE);
            MessageConsumer consumer = session.createConsumer(queue);
            Message third = consumer.receive(WAIT_MS);
            same("m2", text(third));
            same(true, third.getJMSRedelivered());
            Message fourth = consumer.receive(WAIT_MS);
            same("m3", text(fourth));
            fourth.acknowledge();
        }
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.start();
            Session session = connection.createSession(false, Session.DUPS_OK_ACKNOWLEDGE);
            MessageConsumer consumer = session.createConsumer(queue);
            same("m2", text(consumer.receive(WAIT_MS)));
            same(null, consumer.receive(300));
        }
    }

    private void durable() throws Exception {
        String client = name("client");
        String topicName = name("durable");
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.setClientID(client);
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            TopicSubscriber subscriber = session.createDurableSubscriber(session.createTopic(topicName), "sub");
            session.createProducer(session.createTopic(topicName)).send(session.createTextMessage("live"));
            same("live", text(subscriber.receive(WAIT_MS)));
        }
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            MessageProducer producer = session.createProducer(session.createTopic(topicName));
            producer.send(session.createTextMessage("offline 1"));
            producer.send(session.createTextMessage("offline 2"));
        }
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.setClientID(client);
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            TopicSubscriber subscriber = session.createDurableSubscriber(session.createTopic(topicName), "sub");
            same("offline 1", text(subscriber.receive(WAIT_MS)));
            same("offline 2", text(subscriber.receive(WAIT_MS)));
            refused(JMSException.class, () -> session.unsubscribe("sub"));
            subscriber.close();
            session.unsubscribe("sub");
            refused(JMSException.class, () -> session.unsubscribe("sub"));
        }
    }

    private void clientIds() throws Exception {
        String client = name("client-id");
        try (Opened first = new Opened(connection())) {
            first.connection.setClientID(client);
            first.connection.start();
            ActiveMQConnection second = connection();
            refused(InvalidClientIDException.class, () -> second.setClientID(client));
            try {
                second.close();
            } catch (JMSException again) {
                same(InvalidClientIDException.class, again.getClass());
            }
        }
        // It is free when the first one is gone, which need not be when that one's close returns.
        for (long end = System.nanoTime() + WAIT_MS * 1_000_000L; ; ) {
            try {
                ActiveMQConnection third = connection();
                third.setClientID(client);
                third.start();
                third.close();
                return;
            } catch (InvalidClientIDException taken) {
                same(true, System.nanoTime() < end);
            }
        }
    }

    private static Command told(MessageConsumer consumer) throws JMSException {
        ActiveMQMessage message = (ActiveMQMessage) consumer.receive(WAIT_MS);
        same("Advisory", message.getType());
        same(true, message.getStringProperty("originBrokerName") != null);
        return (Command) message.getDataStructure();
    }

    private void connectionAdvisories() throws Exception {
        try (Opened watching = new Opened(connection())) {
            watching.connection.setClientID(name("watcher"));
            watching.connection.start();
            Session session = watching.connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            MessageConsumer consumer = session.createConsumer(AdvisorySupport.getConnectionAdvisoryTopic());
            String client = name("told");
            ConnectionId id;
            try (Opened other = new Opened(connection())) {
                other.connection.setClientID(client);
                other.connection.start();
                // Those that were there come first, its own among them.
                ConnectionInfo info;
                boolean hasOwn = false;
                do {
                    info = (ConnectionInfo) told(consumer);
                    hasOwn |= info.getClientId().equals(watching.connection.getClientID());
                } while (!info.getClientId().equals(client));
                same(true, hasOwn);
                id = info.getConnectionId();
                same(other.connection.getConnectionInfo().getConnectionId(), id);
                same("guest", info.getUserName());
                same(true, info.getPassword() == null || info.getPassword().isEmpty() || info.getPassword().matches("[*]+"));
            }
            Command command;
            do {
                command = told(consumer);
            } while (!(command instanceof RemoveInfo && ((RemoveInfo) command).getObjectId().equals(id)));
        }
    }

    private static void until(BooleanSupplier holds) throws InterruptedException {
        for (long end = System.nanoTime() + WAIT_MS * 1_000_000L; !holds.getAsBoolean(); Thread.sleep(10)) {
            same(true, System.nanoTime() < end);
        }
    }

    private void destinationSource() throws Exception {
        ActiveMQQueue early = new ActiveMQQueue(name("early"));
        ActiveMQQueue late = new ActiveMQQueue(name("late"));
        ActiveMQTopic topic = new ActiveMQTopic(name("late-topic"));
        try (Opened using = new Opened(connection()); Opened watching = new Opened(connection())) {
            using.connection.start();
            watching.connection.start();
            Session session = using.connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            session.createConsumer(early).close();
            DestinationSource source = watching.connection.getDestinationSource();
            until(() -> source.getQueues().contains(early));
            MessageConsumer ofQueue = session.createConsumer(late);
            MessageConsumer ofTopic = session.createConsumer(topic);
            TemporaryQueue temporary = session.createTemporaryQueue();
            until(() -> source.getQueues().contains(late) && source.getTopics().contains(topic)
                    && source.getTemporaryQueues().contains(temporary));
            ofQueue.close();
            ofTopic.close();
            temporary.delete();
            using.connection.destroyDestination(late);
            using.connection.destroyDestination(topic);
            until(() -> !source.getQueues().contains(late) && !source.getTopics().contains(topic)
                    && !source.getTemporaryQueues().contains(temporary));
            source.stop();
        }
    }

    private void eventSources() throws Exception {
        try (Opened using = new Opened(connection()); Opened watching = new Opened(connection())) {
            using.connection.start();
            watching.connection.start();
            Session session = using.connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            for (Destination destination :
                    new Destination[] {session.createQueue(name("sources")), session.createTopic(name("sources"))}) {
                MessageConsumer early = session.createConsumer(destination);
                MessageProducer producer = session.createProducer(destination);
                BlockingQueue<ConsumerEvent> consumers = new LinkedBlockingQueue<>();
                BlockingQueue<ProducerEvent> producers = new LinkedBlockingQueue<>();
                ConsumerEventSource ofConsumers = new ConsumerEventSource(watching.connection, destination);
                ofConsumers.setConsumerListener(consumers::add);
                ofConsumers.start();
                ProducerEventSource ofProducers = new ProducerEventSource(watching.connection, destination);
                ofProducers.setProducerListener(producers::add);
                ofProducers.start();
                next(consumers, true, 1);
                MessageConsumer late = session.createConsumer(destination);
                Object came = next(consumers, true, 2).getConsumerId();
                late.close();
                same(came, next(consumers, false, 1).getConsumerId());
                early.close();
                next(consumers, false, 0);
                nextProducer(producers, true, 1);
                MessageProducer second = session.createProducer(destination);
                Object began = nextProducer(producers, true, 2).getProducerId();
                second.close();
                same(began, nextProducer(producers, false, 1).getProducerId());
                producer.close();
                nextProducer(producers, false, 0);
                ofConsumers.stop();
                ofProducers.stop();
            }
        }
    }

    private static ConsumerEvent next(BlockingQueue<ConsumerEvent> events, boolean isStart, int count)
            throws InterruptedException {
        ConsumerEvent event = events.poll(WAIT_MS, TimeUnit.MILLISECONDS);
        same(isStart, event.isStarted());
        same(count, event.getConsumerCount());
        return event;
    }

    private static ProducerEvent nextProducer(BlockingQueue<ProducerEvent> events, boolean isStart, int count)
            throws InterruptedException {
        ProducerEvent event = events.poll(WAIT_MS, TimeUnit.MILLISECONDS);
        same(isStart, event.isStarted());
        same(count, event.getProducerCount());
        return event;
    }

    private void requestReply() throws Exception {
        String name = name("request");
        try (Opened serverOpened = new Opened(connection()); Opened clientOpened = new Opened(connection())) {
            ActiveMQConnection server = serverOpened.connection;
            ActiveMQConnection client = clientOpened.connection;
            server.start();
            client.start();
            Session serving = server.createSession(false, Session.AUTO_ACKNOWLEDGE);
            MessageConsumer requests = serving.createConsumer(serving.createQueue(name));
            Session asking = client.createSession(false, Session.AUTO_ACKNOWLEDGE);
            TemporaryQueue replies = asking.createTemporaryQueue();
            MessageConsumer answers = asking.createConsumer(replies);
            TextMessage request = asking.createTextMessage("question");
            request.setJMSReplyTo(replies);
            asking.createProducer(asking.createQueue(name)).send(request);
            Message asked = requests.receive(WAIT_MS);
            same("question", text(asked));
            serving.createProducer(asked.getJMSReplyTo()).send(serving.createTextMessage("answer"));
            same("answer", text(answers.receive(WAIT_MS)));
            refused(JMSException.class, () -> serving.createConsumer(asked.getJMSReplyTo()));
            answers.close();
            replies.delete();
        }
    }

    private void prefetchOne() throws Exception {
        try (Opened connectionOpened = new Opened(connection()); Opened otherOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            ActiveMQConnection other = otherOpened.connection;
            connection.getPrefetchPolicy().setAll(1);
            other.getPrefetchPolicy().setAll(1);
            connection.start();
            other.start();
            Session a = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
            Session b = other.createSession(false, Session.CLIENT_ACKNOWLEDGE);
            Queue queue = a.createQueue(name("one"));
            MessageProducer producer = a.createProducer(queue);
            for (int i = 0; i < 4; i++) {
                producer.send(a.createTextMessage("m" + i));
            }
            MessageConsumer first = a.createConsumer(queue);
            Message m0 = first.receive(WAIT_MS);
            same("m0", text(m0));
            MessageConsumer second = b.createConsumer(queue);
            Message mine = second.receive(WAIT_MS);
            check(mine != null, "the other consumer gets one");
            m0.acknowledge();
            mine.acknowledge();
            List<String> rest = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                Message next = first.receive(500);
                if (next == null) {
                    next = second.receive(WAIT_MS);
                }
                rest.add(text(next));
                next.acknowledge();
            }
            rest.add(text(mine));
            Collections.sort(rest);
            same(List.of("m1", "m2", "m3"), rest);
        }
    }

    private void prefetchNone() throws Exception {
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.getPrefetchPolicy().setAll(0);
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("none"));
            MessageConsumer consumer = session.createConsumer(queue);
            same(null, consumer.receiveNoWait());
            same(null, consumer.receive(200));
            MessageProducer producer = session.createProducer(queue);
            for (int i = 0; i < 5; i++) {
                producer.send(session.createTextMessage("m" + i));
            }
            same("m0", text(consumer.receive(WAIT_MS)));
            same("m1", text(consumer.receiveNoWait()));
            same("m2", text(consumer.receive()));
            MessageConsumer other = session.createConsumer(queue);
            same("m3", text(other.receive(WAIT_MS)));
            same("m4", text(consumer.receive(WAIT_MS)));
            same(null, other.receive(200));
        }
    }

    private void poison() throws Exception {
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            RedeliveryPolicy policy = connection.getRedeliveryPolicy();
            policy.setInitialRedeliveryDelay(0);
            policy.setRedeliveryDelay(0);
            policy.setMaximumRedeliveries(1);
            connection.start();
            Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
            Session plain = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            MessageConsumer dead = plain.createConsumer(plain.createQueue("ActiveMQ.DLQ"));
            Queue queue = session.createQueue(name("poison"));
            TextMessage poison = plain.createTextMessage("poison " + queue.getQueueName());
            plain.createProducer(queue).send(poison);
            MessageConsumer consumer = session.createConsumer(queue);
            for (int i = 0; i < 2; i++) {
                check(consumer.receive(WAIT_MS) != null, "delivery " + i);
                session.rollback();
            }
            same(null, consumer.receive(300));
            if (!ENGINE.equals("all")) {
                Message found = dead.receive(WAIT_MS);
                while (found != null && !text(found).equals(poison.getText())) {
                    found = dead.receive(WAIT_MS);
                }
                same(poison.getText(), text(found));
                same(poison.getJMSMessageID(), found.getJMSMessageID());
            }
        }
    }

    private void expiry() throws Exception {
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("expiry"));
            MessageProducer producer = session.createProducer(queue);
            producer.setTimeToLive(1);
            producer.send(session.createTextMessage("old"));
            Thread.sleep(50);
            producer.setTimeToLive(0);
            producer.send(session.createTextMessage("new"));
            same("new", text(session.createConsumer(queue).receive(WAIT_MS)));
        }
    }

    private void longTransaction() throws Exception {
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.getPrefetchPolicy().setAll(10);
            connection.start();
            Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
            Queue queue = session.createQueue(name("long"));
            MessageProducer producer = session.createProducer(queue);
            for (int i = 0; i < 100; i++) {
                producer.send(session.createTextMessage("m" + i));
            }
            session.commit();
            MessageConsumer consumer = session.createConsumer(queue);
            for (int i = 0; i < 100; i++) {
                same("m" + i, text(consumer.receive(WAIT_MS)));
            }
            session.commit();
            same(null, consumer.receive(300));
        }
    }

    private void wildcards() throws Exception {
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            String base = name("wild");
            MessageConsumer star = session.createConsumer(session.createTopic(base + ".*.x"));
            MessageConsumer rest = session.createConsumer(session.createTopic(base + ".>"));
            MessageProducer producer = session.createProducer(null);
            producer.send(session.createTopic(base + ".a.x"), session.createTextMessage("1"));
            Message first = star.receive(WAIT_MS);
            same("1", text(first));
            same(session.createTopic(base + ".a.x"), first.getJMSDestination());
            same("1", text(rest.receive(WAIT_MS)));
            Queue a = session.createQueue(base + ".qa");
            Queue b = session.createQueue(base + ".qb");
            producer.send(session.createQueue(base + ".qa," + base + ".qb"), session.createTextMessage("both"));
            same("both", text(session.createConsumer(a).receive(WAIT_MS)));
            same("both", text(session.createConsumer(b).receive(WAIT_MS)));
            MessageConsumer two = session.createConsumer(session.createTopic(base + ".t1," + base + ".t2"));
            producer.send(session.createTopic(base + ".t1"), session.createTextMessage("t1"));
            producer.send(session.createTopic(base + ".t2"), session.createTextMessage("t2"));
            same("t1", text(two.receive(WAIT_MS)));
            same("t2", text(two.receive(WAIT_MS)));
        }
    }

    private void temporaryTopic() throws Exception {
        try (Opened connectionOpened = new Opened(connection()); Opened otherOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            ActiveMQConnection other = otherOpened.connection;
            connection.start();
            other.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Topic topic = session.createTemporaryTopic();
            MessageConsumer consumer = session.createConsumer(topic);
            session.createProducer(topic).send(session.createTextMessage("own"));
            same("own", text(consumer.receive(WAIT_MS)));
        }
    }

    private void noLocal() throws Exception {
        try (Opened connectionOpened = new Opened(connection()); Opened otherOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            ActiveMQConnection other = otherOpened.connection;
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Session foreign = other.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Topic topic = session.createTopic(name("local"));
            MessageConsumer consumer = session.createConsumer(topic, null, true);
            session.createProducer(topic).send(session.createTextMessage("own"));
            foreign.createProducer(topic).send(foreign.createTextMessage("theirs"));
            same("theirs", text(consumer.receive(WAIT_MS)));
        }
    }

    static void refused(Class<? extends Throwable> kind, Case what) {
        try {
            what.run();
        } catch (Throwable problem) {
            check(kind.isInstance(problem), "expected " + kind + ", got " + problem);
            return;
        }
        throw new AssertionError("nothing was refused: expected " + kind);
    }

    private void refusals() throws Exception {
        ActiveMQConnectionFactory wrong = new ActiveMQConnectionFactory(user, "wrong", url);
        refused(JMSSecurityException.class, () -> wrong.createConnection().start());
        ActiveMQConnectionFactory nobody = new ActiveMQConnectionFactory(url);
        refused(JMSSecurityException.class, () -> nobody.createConnection().start());
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("refusals"));
            refused(InvalidSelectorException.class, () -> session.createConsumer(queue, "a ="));
            MessageConsumer choosy = session.createConsumer(queue, "a = 1");
            session.createProducer(queue).send(session.createTextMessage("not for it"));
            same(null, choosy.receiveNoWait());
            choosy.close();
            MessageConsumer plain = session.createConsumer(queue);
            same("not for it", text(plain.receive(WAIT_MS)));
        }
    }

    private void absences() throws Exception {
        try (Opened opened = new Opened(connection())) {
            opened.connection.start();
            Session session = opened.connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("absences"));
            refused(JMSException.class, () -> session.createConsumer(session.createTopic("ActiveMQ.Advisory.NetworkBridge")));
            refused(JMSException.class, () -> session.createProducer(session.createTopic("a.>")).send(session.createMessage()));
            session.createProducer(queue).send(session.createTextMessage("still there"));
            same("still there", text(session.createConsumer(queue).receive(WAIT_MS)));
        }
    }

    private void large() throws Exception {
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("large"));
            MessageProducer producer = session.createProducer(queue);
            MessageConsumer consumer = session.createConsumer(queue);
            for (int size : new int[] {100_000, 5_000_000}) {
                BytesMessage message = session.createBytesMessage();
                message.writeBytes(new byte[size]);
                producer.send(message);
                same((long) size, ((BytesMessage) consumer.receive(WAIT_MS)).getBodyLength());
            }
        }
    }

    private void tooLarge() throws Exception {
        try (Opened opened = new Opened(connection())) {
            opened.connection.start();
            Session session = opened.connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("too-large"));
            MessageProducer producer = session.createProducer(queue);
            MessageConsumer consumer = session.createConsumer(queue);
            BytesMessage tooLarge = session.createBytesMessage();
            tooLarge.writeBytes(new byte[(16 << 20) + 1]);
            refused(JMSException.class, () -> producer.send(tooLarge));
            producer.send(session.createTextMessage("after"));
            same("after", text(consumer.receive(WAIT_MS)));
        }
    }

    private void exclusive() throws Exception {
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            String name = name("exclusive");
            MessageConsumer plain = session.createConsumer(session.createQueue(name));
            MessageConsumer exclusive = session.createConsumer(session.createQueue(name + "?consumer.exclusive=true"));
            MessageProducer producer = session.createProducer(session.createQueue(name));
            for (int i = 0; i < 5; i++) {
                producer.send(session.createTextMessage("m" + i));
                same("m" + i, text(exclusive.receive(WAIT_MS)));
            }
            same(null, plain.receiveNoWait());
        }
    }

    private void window() throws Exception {
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.setUseAsyncSend(true);
            connection.setProducerWindowSize(10_000);
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("window"));
            MessageProducer producer = session.createProducer(queue);
            for (int i = 0; i < 100; i++) {
                producer.send(session.createTextMessage("m" + i));
            }
            MessageConsumer consumer = session.createConsumer(queue);
            for (int i = 0; i < 100; i++) {
                same("m" + i, text(consumer.receive(WAIT_MS)));
            }
        }
    }

    private void listeners() throws Exception {
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("listeners"));
            CountDownLatch all = new CountDownLatch(2_000);
            session.createConsumer(queue).setMessageListener(message -> all.countDown());
            Session sending = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            MessageProducer producer = sending.createProducer(queue);
            producer.setDeliveryMode(DeliveryMode.NON_PERSISTENT);
            for (int i = 0; i < 2_000; i++) {
                producer.send(sending.createTextMessage("m" + i));
            }
            check(all.await(WAIT_MS, TimeUnit.MILLISECONDS), all.getCount() + " did not come");
        }
    }

    private void closedConsumer() throws Exception {
        try (Opened connectionOpened = new Opened(connection())) {
            ActiveMQConnection connection = connectionOpened.connection;
            connection.start();
            Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("closed"));
            MessageProducer producer = session.createProducer(queue);
            for (int i = 0; i < 3; i++) {
                producer.send(session.createTextMessage("m" + i));
            }
            Session other = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
            MessageConsumer consumer = other.createConsumer(queue);
            same("m0", text(consumer.receive(WAIT_MS)));
            other.close();
            MessageConsumer next = session.createConsumer(queue);
            for (int i = 0; i < 3; i++) {
                same("m" + i, text(next.receive(WAIT_MS)));
            }
        }
    }

    private void browser() throws Exception {
        try (Opened opened = new Opened(connection())) {
            opened.connection.start();
            Session session = opened.connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("browser"));
            QueueBrowser empty = session.createBrowser(queue);
            check(!empty.getEnumeration().hasMoreElements(), "an empty queue");
            empty.close();
            MessageProducer producer = session.createProducer(queue);
            for (int i = 0; i < 300; i++) {
                TextMessage message = session.createTextMessage("m" + i);
                message.setIntProperty("tens", i / 10);
                producer.send(message);
            }
            for (int round = 0; round < 2; round++) {
                browses(session, queue, null, 0, 300);
                browses(session, queue, "tens = 7", 70, 10);
            }
            Message first = session.createConsumer(queue).receive(WAIT_MS);
            same("m0", text(first));
            same(false, first.getJMSRedelivered());
        }
    }

    private void longBrowser() throws Exception {
        try (Opened opened = new Opened(connection())) {
            opened.connection.start();
            Session session = opened.connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("browser"));
            MessageProducer producer = session.createProducer(queue);
            for (int i = 0; i < 1_000; i++) {
                producer.setDeliveryMode(i % 2 == 0 ? DeliveryMode.PERSISTENT : DeliveryMode.NON_PERSISTENT);
                producer.send(session.createTextMessage("m" + i));
            }
            browses(session, queue, null, 0, 1_000);
        }
    }

    /** A browser sees so many messages, counted from `first`, in order. */
    private static void browses(Session session, Queue queue, String selector, int first, int count) throws JMSException {
        QueueBrowser browser = session.createBrowser(queue, selector);
        Enumeration<?> all = browser.getEnumeration();
        int seen = 0;
        while (all.hasMoreElements()) {
            same("m" + (first + seen), text((Message) all.nextElement()));
            seen++;
        }
        same(count, seen);
        browser.close();
    }

    private void secured() throws Exception {
        KeyStore known = KeyStore.getInstance(KeyStore.getDefaultType());
        known.load(null, null);
        try (InputStream file = new FileInputStream(System.getenv("TLS_CA"))) {
            known.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(known);
        ActiveMQSslConnectionFactory factory = new ActiveMQSslConnectionFactory("ssl://localhost:61617");
        factory.setKeyAndTrustManagers(null, trust.getTrustManagers(), new SecureRandom());
        try (Opened opened = new Opened((ActiveMQConnection) factory.createConnection(user, password))) {
            opened.connection.start();
            Session session = opened.connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = session.createQueue(name("tls"));
            session.createProducer(queue).send(session.createTextMessage("secret"));
            same("secret", text(session.createConsumer(queue).receive(WAIT_MS)));
        }
    }

    /** What was sent and answered is there after a crash, for a consumer that was there before, and a subscription is. */
    private void failover() throws Exception {
        String topicName = name("topic");
        ActiveMQConnectionFactory factory = new ActiveMQConnectionFactory(
                user, password, "failover:(" + url + ")?initialReconnectDelay=20&maxReconnectDelay=200");
        try (Opened opened = new Opened((ActiveMQConnection) factory.createConnection())) {
            ActiveMQConnection connection = opened.connection;
            connection.setClientID(name("client"));
            connection.start();
            Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Topic topic = session.createTopic(topicName);
            TopicSubscriber subscriber = session.createDurableSubscriber(topic, "sub");
            Session sending = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Queue queue = sending.createQueue(name("failover"));
            MessageProducer producer = sending.createProducer(queue);
            Set<String> answered = Collections.synchronizedSet(new HashSet<>());
            AtomicBoolean isOver = new AtomicBoolean();
            CountDownLatch some = new CountDownLatch(50);
            Thread load = new Thread(() -> {
                try {
                    for (int i = 0; !isOver.get(); i++) {
                        producer.send(sending.createTextMessage("m" + i));
                        answered.add("m" + i);
                        some.countDown();
                    }
                } catch (JMSException problem) {
                    problem.printStackTrace();
                }
            });
            load.start();
            check(some.await(WAIT_MS, TimeUnit.MILLISECONDS), "the load does not begin");
            System.out.println("HARNESS kill");
            System.out.flush();
            String word = new String(System.in.readNBytes("restarted\n".length()), "UTF-8");
            same("restarted\n", word);
            int before = answered.size();
            while (answered.size() < before + 50) {
                check(load.isAlive(), "the load ended");
                Thread.sleep(5);
            }
            isOver.set(true);
            load.join();
            Session reading = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            MessageConsumer consumer = reading.createConsumer(queue);
            Set<String> missing = new HashSet<>(answered);
            while (!missing.isEmpty()) {
                Message message = consumer.receive(WAIT_MS);
                check(message != null, missing.size() + " of " + answered.size() + " are lost");
                missing.remove(text(message));
            }
            reading.createProducer(topic).send(reading.createTextMessage("after"));
            same("after", text(subscriber.receive(WAIT_MS)));
            subscriber.close();
            session.unsubscribe("sub");
        }
    }
}
