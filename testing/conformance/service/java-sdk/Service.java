import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.mq.MqClient;

/** {@code ternmq serve} below the working folder, and a client of it. */
final class Service {
    /** For what has to come: longer than it ever takes on a busy machine. */
    private static final long WAIT_MS = 60_000;
    private static final long PAUSE_MS = 20;

    final Process process;
    final MqClient mq;

    private Service(Process process, MqClient mq) {
        this.process = process;
        this.mq = mq;
    }

    static Service start() throws Exception {
        Path ports = Path.of("ports.json");
        Process process = new ProcessBuilder(System.getenv("TERNMQ"), "serve", "--data-dir", "data",
                "--listen", "api=127.0.0.1:0", "--ports-file", "ports.json", "--credentials-file", "keys.json",
                "--no-first-broker", "--api-burst=100000", "--api-rate=100000")
                .redirectErrorStream(true).redirectOutput(new File("service.log")).start();
        await("the service serves", () -> Files.exists(ports));
        AwsBasicCredentials keys = AwsBasicCredentials.create(
                member("keys.json", "access_key_id"), member("keys.json", "secret_access_key"));
        MqClient mq = MqClient.builder().region(Region.US_EAST_1)
                .endpointOverride(URI.create("http://" + member("ports.json", "api")))
                .credentialsProvider(StaticCredentialsProvider.create(keys)).build();
        return new Service(process, mq);
    }

    /** The text that a member of a JSON object has. */
    private static String member(String file, String name) throws IOException {
        Matcher found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(Files.readString(Path.of(file)));
        if (!found.find()) {
            throw new IOException(file + " has no " + name);
        }
        return found.group(1);
    }

    /** Polls until it holds. */
    static void await(String what, Callable<Boolean> holds) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(WAIT_MS);
        while (!holds.call()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("waited " + WAIT_MS + " ms until " + what);
            }
            Thread.sleep(PAUSE_MS);
        }
    }

    /** Ends it as an operator does. */
    void stop() throws Exception {
        mq.close();
        process.destroy();
        int code = process.waitFor();
        if (code != 0) {
            throw new IllegalStateException("the service ended with " + code);
        }
    }
}
