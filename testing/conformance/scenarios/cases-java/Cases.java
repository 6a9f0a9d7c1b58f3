import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.Callable;

/** What scenarios in Java share: a line for each case, checks, and the talk with the one who runs them. */
public final class Cases {
    /** Milliseconds for which something is awaited that shall come. */
    public static final int WAIT_MS = 10_000;
    private static int named;
    private final Set<String> deviations;

    /** One thing to try. */
    public interface Case {
        void run() throws Exception;
    }

    /** Cases of those names have to fail with this broker. */
    public Cases(Collection<String> deviations) {
        this.deviations = Set.copyOf(deviations);
    }

    /** Tries a case and prints what became of it. */
    public void run(String name, Case one) {
        try {
            one.run();
            System.out.println(deviations.contains(name) ? "FAILED " + name + ": no longer a deviation" : "ok " + name);
        } catch (Exception | AssertionError problem) {
            if (deviations.contains(name)) {
                System.out.println("ok " + name + " (this broker is known to answer otherwise)");
                return;
            }
            problem.printStackTrace();
            System.out.println("FAILED " + name + ": " + problem.toString().replace('\n', ' '));
        }
    }

    /** A name that nobody had before. */
    public static String name(String what) {
        named++;
        return "java." + what + "." + System.nanoTime() + "." + named;
    }

    public static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    public static void same(Object expected, Object actual) {
        check(expected == null ? actual == null : expected.equals(actual), "expected " + expected + ", got " + actual);
    }

    /** It has to end with such an exception. */
    public static void refused(Class<? extends Exception> kind, Callable<?> act) {
        try {
            act.call();
        } catch (Exception problem) {
            check(kind.isInstance(problem), "expected " + kind + ", got " + problem);
            return;
        }
        throw new AssertionError("nothing was refused: expected " + kind);
    }

    /** Has the broker killed with SIGKILL; returns when another one serves the same data. */
    public static void killBroker() throws IOException {
        System.out.println("HARNESS kill");
        System.out.flush();
        String word = "restarted\n";
        same(word, new String(System.in.readNBytes(word.length()), StandardCharsets.UTF_8));
    }

    /** Makes every TLS client of this process trust the CA of the broker, and nobody else. */
    public static void trustBroker() throws IOException, GeneralSecurityException {
        KeyStore known = KeyStore.getInstance("PKCS12");
        known.load(null, null);
        try (InputStream file = new FileInputStream(System.getenv("TLS_CA"))) {
            known.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        String password = "changeit";
        Path path = Files.createTempFile(Path.of("."), "trust", ".p12");
        try (OutputStream file = Files.newOutputStream(path)) {
            known.store(file, password.toCharArray());
        }
        System.setProperty("javax.net.ssl.trustStore", path.toString());
        System.setProperty("javax.net.ssl.trustStorePassword", password);
    }
}
