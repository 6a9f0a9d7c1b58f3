import java.util.HashMap;
import java.util.Map;
import org.junit.runner.Description;
import org.junit.runner.JUnitCore;
import org.junit.runner.notification.Failure;
import org.junit.runner.notification.RunListener;
import org.objectweb.jtests.jms.conform.connection.ConnectionTest;
import org.objectweb.jtests.jms.conform.connection.TopicConnectionTest;
import org.objectweb.jtests.jms.conform.message.MessageBodyTest;
import org.objectweb.jtests.jms.conform.message.MessageDefaultTest;
import org.objectweb.jtests.jms.conform.message.MessageTypeTest;
import org.objectweb.jtests.jms.conform.message.headers.MessageHeaderTest;
import org.objectweb.jtests.jms.conform.message.properties.JMSXPropertyTest;
import org.objectweb.jtests.jms.conform.message.properties.MessagePropertyConversionTest;
import org.objectweb.jtests.jms.conform.message.properties.MessagePropertyTest;
import org.objectweb.jtests.jms.conform.queue.QueueBrowserTest;
import org.objectweb.jtests.jms.conform.queue.TemporaryQueueTest;
import org.objectweb.jtests.jms.conform.selector.SelectorSyntaxTest;
import org.objectweb.jtests.jms.conform.selector.SelectorTest;
import org.objectweb.jtests.jms.conform.session.QueueSessionTest;
import org.objectweb.jtests.jms.conform.session.SessionTest;
import org.objectweb.jtests.jms.conform.session.TopicSessionTest;
import org.objectweb.jtests.jms.conform.session.UnifiedSessionTest;
import org.objectweb.jtests.jms.conform.topic.TemporaryTopicTest;

/** Runs every class of JTests and prints a line for each test. */
public final class Run {
    private static final Class<?>[] CLASSES = {
        ConnectionTest.class, TopicConnectionTest.class, MessageBodyTest.class, MessageDefaultTest.class,
        MessageTypeTest.class, MessageHeaderTest.class, JMSXPropertyTest.class, MessagePropertyConversionTest.class,
        MessagePropertyTest.class, QueueBrowserTest.class, TemporaryQueueTest.class, SelectorSyntaxTest.class,
        SelectorTest.class, QueueSessionTest.class, SessionTest.class, TopicSessionTest.class,
        UnifiedSessionTest.class, TemporaryTopicTest.class,
    };

    private Run() {
    }

    /** One line when a test has ended, however often it failed. */
    private static final class Lines extends RunListener {
        private final Map<Description, Failure> failures = new HashMap<>();

        @Override
        public void testFailure(Failure failure) {
            failures.putIfAbsent(failure.getDescription(), failure);
            System.err.println(failure.getTrace());
        }

        @Override
        public void testFinished(Description test) {
            String name = test.getTestClass().getSimpleName() + "." + test.getMethodName();
            Failure failure = failures.get(test);
            if (failure == null) {
                System.out.println("ok " + name);
            } else {
                String why = failure.getException().toString().replace('\n', ' ');
                System.out.println("FAILED " + name + ": " + why);
            }
        }
    }

    /** Takes the class of the client's connection factory and the broker's URL. */
    public static void main(String[] arguments) {
        Provider.aim(arguments[0], arguments[1]);
        JUnitCore runner = new JUnitCore();
        runner.addListener(new Lines());
        runner.run(CLASSES);
        // Clients leave threads behind.
        System.exit(0);
    }
}
