import jakarta.jms.BytesMessage;
import jakarta.jms.CompletionListener;
import jakarta.jms.Connection;
import jakarta.jms.ConnectionFactory;
import jakarta.jms.DeliveryMode;
import jakarta.jms.InvalidSelectorException;
import jakarta.jms.JMSConsumer;
import jakarta.jms.JMSContext;
import jakarta.jms.JMSException;
import jakarta.jms.JMSSecurityException;
import jakarta.jms.MapMessage;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.ObjectMessage;
import jakarta.jms.Queue;
import jakarta.jms.QueueBrowser;
import jakarta.jms.Session;
import jakarta.jms.StreamMessage;
import jakarta.jms.TemporaryQueue;
import jakarta.jms.TemporaryTopic;
import jakarta.jms.TextMessage;
import jakarta.jms.Topic;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * An application over JMS 3.1 that knows nothing of its client but the class of the factory and URLs: Qpid JMS over AMQP 1.0
 * and ActiveMQ's client over OpenWire. Arguments are the client, and cases that have to fail with this broker.
 */
public final class Scenario {
    private static final int WAIT_MS = Cases.WAIT_MS;
    /** Long enough for something to come that should not. */
    private static final int GRACE_MS = 200;
    private static final String ACCOUNT = "guest";
    private final Client client;

    /** What differs between clients; ActiveMQ's lacks some of JMS 2.0. */
    private record Client(String factory, String url, String tlsUrl, String failoverUrl, boolean isWhole) {
        static Client of(String name) {
            return switch (name) {
                case "qpid" -> new Client(
                        "org.apache.qpid.jms.JmsConnectionFactory",
                        "amqp://127.0.0.1:5672",
                        "amqps://localhost:5671",
                        "failover:(amqp://127.0.0.1:5672)?failover.initialReconnectDelay=20&failover.maxReconnectDelay=200",
                        true);
                case "activemq" -> new Client(
                        "org.apache.activemq.ActiveMQConnectionFactory",
                        "tcp://127.0.0.1:61616",
                        "ssl://localhost:61617",
                        "failover:(tcp://127.0.0.1:61616)?initialReconnectDelay=20&maxReconnectDelay=200",
                        false);
                default -> throw new IllegalArgumentException(name);
            };
        }
    }

    private Scenario(Client client) {
        this.client = client;
    }

    public static void main(String[] arguments) throws Exception {
        Cases.trustBroker();
        Client client = Client.of(arguments[0]);
        new Scenario(client).tryAll(new Cases(List.of(arguments).subList(1, arguments.length)));
        // Clients leave threads behind.
        System.exit(0);
    }

    private void tryAll(Cases cases) {
        cases.run("messages of every type", this::types);
        cases.run("properties and headers", this::properties);
        cases.run("a queue shares, a topic copies", this::queueAndTopic);
        cases.run("transactions", this::transactions);
        cases.run("what was rolled back comes again", this::rollback);
        cases.run("acknowledgement modes", this::acknowledgements);
        cases.run("selectors", this::selectors);
        cases.run("a durable subscriber comes back", this::durable);
        if (client.isWhole) {
            cases.run("a shared subscription", this::shared);
            cases.run("a shared durable subscription", this::sharedDurable);
            cases.run("asynchronous sends", this::asynchronousSends);
            cases.run("messages of every type cross to and from OpenWire", this::crossing);
        }
        cases.run("request and reply", this::requestReply);
        cases.run("temporary topic", this::temporaryTopic);
        cases.run("expired messages are not received", this::expiry);
        cases.run("a browser sees all and takes nothing", this::browser);
        cases.run("the simplified interface", this::simplified);
        cases.run("listeners", this::listeners);
        cases.run("no local", this::noLocal);
        cases.run("refusals", this::refusals);
        cases.run("large messages", this::large);
        cases.run("over TLS", this::secured);
        cases.run("failover after kill -9", this::failover);
    }

    private ConnectionFactory factory(String password, String url) throws ReflectiveOperationException {
        Class<?>[] parts = {String.class, String.class, String.class};
        return (ConnectionFactory) Class.forName(client.factory).getConstructor(parts).newInstance(ACCOUNT, password, url);
    }

    private ConnectionFactory factory() throws ReflectiveOperationException {
        return factory(ACCOUNT, client.url);
    }

    private Connection connect() throws Exception {
        Connection connection = factory().createConnection();
        connection.start();
        return connection;
    }

    private static String text(Message message) throws JMSException {
        Cases.check(message != null, "no message came");
        return ((TextMessage) message).getText();
    }

    private void types() throws Exception {
        try (Connection connection = connect()) {
            Session session = connection.createSession();
            Queue queue = session.createQueue(Cases.name("types"));
            MessageProducer producer = session.createProducer(queue);
            MessageConsumer consumer = session.createConsumer(queue);
            for (String text : new String[] {"hello", "", "h\u00e9 \u20ac \ud83d\ude00", null}) {
                producer.send(session.createTextMessage(text));
                Cases.same(text, ((TextMessage) consumer.receive(WAIT_MS)).getText());
            }
            BytesMessage bytes = session.createBytesMessage();
            bytes.writeInt(7);
            bytes.writeUTF("x");
            producer.send(bytes);
            BytesMessage readBytes = (BytesMessage) consumer.receive(WAIT_MS);
            Cases.same(7, readBytes.readInt());
            Cases.same("x", readBytes.readUTF());
            MapMessage map = session.createMapMessage();
            map.setString("a", "b");
            map.setLong("n", 1L << 40);
            map.setBytes("raw", new byte[] {1, 2});
            producer.send(map);
            MapMessage readMap = (MapMessage) consumer.receive(WAIT_MS);
            Cases.same("b", readMap.getString("a"));
            Cases.same(1L << 40, readMap.getLong("n"));
            Cases.same(2, readMap.getBytes("raw").length);
            StreamMessage stream = session.createStreamMessage();
            stream.writeString("s");
            stream.writeBoolean(true);
            stream.writeDouble(0.5);
            producer.send(stream);
            StreamMessage readStream = (StreamMessage) consumer.receive(WAIT_MS);
            Cases.same("s", readStream.readString());
            Cases.same(true, readStream.readBoolean());
            Cases.same(0.5, readStream.readDouble());
            producer.send(session.createObjectMessage("object"));
            Cases.same("object", consumer.receive(WAIT_MS).getBody(String.class));
            producer.send(session.createMessage());
            Cases.check(consumer.receive(WAIT_MS) != null, "an empty message");
        }
    }

    private void crossing() throws Exception {
        Client other = Client.of("activemq");
        try (Connection here = connect();
                Connection there = new Scenario(other).connect();
                Session one = here.createSession();
                Session two = there.createSession()) {
            String name = Cases.name("crossing");
            cross(one, two.createConsumer(two.createQueue(name)), name);
            name = Cases.name("crossing-back");
            cross(two, one.createConsumer(one.createQueue(name)), name);
        }
    }

    private static void cross(Session from, MessageConsumer consumer, String name) throws JMSException {
        MessageProducer producer = from.createProducer(from.createQueue(name));
        TextMessage text = from.createTextMessage("h\u00e9 \u20ac \ud83d\ude00");
        text.setJMSType("note");
        producer.send(text);
        TextMessage readText = (TextMessage) consumer.receive(WAIT_MS);
        Cases.same("h\u00e9 \u20ac \ud83d\ude00", readText.getText());
        Cases.same("note", readText.getJMSType());
        BytesMessage bytes = from.createBytesMessage();
        bytes.writeInt(7);
        producer.send(bytes);
        Cases.same(7, ((BytesMessage) consumer.receive(WAIT_MS)).readInt());
        MapMessage map = from.createMapMessage();
        map.setString("a", "b");
        map.setLong("n", 1L << 40);
        map.setBytes("raw", new byte[] {1, 2});
        producer.send(map);
        MapMessage readMap = (MapMessage) consumer.receive(WAIT_MS);
        Cases.same("b", readMap.getString("a"));
        Cases.same(1L << 40, readMap.getLong("n"));
        Cases.same(2, readMap.getBytes("raw").length);
        StreamMessage stream = from.createStreamMessage();
        stream.writeString("s");
        stream.writeBoolean(true);
        stream.writeDouble(0.5);
        producer.send(stream);
        StreamMessage readStream = (StreamMessage) consumer.receive(WAIT_MS);
        Cases.same("s", readStream.readString());
        Cases.same(true, readStream.readBoolean());
        Cases.same(0.5, readStream.readDouble());
        producer.send(from.createObjectMessage("object"));
        Cases.same("object", ((ObjectMessage) consumer.receive(WAIT_MS)).getObject());
        producer.send(from.createMessage());
        Message empty = consumer.receive(WAIT_MS);
        boolean isPlain = empty != null && !(empty instanceof TextMessage) && !(empty instanceof BytesMessage);
        Cases.check(isPlain, "an empty message");
    }

    private void properties() throws Exception {
        try (Connection connection = connect()) {
            Session session = connection.createSession();
            Queue queue = session.createQueue(Cases.name("properties"));
            MessageProducer producer = session.createProducer(queue);
            MessageConsumer consumer = session.createConsumer(queue);
            TextMessage message = session.createTextMessage("x");
            message.setStringProperty("text", "t\u00e9");
            message.setIntProperty("int", -5);
            message.setLongProperty("long", Long.MAX_VALUE);
            message.setDoubleProperty("double", 0.5);
            message.setFloatProperty("float", 0.25f);
            message.setBooleanProperty("bool", true);
            message.setByteProperty("byte", (byte) 3);
            message.setShortProperty("short", (short) -3);
            message.setJMSCorrelationID("correlation");
            message.setJMSType("type");
            message.setJMSReplyTo(session.createTopic("answers"));
            producer.setPriority(7);
            producer.setTimeToLive(60_000);
            producer.setDeliveryMode(DeliveryMode.NON_PERSISTENT);
            producer.send(message);
            Message read = consumer.receive(WAIT_MS);
            Cases.same("t\u00e9", read.getStringProperty("text"));
            Cases.same(-5, read.getIntProperty("int"));
            Cases.same(Long.MAX_VALUE, read.getLongProperty("long"));
            Cases.same(0.5, read.getDoubleProperty("double"));
            Cases.same(0.25f, read.getFloatProperty("float"));
            Cases.same(true, read.getBooleanProperty("bool"));
            Cases.same((byte) 3, read.getByteProperty("byte"));
            Cases.same((short) -3, read.getShortProperty("short"));
            Cases.same("correlation", read.getJMSCorrelationID());
            Cases.same("type", read.getJMSType());
            Cases.same("answers", ((Topic) read.getJMSReplyTo()).getTopicName());
            Cases.same(queue.getQueueName(), ((Queue) read.getJMSDestination()).getQueueName());
            Cases.same(7, read.getJMSPriority());
            Cases.same(DeliveryMode.NON_PERSISTENT, read.getJMSDeliveryMode());
            Cases.same(message.getJMSMessageID(), read.getJMSMessageID());
            Cases.same(message.getJMSTimestamp(), read.getJMSTimestamp());
            Cases.same(message.getJMSExpiration(), read.getJMSExpiration());
            Cases.same(false, read.getJMSRedelivered());
            Cases.same(1, read.getIntProperty("JMSXDeliveryCount"));
        }
    }

    private void queueAndTopic() throws Exception {
        try (Connection connection = connect(); Connection other = connect()) {
            Session session = connection.createSession();
            Session second = other.createSession();
            Topic topic = session.createTopic(Cases.name("topic"));
            MessageConsumer a = session.createConsumer(topic);
            MessageConsumer b = second.createConsumer(topic);
            MessageProducer producer = session.createProducer(null);
            producer.send(topic, session.createTextMessage("one"));
            Cases.same("one", text(a.receive(WAIT_MS)));
            Cases.same("one", text(b.receive(WAIT_MS)));
            Queue queue = session.createQueue(Cases.name("queue"));
            for (int i = 0; i < 100; i++) {
                producer.send(queue, session.createTextMessage("m" + i));
            }
            MessageConsumer reader = second.createConsumer(queue);
            for (int i = 0; i < 100; i++) {
                Cases.same("m" + i, text(reader.receive(WAIT_MS)));
            }
            Cases.same(null, reader.receiveNoWait());
        }
    }

    private void transactions() throws Exception {
        try (Connection connection = connect()) {
            Session session = connection.createSession(Session.SESSION_TRANSACTED);
            Session plain = connection.createSession();
            Queue queue = session.createQueue(Cases.name("transactions"));
            MessageProducer producer = session.createProducer(queue);
            producer.send(session.createTextMessage("rolled back"));
            session.rollback();
            producer.send(session.createTextMessage("a"));
            producer.send(session.createTextMessage("b"));
            MessageConsumer watcher = plain.createConsumer(queue);
            Cases.same(null, watcher.receive(GRACE_MS));
            session.commit();
            Cases.same("a", text(watcher.receive(WAIT_MS)));
            Cases.same("b", text(watcher.receive(WAIT_MS)));
            watcher.close();
            Queue in = session.createQueue(Cases.name("in"));
            Queue out = session.createQueue(Cases.name("out"));
            plain.createProducer(in).send(plain.createTextMessage("moved"));
            MessageConsumer consumer = session.createConsumer(in);
            session.createProducer(out).send(session.createTextMessage(text(consumer.receive(WAIT_MS))));
            session.commit();
            Cases.same("moved", text(plain.createConsumer(out).receive(WAIT_MS)));
            consumer.close();
            Cases.same(null, plain.createConsumer(in).receive(GRACE_MS));
        }
    }

    private void rollback() throws Exception {
        try (Connection connection = connect()) {
            Session session = connection.createSession(Session.SESSION_TRANSACTED);
            Queue queue = session.createQueue(Cases.name("rollback"));
            session.createProducer(queue).send(session.createTextMessage("again"));
            session.commit();
            MessageConsumer consumer = session.createConsumer(queue);
            for (int count = 1; count <= 3; count++) {
                Message message = consumer.receive(WAIT_MS);
                Cases.same("again", text(message));
                Cases.same(count > 1, message.getJMSRedelivered());
                Cases.same(count, message.getIntProperty("JMSXDeliveryCount"));
                if (count < 3) {
                    session.rollback();
                }
            }
            session.commit();
            Cases.same(null, consumer.receive(GRACE_MS));
        }
    }

    private void acknowledgements() throws Exception {
        try (Connection connection = connect()) {
            Queue queue;
            try (Session session = connection.createSession(Session.CLIENT_ACKNOWLEDGE)) {
                queue = session.createQueue(Cases.name("acknowledgements"));
                MessageProducer producer = session.createProducer(queue);
                for (int i = 0; i < 4; i++) {
                    producer.send(session.createTextMessage("m" + i));
                }
                MessageConsumer consumer = session.createConsumer(queue);
                Cases.same("m0", text(consumer.receive(WAIT_MS)));
                Message second = consumer.receive(WAIT_MS);
                second.acknowledge();
                Cases.same("m2", text(consumer.receive(WAIT_MS)));
                session.recover();
                Message again = consumer.receive(WAIT_MS);
                Cases.same("m2", text(again));
                Cases.same(true, again.getJMSRedelivered());
            }
            try (Session session = connection.createSession(Session.DUPS_OK_ACKNOWLEDGE)) {
                MessageConsumer consumer = session.createConsumer(queue);
                Cases.same("m2", text(consumer.receive(WAIT_MS)));
                Cases.same("m3", text(consumer.receive(WAIT_MS)));
            }
            Cases.same(null, connection.createSession().createConsumer(queue).receive(GRACE_MS));
        }
    }

    private void selectors() throws Exception {
        try (Connection connection = connect()) {
            Session session = connection.createSession();
            Queue queue = session.createQueue(Cases.name("selectors"));
            MessageProducer producer = session.createProducer(queue);
            for (int i = 0; i < 6; i++) {
                TextMessage message = session.createTextMessage("m" + i);
                message.setIntProperty("n", i);
                message.setJMSType(i % 2 == 0 ? "even" : "odd");
                producer.send(message);
            }
            MessageConsumer even = session.createConsumer(queue, "JMSType = 'even' AND n > 0");
            Cases.same("m2", text(even.receive(WAIT_MS)));
            Cases.same("m4", text(even.receive(WAIT_MS)));
            Cases.same(null, even.receive(GRACE_MS));
            even.close();
            MessageConsumer rest = session.createConsumer(queue);
            for (String text : new String[] {"m0", "m1", "m3", "m5"}) {
                Cases.same(text, text(rest.receive(WAIT_MS)));
            }
            Topic topic = session.createTopic(Cases.name("selectors"));
            MessageConsumer subscriber = session.createConsumer(topic, "n BETWEEN 1 AND 2");
            MessageProducer publisher = session.createProducer(topic);
            for (int i = 0; i < 4; i++) {
                TextMessage message = session.createTextMessage("t" + i);
                message.setIntProperty("n", i);
                publisher.send(message);
            }
            Cases.same("t1", text(subscriber.receive(WAIT_MS)));
            Cases.same("t2", text(subscriber.receive(WAIT_MS)));
            Cases.same(null, subscriber.receive(GRACE_MS));
        }
    }

    private void durable() throws Exception {
        String clientId = Cases.name("client");
        String topicName = Cases.name("durable");
        try (Connection connection = factory().createConnection()) {
            connection.setClientID(clientId);
            connection.start();
            Session session = connection.createSession();
            session.createDurableSubscriber(session.createTopic(topicName), "sub").close();
        }
        try (Connection connection = connect()) {
            Session session = connection.createSession();
            MessageProducer producer = session.createProducer(session.createTopic(topicName));
            producer.send(session.createTextMessage("while away"));
        }
        try (Connection connection = factory().createConnection()) {
            connection.setClientID(clientId);
            connection.start();
            Session session = connection.createSession();
            Topic topic = session.createTopic(topicName);
            MessageConsumer back = session.createDurableSubscriber(topic, "sub");
            Cases.same("while away", text(back.receive(WAIT_MS)));
            back.close();
            session.unsubscribe("sub");
            session.createProducer(topic).send(session.createTextMessage("nobody's"));
            MessageConsumer anew = session.createDurableSubscriber(topic, "sub");
            Cases.same(null, anew.receive(GRACE_MS));
            anew.close();
            session.unsubscribe("sub");
            Cases.refused(JMSException.class, () -> {
                session.unsubscribe("sub");
                return null;
            });
        }
    }

    /** Each message goes to one of two consumers in connections of their own, and to a subscriber that does not share. */
    private void share(boolean isDurable) throws Exception {
        String topicName = Cases.name("shared");
        try (Connection one = connect(); Connection two = connect(); Connection sending = connect()) {
            Session first = one.createSession();
            Session second = two.createSession();
            Session third = sending.createSession();
            Topic topic = first.createTopic(topicName);
            List<MessageConsumer> consumers = new ArrayList<>();
            for (Session session : List.of(first, second)) {
                consumers.add(isDurable
                        ? session.createSharedDurableConsumer(topic, "together")
                        : session.createSharedConsumer(topic, "together"));
            }
            MessageConsumer alone = third.createConsumer(topic);
            LinkedBlockingQueue<String> got = new LinkedBlockingQueue<>();
            Set<Integer> who = Collections.synchronizedSet(new HashSet<>());
            for (int i = 0; i < 2; i++) {
                int number = i;
                consumers.get(i).setMessageListener(message -> {
                    try {
                        who.add(number);
                        got.add(text(message));
                    } catch (JMSException problem) {
                        got.add(problem.toString());
                    }
                });
            }
            MessageProducer producer = third.createProducer(topic);
            Set<String> all = new HashSet<>();
            Set<String> seen = new HashSet<>();
            for (int i = 0; i < 20; i++) {
                producer.send(third.createTextMessage("m" + i));
                Cases.same("m" + i, text(alone.receive(WAIT_MS)));
                all.add("m" + i);
            }
            for (int i = 0; i < 20; i++) {
                Cases.check(seen.add(got.poll(WAIT_MS, TimeUnit.MILLISECONDS)), "one came twice, or none");
            }
            Cases.same(all, seen);
            Cases.same(2, who.size());
            for (MessageConsumer consumer : consumers) {
                consumer.close();
            }
            if (isDurable) {
                producer.send(third.createTextMessage("while away"));
                MessageConsumer back = first.createSharedDurableConsumer(topic, "together");
                Cases.same("while away", text(back.receive(WAIT_MS)));
                back.close();
                first.unsubscribe("together");
            }
        }
    }

    private void shared() throws Exception {
        share(false);
    }

    private void sharedDurable() throws Exception {
        share(true);
    }

    private void requestReply() throws Exception {
        try (Connection connection = connect(); Connection server = connect()) {
            Session session = connection.createSession();
            Session serving = server.createSession();
            Queue requests = session.createQueue(Cases.name("requests"));
            MessageProducer answering = serving.createProducer(null);
            serving.createConsumer(requests).setMessageListener(request -> {
                try {
                    TextMessage answer = serving.createTextMessage("re: " + text(request));
                    answer.setJMSCorrelationID(request.getJMSMessageID());
                    answering.send(request.getJMSReplyTo(), answer);
                } catch (JMSException problem) {
                    problem.printStackTrace();
                }
            });
            TemporaryQueue answers = session.createTemporaryQueue();
            MessageConsumer consumer = session.createConsumer(answers);
            TextMessage request = session.createTextMessage("question");
            request.setJMSReplyTo(answers);
            session.createProducer(requests).send(request);
            Message answer = consumer.receive(WAIT_MS);
            Cases.same("re: question", text(answer));
            Cases.same(request.getJMSMessageID(), answer.getJMSCorrelationID());
            consumer.close();
            answers.delete();
        }
    }

    private void temporaryTopic() throws Exception {
        try (Connection connection = connect(); Connection other = connect()) {
            Session session = connection.createSession();
            TemporaryTopic topic = session.createTemporaryTopic();
            MessageConsumer a = session.createConsumer(topic);
            MessageConsumer b = session.createConsumer(topic);
            Session sending = other.createSession();
            // Its name is told by a message: another connection may send, and not receive.
            Queue queue = session.createQueue(Cases.name("names"));
            TextMessage name = session.createTextMessage("here");
            name.setJMSReplyTo(topic);
            session.createProducer(queue).send(name);
            Message told = sending.createConsumer(queue).receive(WAIT_MS);
            sending.createProducer(told.getJMSReplyTo()).send(sending.createTextMessage("to all"));
            Cases.same("to all", text(a.receive(WAIT_MS)));
            Cases.same("to all", text(b.receive(WAIT_MS)));
        }
    }

    private void expiry() throws Exception {
        try (Connection connection = connect()) {
            Session session = connection.createSession();
            Queue queue = session.createQueue(Cases.name("expiry"));
            MessageProducer producer = session.createProducer(queue);
            producer.setTimeToLive(1);
            producer.send(session.createTextMessage("short"));
            producer.setTimeToLive(0);
            producer.send(session.createTextMessage("long"));
            long sent = System.currentTimeMillis();
            while (System.currentTimeMillis() <= sent + 1) {
                Thread.onSpinWait();
            }
            Cases.same("long", text(session.createConsumer(queue).receive(WAIT_MS)));
        }
    }

    private void browser() throws Exception {
        try (Connection connection = connect()) {
            Session session = connection.createSession();
            Queue queue = session.createQueue(Cases.name("browser"));
            MessageProducer producer = session.createProducer(queue);
            for (int i = 0; i < 200; i++) {
                TextMessage message = session.createTextMessage("m" + i);
                message.setIntProperty("tens", i / 10);
                producer.send(message);
            }
            browse(session, queue, null, 0, 200);
            browse(session, queue, "tens = 7", 70, 10);
            Message first = session.createConsumer(queue).receive(WAIT_MS);
            Cases.same("m0", text(first));
            Cases.same(false, first.getJMSRedelivered());
        }
    }

    private static void browse(Session session, Queue queue, String selector, int first, int count) throws JMSException {
        QueueBrowser browser = session.createBrowser(queue, selector);
        Enumeration<?> all = browser.getEnumeration();
        int seen = 0;
        while (all.hasMoreElements()) {
            Cases.same("m" + (first + seen), text((Message) all.nextElement()));
            seen++;
        }
        Cases.same(count, seen);
        browser.close();
    }

    private void simplified() throws Exception {
        try (JMSContext context = factory().createContext(JMSContext.AUTO_ACKNOWLEDGE)) {
            Queue queue = context.createQueue(Cases.name("simplified"));
            context.createProducer().setProperty("n", 5).setPriority(6).send(queue, "body");
            try (JMSConsumer consumer = context.createConsumer(queue)) {
                Message message = consumer.receive(WAIT_MS);
                Cases.same("body", message.getBody(String.class));
                Cases.same(5, message.getIntProperty("n"));
                Cases.same(6, message.getJMSPriority());
            }
        }
        try (JMSContext context = factory().createContext(JMSContext.SESSION_TRANSACTED)) {
            Queue queue = context.createQueue(Cases.name("simplified"));
            context.createProducer().send(queue, "rolled back");
            context.rollback();
            context.createProducer().send(queue, "committed");
            context.commit();
            try (JMSConsumer consumer = context.createConsumer(queue)) {
                Cases.same("committed", consumer.receive(WAIT_MS).getBody(String.class));
                context.commit();
            }
        }
    }

    private void asynchronousSends() throws Exception {
        try (Connection connection = connect()) {
            Session session = connection.createSession();
            Queue queue = session.createQueue(Cases.name("asynchronous"));
            MessageProducer producer = session.createProducer(queue);
            CountDownLatch answered = new CountDownLatch(100);
            List<Exception> problems = Collections.synchronizedList(new ArrayList<>());
            CompletionListener listener = new CompletionListener() {
                @Override
                public void onCompletion(Message message) {
                    answered.countDown();
                }

                @Override
                public void onException(Message message, Exception problem) {
                    problems.add(problem);
                    answered.countDown();
                }
            };
            for (int i = 0; i < 100; i++) {
                producer.send(session.createTextMessage("m" + i), listener);
            }
            Cases.check(answered.await(WAIT_MS, TimeUnit.MILLISECONDS), "some sends have no answer");
            Cases.same(List.of(), problems);
            MessageConsumer consumer = session.createConsumer(queue);
            for (int i = 0; i < 100; i++) {
                Cases.same("m" + i, text(consumer.receive(WAIT_MS)));
            }
        }
    }

    private void listeners() throws Exception {
        try (Connection connection = connect()) {
            Session sending = connection.createSession();
            Queue queue = sending.createQueue(Cases.name("listeners"));
            LinkedBlockingQueue<String> got = new LinkedBlockingQueue<>();
            for (int i = 0; i < 3; i++) {
                connection.createSession().createConsumer(queue).setMessageListener(message -> {
                    try {
                        got.add(text(message));
                    } catch (JMSException problem) {
                        got.add(problem.toString());
                    }
                });
            }
            MessageProducer producer = sending.createProducer(queue);
            Set<String> missing = new HashSet<>();
            for (int i = 0; i < 300; i++) {
                producer.send(sending.createTextMessage("m" + i));
                missing.add("m" + i);
            }
            while (!missing.isEmpty()) {
                Cases.check(missing.remove(got.poll(WAIT_MS, TimeUnit.MILLISECONDS)), "one came twice, or none");
            }
        }
    }

    private void noLocal() throws Exception {
        try (Connection connection = connect(); Connection other = connect()) {
            Session session = connection.createSession();
            Topic topic = session.createTopic(Cases.name("no-local"));
            MessageConsumer consumer = session.createConsumer(topic, null, true);
            session.createProducer(topic).send(session.createTextMessage("own"));
            Session elsewhere = other.createSession();
            elsewhere.createProducer(topic).send(elsewhere.createTextMessage("another's"));
            Cases.same("another's", text(consumer.receive(WAIT_MS)));
        }
    }

    private void refusals() throws Exception {
        ConnectionFactory wrong = factory("wrong", client.url);
        Cases.refused(JMSSecurityException.class, () -> {
            try (Connection connection = wrong.createConnection()) {
                connection.start();
                return connection;
            }
        });
        try (Connection connection = connect()) {
            Session session = connection.createSession();
            Queue queue = session.createQueue(Cases.name("refusals"));
            Cases.refused(InvalidSelectorException.class, () -> session.createConsumer(queue, "a ="));
            session.createProducer(queue).send(session.createTextMessage("goes on"));
            Cases.same("goes on", text(session.createConsumer(queue).receive(WAIT_MS)));
        }
    }

    private void large() throws Exception {
        try (Connection connection = connect()) {
            Session session = connection.createSession();
            Queue queue = session.createQueue(Cases.name("large"));
            MessageProducer producer = session.createProducer(queue);
            MessageConsumer consumer = session.createConsumer(queue);
            for (int size : new int[] {100_000, 5_000_000}) {
                byte[] body = new byte[size];
                body[size - 1] = 1;
                BytesMessage message = session.createBytesMessage();
                message.writeBytes(body);
                producer.send(message);
                byte[] read = consumer.receive(WAIT_MS).getBody(byte[].class);
                Cases.same(size, read.length);
                Cases.same((byte) 1, read[size - 1]);
            }
        }
    }

    private void secured() throws Exception {
        try (Connection connection = factory(ACCOUNT, client.tlsUrl).createConnection()) {
            connection.start();
            Session session = connection.createSession();
            Queue queue = session.createQueue(Cases.name("tls"));
            session.createProducer(queue).send(session.createTextMessage("secret"));
            Cases.same("secret", text(session.createConsumer(queue).receive(WAIT_MS)));
        }
    }

    /** What was sent and answered is there after a crash, and so are subscriptions, consumers and producers. */
    private void failover() throws Exception {
        try (Connection connection = factory(ACCOUNT, client.failoverUrl).createConnection()) {
            connection.setClientID(Cases.name("client"));
            connection.start();
            Session session = connection.createSession();
            Topic topic = session.createTopic(Cases.name("topic"));
            MessageConsumer subscriber = session.createDurableSubscriber(topic, "sub");
            Session sending = connection.createSession();
            Queue queue = sending.createQueue(Cases.name("failover"));
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
            Cases.check(some.await(WAIT_MS, TimeUnit.MILLISECONDS), "the load does not begin");
            Cases.killBroker();
            int before = answered.size();
            while (answered.size() < before + 50) {
                Cases.check(load.isAlive(), "the load ended");
                Thread.sleep(5);
            }
            isOver.set(true);
            load.join();
            Session reading = connection.createSession();
            MessageConsumer consumer = reading.createConsumer(queue);
            Set<String> missing = new HashSet<>(answered);
            while (!missing.isEmpty()) {
                Message message = consumer.receive(WAIT_MS);
                Cases.check(message != null, missing.size() + " of " + answered.size() + " are lost");
                missing.remove(text(message));
            }
            reading.createProducer(topic).send(reading.createTextMessage("after"));
            Cases.same("after", text(subscriber.receive(WAIT_MS)));
            subscriber.close();
            session.unsubscribe("sub");
        }
    }
}
