import com.rabbitmq.client.amqp.AmqpException;
import com.rabbitmq.client.amqp.BackOffDelayPolicy;
import com.rabbitmq.client.amqp.Connection;
import com.rabbitmq.client.amqp.Consumer;
import com.rabbitmq.client.amqp.Environment;
import com.rabbitmq.client.amqp.Management;
import com.rabbitmq.client.amqp.Message;
import com.rabbitmq.client.amqp.Publisher;
import com.rabbitmq.client.amqp.Requester;
import com.rabbitmq.client.amqp.Resource;
import com.rabbitmq.client.amqp.Responder;
import com.rabbitmq.client.amqp.impl.AmqpEnvironmentBuilder;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;

/**
 * An application over RabbitMQ's own client for AMQP 1.0: definitions by /management, publishers and what becomes of their
 * messages, consumers and their outcomes, questions and answers, and recovery from a broker that is killed.
 */
public final class Scenario {
    private static final String URI = "amqp://guest:guest@127.0.0.1:5672";
    private static final Duration WAIT = Duration.ofMillis(Cases.WAIT_MS);
    private final Environment environment = new AmqpEnvironmentBuilder().build();

    /** A message that has come, as it was when it came. */
    private record Delivery(Consumer.Context context, Message message) {
        String text() {
            return new String(message.body(), StandardCharsets.UTF_8);
        }
    }

    private Scenario() {
    }

    public static void main(String[] arguments) throws Exception {
        Cases.trustBroker();
        if (!isThere()) {
            System.out.println("skipped all: the broker does not speak RabbitMQ 4's AMQP 1.0");
            System.exit(0);
        }
        Scenario scenario = new Scenario();
        Cases cases = new Cases(Set.of());
        cases.run("queues of both kinds", scenario::queues);
        cases.run("refused declarations", scenario::refusals);
        cases.run("exchanges, bindings, routes", scenario::routes);
        cases.run("messages and their properties", scenario::properties);
        cases.run("what becomes of published messages", scenario::statuses);
        cases.run("outcomes of consumers", scenario::outcomes);
        cases.run("credits and batches", scenario::credits);
        cases.run("large messages", scenario::large);
        cases.run("requests and responses", scenario::requests);
        cases.run("over TLS", scenario::secured);
        cases.run("recovery after kill -9", scenario::recovery);
        System.exit(0);
    }

    /** The reference listens, and hangs up on who speaks AMQP 1.0. */
    private static boolean isThere() throws Exception {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress("127.0.0.1", 5672), Cases.WAIT_MS);
            byte[] hello = {'A', 'M', 'Q', 'P', 3, 1, 0, 0};
            socket.getOutputStream().write(hello);
            return Arrays.equals(hello, socket.getInputStream().readNBytes(hello.length));
        }
    }

    private Connection connect() {
        return environment.connectionBuilder().uri(URI).build();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** What has to be percent-encoded in an address is in it. */
    private static String name(String what) {
        return Cases.name(what + "/\u00e4 ");
    }

    /** Publishes, and gives what became of it. */
    private static Publisher.Status publish(Publisher publisher, Message message) throws InterruptedException {
        LinkedBlockingQueue<Publisher.Status> told = new LinkedBlockingQueue<>();
        publisher.publish(message, context -> told.add(context.status()));
        Publisher.Status status = told.poll(Cases.WAIT_MS, TimeUnit.MILLISECONDS);
        Cases.check(status != null, "nothing is told of a message");
        return status;
    }

    private static void accepted(Publisher publisher, String... texts) throws InterruptedException {
        for (String text : texts) {
            Cases.same(Publisher.Status.ACCEPTED, publish(publisher, publisher.message(bytes(text))));
        }
    }

    /** A consumer whose messages wait to be taken and settled. */
    private static Consumer consume(Connection connection, String queue, LinkedBlockingQueue<Delivery> got) {
        return connection.consumerBuilder().queue(queue).initialCredits(10)
                .messageHandler((context, message) -> got.add(new Delivery(context, message))).build();
    }

    private static Delivery take(LinkedBlockingQueue<Delivery> got) throws InterruptedException {
        Delivery delivery = got.poll(Cases.WAIT_MS, TimeUnit.MILLISECONDS);
        Cases.check(delivery != null, "no message came");
        return delivery;
    }

    private void queues() {
        try (Connection connection = connect(); Management management = connection.management()) {
            for (boolean isQuorum : new boolean[] {false, true}) {
                String queue = name("queue");
                for (int round = 0; round < 2; round++) {
                    Management.QueueSpecification wanted = management.queue(queue);
                    Management.QueueInfo made = isQuorum
                            ? wanted.quorum().deliveryLimit(5).queue().declare()
                            : wanted.classic().queue().maxLength(100).declare();
                    Cases.same(queue, made.name());
                }
                Management.QueueInfo known = management.queueInfo(queue);
                Cases.same(isQuorum ? Management.QueueType.QUORUM : Management.QueueType.CLASSIC, known.type());
                Cases.same(true, known.durable());
                Cases.same(0L, known.messageCount());
                management.queueDelete(queue);
                Cases.refused(AmqpException.AmqpEntityDoesNotExistException.class, () -> management.queueInfo(queue));
            }
            Management.QueueInfo own = management.queue().exclusive(true).autoDelete(true).declare();
            Cases.check(own.exclusive() && own.autoDelete() && !own.name().isEmpty(), "a queue of its own");
        }
    }

    private void refusals() {
        try (Connection connection = connect(); Management management = connection.management()) {
            String queue = name("queue");
            management.queue(queue).classic().queue().maxLength(1).declare();
            Cases.refused(AmqpException.class, () -> management.queue(queue).classic().queue().maxLength(2).declare());
            management.queueDelete(queue);
            Cases.refused(AmqpException.class, () -> connection.publisherBuilder().queue(queue).build());
            Cases.refused(AmqpException.class, () -> connection.publisherBuilder().exchange("none").build());
            Cases.refused(AmqpException.class, () -> connection.consumerBuilder().queue(queue)
                    .messageHandler((context, message) -> context.accept()).build());
        }
        Cases.refused(AmqpException.class, () -> environment.connectionBuilder()
                .uri("amqp://guest:wrong@127.0.0.1:5672").build());
    }

    private void routes() throws Exception {
        try (Connection connection = connect(); Management management = connection.management()) {
            String exchange = name("exchange");
            String behind = name("behind");
            String queue = name("queue");
            management.exchange(exchange).type(Management.ExchangeType.TOPIC).declare();
            management.exchange(behind).type(Management.ExchangeType.FANOUT).declare();
            management.queue(queue).classic().queue().declare();
            management.binding().sourceExchange(exchange).destinationExchange(behind).key("a.#").bind();
            management.binding().sourceExchange(behind).destinationQueue(queue).bind();
            try (Publisher right = connection.publisherBuilder().exchange(exchange).key("a.b").build();
                    Publisher wrong = connection.publisherBuilder().exchange(exchange).key("b").build();
                    Publisher any = connection.publisherBuilder().build()) {
                accepted(right, "one");
                Cases.same(Publisher.Status.RELEASED, publish(wrong, wrong.message(bytes("nobody's"))));
                Message named = any.message(bytes("two")).toAddress().exchange(exchange).key("a").message();
                Cases.same(Publisher.Status.ACCEPTED, publish(any, named));
                Message direct = any.message(bytes("three")).toAddress().queue(queue).message();
                Cases.same(Publisher.Status.ACCEPTED, publish(any, direct));
            }
            Cases.same(3L, management.queueInfo(queue).messageCount());
            Cases.same(3L, management.queuePurge(queue).messageCount());
            management.unbind().sourceExchange(behind).destinationQueue(queue).unbind();
            try (Publisher right = connection.publisherBuilder().exchange(exchange).key("a.b").build()) {
                Cases.same(Publisher.Status.RELEASED, publish(right, right.message(bytes("nobody's"))));
            }
            management.exchangeDelete(exchange);
            management.exchangeDelete(behind);
            management.queueDelete(queue);
        }
    }

    private void properties() throws Exception {
        try (Connection connection = connect(); Management management = connection.management()) {
            String queue = management.queue().exclusive(true).declare().name();
            LinkedBlockingQueue<Delivery> got = new LinkedBlockingQueue<>();
            try (Publisher publisher = connection.publisherBuilder().queue(queue).build();
                    Consumer consumer = consume(connection, queue, got)) {
                Message sent = publisher.message(bytes("body")).messageId(5L).correlationId("c").subject("s")
                        .contentType("text/plain").groupId("g").priority((byte) 7).ttl(Duration.ofMinutes(1))
                        .property("int", 5).property("text", "\u00e9").property("flag", true)
                        .property("double", 0.5).annotation("x-own", "kept");
                Cases.same(Publisher.Status.ACCEPTED, publish(publisher, sent));
                Delivery delivery = take(got);
                Message read = delivery.message;
                Cases.same("body", delivery.text());
                Cases.same(5L, read.messageIdAsLong());
                Cases.same("c", read.correlationIdAsString());
                Cases.same("s", read.subject());
                Cases.same("text/plain", read.contentType());
                Cases.same("g", read.groupId());
                Cases.same((byte) 7, read.priority());
                Cases.same(5, read.property("int"));
                Cases.same("\u00e9", read.property("text"));
                Cases.same(true, read.property("flag"));
                Cases.same(0.5, read.property("double"));
                Cases.same("kept", read.annotation("x-own"));
                Cases.same(true, read.durable());
                delivery.context.accept();
                Cases.check(consumer.unsettledMessageCount() == 0, "it is settled");
            }
        }
    }

    private void statuses() throws Exception {
        try (Connection connection = connect(); Management management = connection.management()) {
            String queue = name("queue");
            management.queue(queue).classic().queue().maxLength(1)
                    .overflowStrategy(Management.OverflowStrategy.REJECT_PUBLISH).declare();
            try (Publisher publisher = connection.publisherBuilder().queue(queue).build()) {
                accepted(publisher, "fits");
                Cases.same(Publisher.Status.REJECTED, publish(publisher, publisher.message(bytes("too many"))));
            }
            management.queueDelete(queue);
        }
    }

    private void outcomes() throws Exception {
        try (Connection connection = connect(); Management management = connection.management()) {
            String dead = management.queue().exclusive(true).declare().name();
            String queue = name("queue");
            management.queue(queue).deadLetterExchange("").deadLetterRoutingKey(dead).quorum().queue().declare();
            LinkedBlockingQueue<Delivery> got = new LinkedBlockingQueue<>();
            LinkedBlockingQueue<Delivery> letters = new LinkedBlockingQueue<>();
            try (Publisher publisher = connection.publisherBuilder().queue(queue).build();
                    Consumer consumer = consume(connection, queue, got);
                    Consumer undertaker = consume(connection, dead, letters)) {
                accepted(publisher, "again");
                take(got).context.requeue();
                Delivery again = take(got);
                Cases.same("again", again.text());
                again.context.requeue(Map.of("x-opt-why", "not now"));
                Delivery noted = take(got);
                Cases.same("not now", noted.message.annotation("x-opt-why"));
                noted.context.requeue(Map.of("x-opt-why", "too early", "x-opt-tries", 2));
                Delivery twice = take(got);
                Cases.same("too early", twice.message.annotation("x-opt-why"));
                Cases.same(2, twice.message.annotation("x-opt-tries"));
                twice.context.accept();
                accepted(publisher, "refused", "refused with a word");
                take(got).context.discard();
                Delivery first = take(letters);
                Cases.same("refused", first.text());
                first.context.accept();
                take(got).context.discard(Map.of("x-opt-why", "broken"));
                Delivery second = take(letters);
                Cases.same("refused with a word", second.text());
                Cases.same("broken", second.message.annotation("x-opt-why"));
                second.context.accept();
                Cases.check(consumer.unsettledMessageCount() + undertaker.unsettledMessageCount() == 0, "all is settled");
            }
            Cases.same(0L, management.queueInfo(queue).messageCount());
            management.queueDelete(queue);
        }
    }

    private void credits() throws Exception {
        try (Connection connection = connect(); Management management = connection.management()) {
            String queue = name("queue");
            management.queue(queue).classic().queue().declare();
            Set<String> missing = ConcurrentHashMap.newKeySet();
            try (Publisher publisher = connection.publisherBuilder().queue(queue).build()) {
                CountDownLatch answered = new CountDownLatch(500);
                for (int i = 0; i < 500; i++) {
                    missing.add("m" + i);
                    publisher.publish(publisher.message(bytes("m" + i)), context -> answered.countDown());
                }
                Cases.check(answered.await(Cases.WAIT_MS, TimeUnit.MILLISECONDS), "some have no answer");
            }
            LinkedBlockingQueue<Delivery> held = new LinkedBlockingQueue<>();
            CountDownLatch rest = new CountDownLatch(490);
            AtomicInteger count = new AtomicInteger();
            try (Consumer consumer = connection.consumerBuilder().queue(queue).initialCredits(10)
                    .messageHandler((context, message) -> {
                        Delivery delivery = new Delivery(context, message);
                        if (count.incrementAndGet() <= 10) {
                            held.add(delivery);
                        } else {
                            missing.remove(delivery.text());
                            context.accept();
                            rest.countDown();
                        }
                    }).build()) {
                Delivery first = take(held);
                Consumer.BatchContext batch = first.context.batch(10);
                batch.add(first.context);
                missing.remove(first.text());
                for (int i = 1; i < 10; i++) {
                    Delivery delivery = take(held);
                    batch.add(delivery.context);
                    missing.remove(delivery.text());
                }
                Cases.same(10L, consumer.unsettledMessageCount());
                batch.accept();
                Cases.check(rest.await(Cases.WAIT_MS, TimeUnit.MILLISECONDS), rest.getCount() + " do not come");
                Cases.same(Set.of(), missing);
            }
            management.queueDelete(queue);
        }
    }

    private void large() throws Exception {
        try (Connection connection = connect(); Management management = connection.management()) {
            String queue = management.queue().exclusive(true).declare().name();
            LinkedBlockingQueue<Delivery> got = new LinkedBlockingQueue<>();
            try (Publisher publisher = connection.publisherBuilder().queue(queue).build();
                    Consumer consumer = consume(connection, queue, got)) {
                for (int size : new int[] {0, 100_000, 5_000_000}) {
                    Cases.same(Publisher.Status.ACCEPTED, publish(publisher, publisher.message(new byte[size])));
                    Delivery delivery = take(got);
                    Cases.same(size, delivery.message.body().length);
                    delivery.context.accept();
                }
                Cases.same(0L, consumer.unsettledMessageCount());
            }
        }
    }

    private void requests() throws Exception {
        try (Connection client = connect(); Connection server = connect(); Management management = server.management()) {
            String queue = name("requests");
            management.queue(queue).classic().queue().declare();
            try (Responder responder = server.responderBuilder().requestQueue(queue)
                            .handler((context, request) -> context.message(bytes("re: " + new Delivery(null, request).text())))
                            .build();
                    Requester requester = client.requesterBuilder().requestAddress().queue(queue).requester()
                            .requestTimeout(WAIT).build()) {
                for (int i = 0; i < 20; i++) {
                    Message answer = requester.publish(requester.message(bytes("q" + i)))
                            .get(Cases.WAIT_MS, TimeUnit.MILLISECONDS);
                    Cases.same("re: q" + i, new Delivery(null, answer).text());
                }
                responder.pause();
            }
            management.queueDelete(queue);
        }
    }

    private void secured() throws Exception {
        try (Connection connection = environment.connectionBuilder().uri("amqps://guest:guest@localhost:5671")
                .tls().sslContext(SSLContext.getDefault()).connection().build();
                Management management = connection.management()) {
            String queue = management.queue().exclusive(true).declare().name();
            try (Publisher publisher = connection.publisherBuilder().queue(queue).build()) {
                accepted(publisher, "secret");
            }
            Cases.same(1L, management.queueInfo(queue).messageCount());
        }
    }

    /** Publisher, consumer and definitions that do not outlive a broker come back by themselves. */
    private void recovery() throws Exception {
        CountDownLatch lost = new CountDownLatch(1);
        CountDownLatch back = new CountDownLatch(1);
        try (Connection connection = environment.connectionBuilder().uri(URI).recovery()
                .backOffDelayPolicy(BackOffDelayPolicy.fixed(Duration.ofMillis(50))).connectionBuilder()
                .listeners(context -> {
                    if (context.currentState() == Resource.State.RECOVERING) {
                        lost.countDown();
                    } else if (context.previousState() == Resource.State.RECOVERING) {
                        back.countDown();
                    }
                }).build();
                Management management = connection.management()) {
            String queue = name("queue");
            management.queue(queue).quorum().queue().declare();
            String own = management.queue().exclusive(true).declare().name();
            Set<String> answered = ConcurrentHashMap.newKeySet();
            Set<String> seen = ConcurrentHashMap.newKeySet();
            LinkedBlockingQueue<Delivery> got = new LinkedBlockingQueue<>();
            CountDownLatch some = new CountDownLatch(50);
            AtomicBoolean isOver = new AtomicBoolean();
            Publisher publisher = connection.publisherBuilder().queue(queue).build();
            Publisher ownPublisher = connection.publisherBuilder().queue(own).build();
            Consumer consumer = connection.consumerBuilder().queue(queue).messageHandler((context, message) -> {
                seen.add(new Delivery(context, message).text());
                context.accept();
            }).build();
            Consumer ownConsumer = consume(connection, own, got);
            Thread load = new Thread(() -> {
                for (int i = 0; !isOver.get(); i++) {
                    try {
                        String text = "m" + i;
                        CountDownLatch told = new CountDownLatch(1);
                        publisher.publish(publisher.message(bytes(text)), context -> {
                            if (context.status() == Publisher.Status.ACCEPTED) {
                                answered.add(text);
                                some.countDown();
                            }
                            told.countDown();
                        });
                        if (!told.await(Cases.WAIT_MS, TimeUnit.MILLISECONDS)) {
                            return;
                        }
                    } catch (AmqpException | InterruptedException expected) {
                        // It is not connected.
                        Thread.onSpinWait();
                    }
                }
            });
            load.start();
            Cases.check(some.await(Cases.WAIT_MS, TimeUnit.MILLISECONDS), "the load does not begin");
            Cases.killBroker();
            Cases.check(lost.await(Cases.WAIT_MS, TimeUnit.MILLISECONDS), "nobody notes that the broker is gone");
            Cases.check(back.await(Cases.WAIT_MS, TimeUnit.MILLISECONDS), "the connection does not come back");
            int before = answered.size();
            while (answered.size() < before + 50) {
                Cases.check(load.isAlive(), "the load ended");
                Thread.sleep(5);
            }
            isOver.set(true);
            load.join();
            Set<String> missing = new HashSet<>(answered);
            long deadline = System.nanoTime() + WAIT.toNanos();
            while (!seen.containsAll(missing)) {
                missing.removeAll(seen);
                Cases.check(System.nanoTime() < deadline, missing.size() + " of " + answered.size() + " are lost");
                Thread.sleep(5);
            }
            accepted(ownPublisher, "to the queue that is there again");
            Delivery delivery = take(got);
            Cases.same("to the queue that is there again", delivery.text());
            delivery.context.accept();
            consumer.close();
            ownConsumer.close();
            publisher.close();
            ownPublisher.close();
            management.queueDelete(queue);
        }
    }
}
