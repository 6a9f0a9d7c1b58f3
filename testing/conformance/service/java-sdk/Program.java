import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import software.amazon.awssdk.services.mq.MqClient;
import software.amazon.awssdk.services.mq.model.BadRequestException;
import software.amazon.awssdk.services.mq.model.BrokerState;
import software.amazon.awssdk.services.mq.model.ChangeType;
import software.amazon.awssdk.services.mq.model.ConflictException;
import software.amazon.awssdk.services.mq.model.DeploymentMode;
import software.amazon.awssdk.services.mq.model.DescribeBrokerResponse;
import software.amazon.awssdk.services.mq.model.EngineType;
import software.amazon.awssdk.services.mq.model.MqException;
import software.amazon.awssdk.services.mq.model.NotFoundException;
import software.amazon.awssdk.services.mq.model.UpdateConfigurationResponse;
import software.amazon.awssdk.services.mq.model.User;
import software.amazon.awssdk.services.mq.model.UserSummary;

/** The Amazon MQ API over the AWS SDK for Java: a broker's life, pages, errors by their types. */
public final class Program {
    private static final String PASSWORD = "correct-horse-battery";
    private static final String XML = "<broker xmlns=\"http://activemq.apache.org/schema/core\"/>";

    private final MqClient mq;
    private String broker;
    private String arn;
    private String configuration;

    private Program(MqClient mq) {
        this.mq = mq;
    }

    private interface Step {
        void run() throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        Service service = Service.start();
        Program it = new Program(service.mq);
        report("a configuration and its text", it::configuration);
        report("a broker is made", it::create);
        report("its users, tags and settings change", it::change);
        report("what waited is there after a reboot", it::reboot);
        report("pages", it::pages);
        report("errors have their types", it::errors);
        report("it is deleted", it::delete);
        report("the service ends", service::stop);
    }

    private static void report(String name, Step step) {
        try {
            step.run();
            System.out.println("ok " + name);
        } catch (Exception error) {
            error.printStackTrace();
            System.out.println("FAILED " + name + ": " + String.valueOf(error).replaceAll("\\s+", " "));
        }
    }

    private static void equal(Object got, Object wanted, String what) {
        if (!Objects.equals(got, wanted)) {
            throw new IllegalStateException(what + ": got " + got + ", wanted " + wanted);
        }
    }

    private DescribeBrokerResponse await(BrokerState state) throws Exception {
        Service.await(broker + " is " + state, () -> mq.describeBroker(b -> b.brokerId(broker)).brokerState() == state);
        return mq.describeBroker(b -> b.brokerId(broker));
    }

    private void configuration() {
        configuration = mq.createConfiguration(b -> b.name("java").engineType(EngineType.ACTIVEMQ)).id();
        String data = Base64.getEncoder().encodeToString(XML.getBytes(StandardCharsets.UTF_8));
        UpdateConfigurationResponse updated =
                mq.updateConfiguration(b -> b.configurationId(configuration).data(data).description("java"));
        equal(updated.latestRevision().revision(), 2, "revision");
        equal(updated.warnings(), List.of(), "warnings");
        String kept =
                mq.describeConfigurationRevision(b -> b.configurationId(configuration).configurationRevision("2")).data();
        equal(new String(Base64.getDecoder().decode(kept), StandardCharsets.UTF_8).contains("<broker"), true, "text");
        equal(mq.describeConfiguration(b -> b.configurationId(configuration)).created() != null, true, "time");
    }

    private void create() throws Exception {
        var made = mq.createBroker(b -> b.brokerName("java").engineType(EngineType.ACTIVEMQ)
                .deploymentMode(DeploymentMode.SINGLE_INSTANCE).hostInstanceType("mq.t3.micro")
                .publiclyAccessible(false).tags(Map.of("team", "shop"))
                .configuration(c -> c.id(configuration).revision(1))
                .users(User.builder().username("ops").password(PASSWORD).groups("staff").build()));
        broker = made.brokerId();
        arn = made.brokerArn();
        DescribeBrokerResponse found = await(BrokerState.RUNNING);
        equal(found.engineTypeAsString(), "ActiveMQ", "engine type");
        equal(found.configurations().current().revision(), 1, "revision");
        equal(found.encryptionOptions().useAwsOwnedKey(), true, "encryption");
        equal(found.brokerInstances().get(0).endpoints().isEmpty(), false, "no endpoints");
        equal(found.created() != null, true, "time");
        equal(found.users().stream().map(UserSummary::username).toList(), List.of("ops"), "users");
        equal(mq.describeUser(b -> b.brokerId(broker).username("ops")).groups(), List.of("staff"), "groups");
    }

    private void change() {
        mq.updateBroker(b -> b.brokerId(broker).logs(l -> l.general(true))
                .configuration(c -> c.id(configuration).revision(2)));
        mq.updateBroker(b -> b.brokerId(broker).hostInstanceType("mq.m5.large"));
        mq.createUser(b -> b.brokerId(broker).username("clerk").password(PASSWORD).consoleAccess(true));
        mq.updateUser(b -> b.brokerId(broker).username("ops").groups("night"));
        var clerk = mq.describeUser(b -> b.brokerId(broker).username("clerk"));
        equal(clerk.pending().pendingChange(), ChangeType.CREATE, "pending");
        equal(mq.listUsers(b -> b.brokerId(broker).maxResults(1)).nextToken() != null, true, "a second page of users");
        mq.createTags(b -> b.resourceArn(arn).tags(Map.of("cost", "7")));
        mq.deleteTags(b -> b.resourceArn(arn).tagKeys("team"));
        equal(mq.listTags(b -> b.resourceArn(arn)).tags(), Map.of("cost", "7"), "tags");
        DescribeBrokerResponse found = mq.describeBroker(b -> b.brokerId(broker));
        equal(found.pendingHostInstanceType(), "mq.m5.large", "pending instance type");
        equal(found.configurations().pending().revision(), 2, "pending revision");
    }

    private void reboot() throws Exception {
        mq.rebootBroker(b -> b.brokerId(broker));
        DescribeBrokerResponse found = await(BrokerState.RUNNING);
        equal(found.hostInstanceType(), "mq.m5.large", "instance type");
        equal(found.configurations().current().revision(), 2, "revision");
        equal(found.configurations().history().size(), 1, "history");
        equal(found.logs().general(), true, "log");
        equal(mq.describeUser(b -> b.brokerId(broker).username("clerk")).pending(), null, "pending");
    }

    private void pages() {
        long brokers = mq.listBrokersPaginator(b -> b.maxResults(1)).brokerSummaries().stream().count();
        equal(brokers, 1L, "brokers");
        var pages = mq.describeSharedResourcesPaginator(b -> b.brokerId(broker));
        long shared = pages.sharedResources().stream().count();
        equal(shared, 0L, "shared resources");
        equal(mq.listConfigurations(b -> b.maxResults(100)).configurations().size(), 1, "configurations");
        equal(mq.listConfigurationRevisions(b -> b.configurationId(configuration)).revisions().size(), 2, "revisions");
        equal(mq.describeBrokerEngineTypes(b -> { }).brokerEngineTypes().size(), 2, "engine types");
        var options = mq.describeBrokerInstanceOptions(b -> b.engineType("ACTIVEMQ")).brokerInstanceOptions();
        equal(options.isEmpty(), false, "no options");
    }

    private <E extends MqException> void refused(
            Class<E> kind, Function<E, String> attributeOf, String attribute, Runnable call) {
        try {
            call.run();
        } catch (MqException error) {
            equal(error.getClass(), kind, "error");
            equal(attributeOf.apply(kind.cast(error)), attribute, "attribute");
            return;
        }
        throw new IllegalStateException("not refused");
    }

    private void errors() {
        refused(NotFoundException.class, NotFoundException::errorAttribute, "broker-id",
                () -> mq.describeBroker(b -> b.brokerId("b-0")));
        refused(BadRequestException.class, BadRequestException::errorAttribute, "name",
                () -> mq.createConfiguration(b -> b.name("a b").engineType("ACTIVEMQ")));
        refused(ConflictException.class, ConflictException::errorAttribute, "configuration-id",
                () -> mq.deleteConfiguration(b -> b.configurationId(configuration)));
    }

    private void delete() throws Exception {
        mq.deleteBroker(b -> b.brokerId(broker));
        Service.await(broker + " is gone", () -> {
            try {
                equal(mq.describeBroker(b -> b.brokerId(broker)).brokerState(), BrokerState.DELETION_IN_PROGRESS, "state");
                return false;
            } catch (NotFoundException error) {
                return true;
            }
        });
        mq.deleteConfiguration(b -> b.configurationId(configuration));
    }
}
