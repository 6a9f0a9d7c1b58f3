import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.JMSSecurityException;
import jakarta.jms.MessageConsumer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.TextMessage;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Base64;
import java.util.Set;
import org.apache.qpid.jms.JmsConnectionFactory;

/** Logins by SCRAM-SHA-256 over Qpid JMS: whom it lets in, whom not, and that clients choose it by themselves. */
public final class Scenario {
    private static final Cases CASES = new Cases(Set.of());
    private static final URI MANAGEMENT = URI.create(System.getenv("MANAGEMENT_URL"));
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private Scenario() {
    }

    public static void main(String[] arguments) {
        CASES.run("a password is proven", () -> {
            makeUser("jim", "jim secret, =~");
            checkUse("jim", "jim secret, =~", "?amqp.saslMechanisms=SCRAM-SHA-256");
        });
        CASES.run("a client that may choose takes it", () -> checkUse("jim", "jim secret, =~", ""));
        CASES.run("a wrong password and a stranger are refused alike", () ->
            Cases.same(refusal("jim", "wrong"), refusal("nobody", "wrong")));
        CASES.run("a name with letters that are escaped", () -> {
            makeUser("a,b=c", "secret");
            checkUse("a,b=c", "secret", "?amqp.saslMechanisms=SCRAM-SHA-256");
        });
        CASES.run("a verifier outlives a kill", () -> {
            Cases.killBroker();
            checkUse("jim", "jim secret, =~", "?amqp.saslMechanisms=SCRAM-SHA-256");
        });
    }

    private static void makeUser(String name, String password) throws IOException, InterruptedException {
        String encoded = name.replace(",", "%2C").replace("=", "%3D");
        put("users/" + encoded, "{\"tags\": \"\", \"password\": \"" + password + "\"}");
        put("permissions/localhost/" + encoded, "{\"configure\": \".*\", \"write\": \".*\", \"read\": \".*\"}");
    }

    private static void put(String path, String body) throws IOException, InterruptedException {
        String login = Base64.getEncoder().encodeToString(MANAGEMENT.getUserInfo().getBytes());
        URI target = URI.create("http://" + MANAGEMENT.getHost() + ":" + MANAGEMENT.getPort() + "/api/" + path);
        HttpRequest request = HttpRequest.newBuilder(target)
            .header("Authorization", "Basic " + login)
            .PUT(HttpRequest.BodyPublishers.ofString(body))
            .build();
        HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        Cases.check(answer.statusCode() / 100 == 2, path + ": " + answer.statusCode() + " " + answer.body());
    }

    private static Connection connect(String user, String password, String options) throws JMSException {
        return new JmsConnectionFactory(user, password, "amqp://127.0.0.1:5672" + options).createConnection();
    }

    /** Logs in, sends, and gets it back. */
    private static void checkUse(String user, String password, String options) throws JMSException {
        try (Connection connection = connect(user, password, options)) {
            connection.start();
            Session session = connection.createSession();
            Queue queue = session.createQueue(Cases.name("scram"));
            MessageConsumer consumer = session.createConsumer(queue);
            session.createProducer(queue).send(session.createTextMessage(user));
            TextMessage message = (TextMessage) consumer.receive(Cases.WAIT_MS);
            Cases.check(message != null, "no message came");
            Cases.same(user, message.getText());
        }
    }

    /** What somebody is told who is not let in. */
    private static String refusal(String user, String password) throws JMSException {
        try (Connection connection = connect(user, password, "?amqp.saslMechanisms=SCRAM-SHA-256")) {
            connection.start();
        } catch (JMSSecurityException refused) {
            return refused.getMessage();
        }
        throw new AssertionError(user + " was let in");
    }
}
