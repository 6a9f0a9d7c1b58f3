import com.atomikos.datasource.xa.XATransactionalResource;
import com.atomikos.icatch.config.Configuration;
import com.atomikos.icatch.config.UserTransactionServiceImp;
import com.atomikos.icatch.jta.UserTransactionManager;
import com.atomikos.jms.AtomikosConnectionFactoryBean;
import java.io.IOException;
import java.io.Serializable;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.jms.Connection;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Queue;
import javax.jms.Session;
import javax.jms.TextMessage;
import javax.jms.XAConnection;
import javax.jms.XASession;
import javax.transaction.xa.XAException;
import javax.transaction.xa.XAResource;
import javax.transaction.xa.Xid;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.ActiveMQXAConnectionFactory;

/**
 * An application with distributed transactions over ActiveMQ's client: by hand, and under a transaction manager (Atomikos),
 * with a broker that is killed while branches are in doubt; and what the failover transport sends again.
 */
public final class Scenario {
    private static final int WAIT_MS = 10_000;
    private static final int ROUNDS = 3;
    private static final String URL = "tcp://127.0.0.1:61616?jms.checkForDuplicates=false";
    private static final String FAILOVER =
            "failover:(tcp://127.0.0.1:61616)?initialReconnectDelay=20&maxReconnectDelay=200&jms.checkForDuplicates=false";
    private int named;

    private interface Case {
        void run() throws Exception;
    }

    /** JMS 1.1 has no connections that a statement can close. */
    private record Opened(Connection connection) implements AutoCloseable {
        @Override
        public void close() throws JMSException {
            connection.close();
        }
    }

    /** Id of a branch, as a transaction manager makes them. */
    private record Id(String name) implements Xid {
        @Override
        public int getFormatId() {
            return 4660;
        }

        @Override
        public byte[] getGlobalTransactionId() {
            return name.getBytes();
        }

        @Override
        public byte[] getBranchQualifier() {
            return new byte[] {0, -1};
        }
    }

    /** The other resource of a transaction: kills the broker at one step of it. */
    private static final class Killer implements XAResource, Serializable {
        private static final long serialVersionUID = 1L;
        private final boolean isRefusing;
        /** Branches that the broker has in doubt then. */
        private int doubts;

        private Killer(boolean isRefusing) {
            this.isRefusing = isRefusing;
        }

        @Override
        public int prepare(Xid xid) throws XAException {
            if (isRefusing) {
                doubts = killUnchecked();
                throw new XAException(XAException.XA_RBROLLBACK);
            }
            return XA_OK;
        }

        @Override
        public void commit(Xid xid, boolean isOnePhase) {
            doubts = killUnchecked();
        }

        @Override
        public void start(Xid xid, int flags) {}

        @Override
        public void end(Xid xid, int flags) {}

        @Override
        public void rollback(Xid xid) {}

        @Override
        public void forget(Xid xid) {}

        @Override
        public Xid[] recover(int flag) {
            return new Xid[0];
        }

        @Override
        public boolean isSameRM(XAResource other) {
            return other == this;
        }

        @Override
        public int getTransactionTimeout() {
            return 0;
        }

        @Override
        public boolean setTransactionTimeout(int seconds) {
            return false;
        }
    }

    /** What the transaction manager asks for the other resource. */
    private static final class KillerResource extends XATransactionalResource {
        private KillerResource() {
            super("killer");
        }

        @Override
        protected XAResource refreshXAConnection() {
            return new Killer(false);
        }

        @Override
        public boolean usesXAResource(XAResource resource) {
            return resource instanceof Killer;
        }
    }

    private Scenario() {}

    public static void main(String[] arguments) throws Exception {
        if (!isThere()) {
            System.out.println("skipped all: the broker does not speak OpenWire");
            return;
        }
        for (Map.Entry<String, Case> entry : new Scenario().cases().entrySet()) {
            try {
                entry.getValue().run();
                System.out.println("ok " + entry.getKey());
            } catch (Exception | AssertionError problem) {
                problem.printStackTrace();
                String why = problem.toString().replace('\n', ' ');
                System.out.println("FAILED " + entry.getKey() + ": " + why);
            }
        }
        // The client leaves threads behind.
        System.exit(0);
    }

    private static boolean isThere() {
        try (Socket socket = new Socket("127.0.0.1", 61616)) {
            return socket.isConnected();
        } catch (IOException nobody) {
            return false;
        }
    }

    private Map<String, Case> cases() {
        Map<String, Case> all = new LinkedHashMap<>();
        all.put("two phases by hand", this::twoPhases);
        all.put("one phase, nothing, out of turn", this::onePhase);
        all.put("rolled back after its prepare it comes again", this::rolledBack);
        all.put("two connections in one branch", this::joined);
        all.put("in doubt over kill -9, decided afterwards", this::inDoubt);
        all.put("a transaction manager commits and rolls back", this::managed);
        all.put("a transaction manager commits what was in doubt over kill -9", this::managedCommit);
        all.put("a transaction manager rolls back what was in doubt over kill -9", this::managedRollback);
        all.put("what failover sends again is there once", this::resent);
        return all;
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    private static void same(Object expected, Object actual) {
        check(expected == null ? actual == null : expected.equals(actual), "expected " + expected + ", got " + actual);
    }

    private static String text(Message message) throws JMSException {
        check(message != null, "no message came");
        return ((TextMessage) message).getText();
    }

    private String name(String what) {
        named++;
        return "xa." + what + "." + System.nanoTime() + "." + named;
    }

    private Id id() {
        return new Id(name("t"));
    }

    private static void kill() throws IOException {
        System.out.println("HARNESS kill");
        System.out.flush();
        same("restarted\n", new String(System.in.readNBytes("restarted\n".length()), "UTF-8"));
    }

    /** Answers how many branches are in doubt afterwards. */
    private static int killUnchecked() {
        try {
            kill();
            try (Opened opened = new Opened(xaConnection())) {
                XAResource resource = ((XAConnection) opened.connection).createXASession().getXAResource();
                return resource.recover(XAResource.TMSTARTRSCAN | XAResource.TMENDRSCAN).length;
            }
        } catch (IOException | JMSException | XAException problem) {
            throw new AssertionError(problem);
        }
    }

    private static XAConnection xaConnection() throws JMSException {
        XAConnection connection = new ActiveMQXAConnectionFactory("guest", "guest", URL).createXAConnection();
        connection.start();
        return connection;
    }

    private static Opened plain() throws JMSException {
        Opened opened = new Opened(new ActiveMQConnectionFactory("guest", "guest", URL).createConnection());
        opened.connection.start();
        return opened;
    }

    private static void send(String queue, String... texts) throws JMSException {
        try (Opened opened = plain()) {
            Session session = opened.connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            MessageProducer producer = session.createProducer(session.createQueue(queue));
            for (String text : texts) {
                producer.send(session.createTextMessage(text));
            }
        }
    }

    /** The texts of all that is in a queue: up to a mark that is sent behind them. */
    private static List<String> drain(String queue) throws JMSException {
        send(queue, "mark");
        try (Opened opened = plain()) {
            Session session = opened.connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            MessageConsumer consumer = session.createConsumer(session.createQueue(queue));
            List<String> texts = new ArrayList<>();
            while (true) {
                String text = text(consumer.receive(WAIT_MS));
                if (text.equals("mark")) {
                    return texts;
                }
                texts.add(text);
            }
        }
    }

    private static void failsWith(int code, Case step) throws Exception {
        try {
            step.run();
        } catch (XAException refused) {
            same(code, refused.errorCode);
            return;
        }
        throw new AssertionError("was not refused with " + code);
    }

    private static Set<String> recovered(XAResource resource) throws XAException {
        Set<String> names = new HashSet<>();
        for (Xid xid : resource.recover(XAResource.TMSTARTRSCAN | XAResource.TMENDRSCAN)) {
            same(4660, xid.getFormatId());
            check(Arrays.equals(new byte[] {0, -1}, xid.getBranchQualifier()), "the qualifier came back");
            names.add(new String(xid.getGlobalTransactionId()));
        }
        return names;
    }

    private void twoPhases() throws Exception {
        String source = name("in");
        String target = name("out");
        send(source, "a");
        try (Opened opened = new Opened(xaConnection())) {
            XASession session = ((XAConnection) opened.connection).createXASession();
            XAResource resource = session.getXAResource();
            MessageConsumer consumer = session.createConsumer(session.createQueue(source));
            MessageProducer producer = session.createProducer(session.createQueue(target));
            Id id = id();
            resource.start(id, XAResource.TMNOFLAGS);
            same("a", text(consumer.receive(WAIT_MS)));
            producer.send(session.createTextMessage("b"));
            resource.end(id, XAResource.TMSUSPEND);
            resource.start(id, XAResource.TMRESUME);
            producer.send(session.createTextMessage("c"));
            resource.end(id, XAResource.TMSUCCESS);
            same(XAResource.XA_OK, resource.prepare(id));
            same(Set.of(id.name), recovered(resource));
            same(List.of(), drain(target));
            resource.commit(id, false);
            same(Set.of(), recovered(resource));
            same(List.of("b", "c"), drain(target));
        }
        same(List.of(), drain(source));
    }

    private void onePhase() throws Exception {
        String target = name("out");
        try (Opened opened = new Opened(xaConnection())) {
            XASession session = ((XAConnection) opened.connection).createXASession();
            XAResource resource = session.getXAResource();
            MessageProducer producer = session.createProducer(session.createQueue(target));
            Id id = id();
            resource.start(id, XAResource.TMNOFLAGS);
            producer.send(session.createTextMessage("a"));
            resource.end(id, XAResource.TMSUCCESS);
            failsWith(XAException.XAER_PROTO, () -> resource.commit(id, false));
            resource.commit(id, true);
            same(List.of("a"), drain(target));
            Id empty = id();
            resource.start(empty, XAResource.TMNOFLAGS);
            resource.end(empty, XAResource.TMSUCCESS);
            same(XAResource.XA_RDONLY, resource.prepare(empty));
            failsWith(XAException.XAER_NOTA, () -> resource.commit(empty, false));
            failsWith(XAException.XAER_NOTA, () -> resource.rollback(id()));
            failsWith(XAException.XAER_NOTA, () -> resource.prepare(id()));
        }
    }

    private void rolledBack() throws Exception {
        String source = name("in");
        send(source, "a", "b");
        try (Opened opened = new Opened(xaConnection())) {
            XASession session = ((XAConnection) opened.connection).createXASession();
            XAResource resource = session.getXAResource();
            MessageConsumer consumer = session.createConsumer(session.createQueue(source));
            Id id = id();
            resource.start(id, XAResource.TMNOFLAGS);
            same("a", text(consumer.receive(WAIT_MS)));
            resource.end(id, XAResource.TMSUCCESS);
            same(XAResource.XA_OK, resource.prepare(id));
            resource.rollback(id);
            Id again = id();
            resource.start(again, XAResource.TMNOFLAGS);
            Message first = consumer.receive(WAIT_MS);
            same("a", text(first));
            same(true, first.getJMSRedelivered());
            same("b", text(consumer.receive(WAIT_MS)));
            resource.end(again, XAResource.TMSUCCESS);
            same(XAResource.XA_OK, resource.prepare(again));
            resource.commit(again, false);
        }
        same(List.of(), drain(source));
    }

    private void joined() throws Exception {
        String source = name("in");
        String target = name("out");
        send(source, "a");
        try (Opened first = new Opened(xaConnection()); Opened second = new Opened(xaConnection())) {
            XASession receiving = ((XAConnection) first.connection).createXASession();
            XASession sending = ((XAConnection) second.connection).createXASession();
            XAResource one = receiving.getXAResource();
            XAResource other = sending.getXAResource();
            check(one.isSameRM(other), "both are of one broker");
            Id id = id();
            one.start(id, XAResource.TMNOFLAGS);
            other.start(id, XAResource.TMJOIN);
            same("a", text(receiving.createConsumer(receiving.createQueue(source)).receive(WAIT_MS)));
            sending.createProducer(sending.createQueue(target)).send(sending.createTextMessage("b"));
            other.end(id, XAResource.TMSUCCESS);
            one.end(id, XAResource.TMSUCCESS);
            same(XAResource.XA_OK, other.prepare(id));
            other.commit(id, false);
            same(List.of("b"), drain(target));
        }
        same(List.of(), drain(source));
    }

    /** Branches are prepared, the broker is killed; then every other one is committed, over a second kill. */
    private void inDoubt() throws Exception {
        String source = name("in");
        String target = name("out");
        List<Id> ids = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < 4; i++) {
                send(source, "m" + ids.size());
                Id id = id();
                try (Opened opened = new Opened(xaConnection())) {
                    XASession session = ((XAConnection) opened.connection).createXASession();
                    XAResource resource = session.getXAResource();
                    MessageConsumer consumer = session.createConsumer(session.createQueue(source));
                    resource.start(id, XAResource.TMNOFLAGS);
                    String text = text(consumer.receive(WAIT_MS));
                    same("m" + ids.size(), text);
                    session.createProducer(session.createQueue(target)).send(session.createTextMessage("out " + text));
                    resource.end(id, XAResource.TMSUCCESS);
                    same(XAResource.XA_OK, resource.prepare(id));
                }
                ids.add(id);
            }
            kill();
        }
        Set<String> expected = new HashSet<>();
        ids.forEach(id -> expected.add(id.name));
        List<String> committed = new ArrayList<>();
        List<String> returned = new ArrayList<>();
        try (Opened opened = new Opened(xaConnection())) {
            XAResource resource = ((XAConnection) opened.connection).createXASession().getXAResource();
            same(expected, recovered(resource));
            same(List.of(), drain(source));
            same(List.of(), drain(target));
            for (int i = 0; i < ids.size(); i++) {
                if (i % 2 == 0) {
                    resource.commit(ids.get(i), false);
                    committed.add("out m" + i);
                } else {
                    resource.rollback(ids.get(i));
                    returned.add("m" + i);
                }
            }
        }
        kill();
        try (Opened opened = new Opened(xaConnection())) {
            XAResource resource = ((XAConnection) opened.connection).createXASession().getXAResource();
            same(Set.of(), recovered(resource));
        }
        same(committed, drain(target));
        same(returned, drain(source));
    }

    private static AtomikosConnectionFactoryBean managedFactory() {
        AtomikosConnectionFactoryBean bean = new AtomikosConnectionFactoryBean();
        bean.setUniqueResourceName("broker");
        bean.setXaConnectionFactory(new ActiveMQXAConnectionFactory("guest", "guest", URL));
        bean.setPoolSize(2);
        return bean;
    }

    private static UserTransactionServiceImp manager() {
        Properties options = new Properties();
        options.setProperty("com.atomikos.icatch.service", "com.atomikos.icatch.standalone.UserTransactionServiceFactory");
        options.setProperty("com.atomikos.icatch.log_base_dir", "atomikos");
        options.setProperty("com.atomikos.icatch.output_dir", "atomikos");
        options.setProperty("com.atomikos.icatch.tm_unique_name", "scenario");
        options.setProperty("com.atomikos.icatch.threaded_2pc", "false");
        options.setProperty("com.atomikos.icatch.recovery_delay", "1000");
        options.setProperty("com.atomikos.icatch.oltp_max_retries", "1");
        options.setProperty("com.atomikos.icatch.oltp_retry_interval", "500");
        options.setProperty("com.atomikos.icatch.default_jta_timeout", "10000");
        options.setProperty("com.atomikos.icatch.max_timeout", "10000");
        return new UserTransactionServiceImp(options);
    }

    /** One step of a managed application: takes a message from one queue and sends its answer to another. */
    private static void pass(AtomikosConnectionFactoryBean factory, String source, String target) throws Exception {
        Connection connection = factory.createConnection();
        connection.start();
        Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
        MessageConsumer consumer = session.createConsumer(session.createQueue(source));
        String text = text(consumer.receive(WAIT_MS));
        session.createProducer(session.createQueue(target)).send(session.createTextMessage("out " + text));
        consumer.close();
        session.close();
        connection.close();
    }

    private interface Managed {
        void run(UserTransactionManager transactions, AtomikosConnectionFactoryBean factory) throws Exception;
    }

    private static void withManager(Managed work) throws Exception {
        UserTransactionServiceImp service = manager();
        AtomikosConnectionFactoryBean factory = managedFactory();
        service.init();
        try {
            Configuration.addResource(new KillerResource());
            factory.init();
            UserTransactionManager transactions = new UserTransactionManager();
            transactions.init();
            work.run(transactions, factory);
        } finally {
            factory.close();
            service.shutdown(true);
        }
    }

    private void managed() throws Exception {
        String source = name("in");
        String target = name("out");
        send(source, "a", "b");
        withManager((transactions, factory) -> {
            transactions.begin();
            pass(factory, source, target);
            transactions.rollback();
            for (int i = 0; i < 2; i++) {
                transactions.begin();
                pass(factory, source, target);
                transactions.commit();
            }
        });
        same(List.of(), drain(source));
        same(List.of("out a", "out b"), sorted(drain(target)));
    }

    private static List<String> sorted(List<String> texts) {
        Collections.sort(texts);
        return texts;
    }

    /** The broker dies between its prepare and the commit: the manager's recovery commits. */
    private void managedCommit() throws Exception {
        String source = name("in");
        String target = name("out");
        for (int round = 0; round < ROUNDS; round++) {
            send(source, "m" + round);
            String expected = "out m" + round;
            withManager((transactions, factory) -> {
                transactions.begin();
                Killer killer = new Killer(false);
                transactions.getTransaction().enlistResource(killer);
                pass(factory, source, target);
                try {
                    transactions.commit();
                } catch (Exception unknown) {
                    // It is decided all the same; the manager goes on with it.
                    unknown.printStackTrace();
                }
                same(1, killer.doubts);
                try (Opened opened = plain()) {
                    Session session = opened.connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
                    MessageConsumer consumer = session.createConsumer(session.createQueue(target));
                    same(expected, text(consumer.receive(6 * WAIT_MS)));
                }
            });
        }
        same(List.of(), drain(source));
        same(List.of(), drain(target));
    }

    /** The broker dies between its prepare and the rollback: the manager's recovery rolls back. */
    private void managedRollback() throws Exception {
        String source = name("in");
        String target = name("out");
        send(source, "m");
        withManager((transactions, factory) -> {
            transactions.begin();
            pass(factory, source, target);
            Killer killer = new Killer(true);
            transactions.getTransaction().enlistResource(killer);
            try {
                transactions.commit();
                check(false, "the other resource refused");
            } catch (Exception refused) {
                refused.printStackTrace();
            }
            same(1, killer.doubts);
            try (Opened opened = plain()) {
                Session session = opened.connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
                MessageConsumer consumer = session.createConsumer(session.createQueue(source));
                same("m", text(consumer.receive(6 * WAIT_MS)));
            }
        });
        same(List.of(), drain(source));
        same(List.of(), drain(target));
    }

    /** Each message is there once, although its answer may have been lost with the broker. */
    private void resent() throws Exception {
        String name = name("resent");
        List<String> answered = Collections.synchronizedList(new ArrayList<>());
        try (Opened opened = new Opened(new ActiveMQConnectionFactory("guest", "guest", FAILOVER).createConnection())) {
            opened.connection.start();
            AtomicBoolean isOver = new AtomicBoolean();
            List<Thread> senders = new ArrayList<>();
            CountDownLatch some = new CountDownLatch(400);
            for (int sender = 0; sender < 4; sender++) {
                Session session = opened.connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
                Queue queue = session.createQueue(name);
                MessageProducer producer = session.createProducer(queue);
                String mark = "s" + sender + " ";
                Thread thread = new Thread(() -> {
                    try {
                        for (int i = 0; !isOver.get(); i++) {
                            producer.send(session.createTextMessage(mark + i));
                            answered.add(mark + i);
                            some.countDown();
                        }
                    } catch (JMSException problem) {
                        problem.printStackTrace();
                    }
                });
                senders.add(thread);
                thread.start();
            }
            check(some.await(WAIT_MS, TimeUnit.MILLISECONDS), "the load does not begin");
            for (int round = 0; round < ROUNDS; round++) {
                kill();
                CountDownLatch more = new CountDownLatch(1);
                int before = answered.size();
                while (answered.size() < before + 100) {
                    check(senders.stream().allMatch(Thread::isAlive), "a sender ended");
                    more.await(5, TimeUnit.MILLISECONDS);
                }
            }
            isOver.set(true);
            for (Thread thread : senders) {
                thread.join();
            }
        }
        List<String> texts = drain(name);
        same(sorted(new ArrayList<>(answered)), sorted(texts));
    }
}
