import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import org.apache.activemq.broker.BrokerPlugin;
import org.apache.activemq.broker.BrokerService;
import org.apache.activemq.broker.SslContext;
import org.apache.activemq.security.AuthenticationUser;
import org.apache.activemq.security.SimpleAuthenticationPlugin;

/**
 * ActiveMQ itself on its usual ports, with data below the folder that is given, the account of every broker under test and
 * the certificate of the files that are given. It listens on AMQP last: who finds that port open finds all.
 */
public final class Oracle {
    private static final String ACCOUNT = "guest";

    private Oracle() {
    }

    public static void main(String[] arguments) throws Exception {
        BrokerService broker = new BrokerService();
        broker.setBrokerName("oracle");
        broker.setDataDirectory(arguments[0]);
        broker.setUseJmx(false);
        broker.setUseShutdownHook(false);
        broker.setSchedulerSupport(true);
        // The defaults want a hundred GB of disk.
        broker.getSystemUsage().getStoreUsage().setLimit(1L << 30);
        broker.getSystemUsage().getTempUsage().setLimit(1L << 30);
        broker.getSystemUsage().getJobSchedulerUsage().setLimit(1L << 28);
        AuthenticationUser user = new AuthenticationUser(ACCOUNT, ACCOUNT, "admins");
        broker.setPlugins(new BrokerPlugin[] {new SimpleAuthenticationPlugin(List.of(user))});
        broker.setSslContext(new SslContext(keys(Path.of(arguments[1]), Path.of(arguments[2])), null, null));
        broker.addConnector("tcp://127.0.0.1:61616");
        broker.addConnector("ssl://127.0.0.1:61617");
        broker.addConnector("stomp://127.0.0.1:61613");
        broker.addConnector("amqp+ssl://127.0.0.1:5671");
        broker.addConnector("amqp://127.0.0.1:5672");
        broker.start();
        broker.waitUntilStopped();
    }

    private static KeyManager[] keys(Path certificate, Path key) throws IOException, GeneralSecurityException {
        String text = Files.readString(key).replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
        PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text));
        PrivateKey secret = KeyFactory.getInstance("EC").generatePrivate(spec);
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream bytes = new ByteArrayInputStream(Files.readAllBytes(certificate))) {
            Certificate[] chain = {CertificateFactory.getInstance("X.509").generateCertificate(bytes)};
            store.setKeyEntry("server", secret, new char[0], chain);
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, new char[0]);
        return factory.getKeyManagers();
    }
}
