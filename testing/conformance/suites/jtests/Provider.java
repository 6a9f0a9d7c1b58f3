import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.jms.Connection;
import javax.jms.ConnectionFactory;
import javax.jms.JMSException;
import javax.jms.Session;
import javax.naming.Context;
import javax.naming.InitialContext;
import javax.naming.NameNotFoundException;
import javax.naming.NamingException;
import org.objectweb.jtests.jms.admin.Admin;

/**
 * What JTests ask of the one who runs a broker: names for factories and destinations. Each test has destinations of its
 * own, under names that never come twice, so that nothing has to be deleted.
 */
public final class Provider implements Admin {
    private static final String ACCOUNT = "guest";
    private static String factory;
    private static String url;
    private static int made;

    private final Map<String, Object> named = new ConcurrentHashMap<>();

    /** A directory that knows what this provider made and nothing else. */
    private final class Directory extends InitialContext {
        Directory() throws NamingException {
            super(true);
        }

        @Override
        public Object lookup(String name) throws NamingException {
            Object found = named.get(name);
            if (found == null) {
                throw new NameNotFoundException(name);
            }
            return found;
        }
    }

    private interface Maker {
        Object make(Session session, String name) throws JMSException;
    }

    /** Tells the class of the client's connection factory, which is made from user, password and URL. */
    static void aim(String factory, String url) {
        Provider.factory = factory;
        Provider.url = url;
    }

    @Override
    public String getName() {
        return factory;
    }

    @Override
    public Context createContext() throws NamingException {
        return new Directory();
    }

    private static ConnectionFactory factory() {
        try {
            Class<?> type = Class.forName(factory);
            Class<?>[] parts = {String.class, String.class, String.class};
            return (ConnectionFactory) type.getConstructor(parts).newInstance(ACCOUNT, ACCOUNT, url);
        } catch (ReflectiveOperationException problem) {
            throw new IllegalStateException(problem);
        }
    }

    /** Only a session makes a destination from a name, whatever the client. */
    private void createDestination(String name, Maker maker) {
        made++;
        try {
            Connection connection = factory().createConnection();
            try {
                Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
                named.put(name, maker.make(session, name + "." + made));
            } finally {
                connection.close();
            }
        } catch (JMSException problem) {
            throw new IllegalStateException(problem);
        }
    }

    @Override
    public void createConnectionFactory(String name) {
        named.put(name, factory());
    }

    @Override
    public void createQueueConnectionFactory(String name) {
        named.put(name, factory());
    }

    @Override
    public void createTopicConnectionFactory(String name) {
        named.put(name, factory());
    }

    @Override
    public void createQueue(String name) {
        createDestination(name, Session::createQueue);
    }

    @Override
    public void createTopic(String name) {
        createDestination(name, Session::createTopic);
    }

    @Override
    public void deleteQueue(String name) {
        named.remove(name);
    }

    @Override
    public void deleteTopic(String name) {
        named.remove(name);
    }

    @Override
    public void deleteConnectionFactory(String name) {
        named.remove(name);
    }

    @Override
    public void deleteQueueConnectionFactory(String name) {
        named.remove(name);
    }

    @Override
    public void deleteTopicConnectionFactory(String name) {
        named.remove(name);
    }

    @Override
    public void startServer() {
        // It runs.
    }

    @Override
    public void stopServer() {
        // It goes on.
    }

    @Override
    public void start() {
        // Nothing of its own to begin.
    }

    @Override
    public void stop() {
        // Nothing of its own to end.
    }
}
