import jakarta.jms.ConnectionFactory;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.Session;
import jakarta.jms.TextMessage;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jms.JmsException;
import org.springframework.jms.annotation.EnableJms;
import org.springframework.jms.annotation.JmsListener;
import org.springframework.jms.config.DefaultJmsListenerContainerFactory;
import org.springframework.jms.connection.CachingConnectionFactory;
import org.springframework.jms.core.JmsTemplate;
import org.springframework.messaging.handler.annotation.SendTo;

/**
 * An application of Spring's: transacted listeners of one to three consumers, a queue of orders with poison in it, answers,
 * a durable subscription, and a broker that is killed under all of it.
 */
public final class Scenario {
    private static final int WAIT_MS = Cases.WAIT_MS;
    private static final String URL = "tcp://127.0.0.1:61616";
    private static final String DEAD_LETTERS = "ActiveMQ.DLQ";
    private static final int REDELIVERIES = 2;
    private static final int ORDERS = 200;

    /** What the listeners have seen. */
    private static final class Seen {
        static final LinkedBlockingQueue<String> ORDERS = new LinkedBlockingQueue<>();
        static final LinkedBlockingQueue<String> NEWS = new LinkedBlockingQueue<>();
        static final ConcurrentHashMap<String, AtomicInteger> TRIES = new ConcurrentHashMap<>();
        static final Set<String> THREADS = ConcurrentHashMap.newKeySet();

        private Seen() {
        }
    }

    /** The application. */
    @Configuration
    @EnableJms
    public static class Application {
        @Bean
        ActiveMQConnectionFactory broker() {
            ActiveMQConnectionFactory factory = new ActiveMQConnectionFactory("guest", "guest", URL);
            factory.getRedeliveryPolicy().setMaximumRedeliveries(REDELIVERIES);
            factory.getRedeliveryPolicy().setInitialRedeliveryDelay(1);
            factory.getRedeliveryPolicy().setRedeliveryDelay(1);
            return factory;
        }

        @Bean
        JmsTemplate template(ActiveMQConnectionFactory broker) {
            JmsTemplate template = new JmsTemplate(new CachingConnectionFactory(broker));
            template.setReceiveTimeout(WAIT_MS);
            return template;
        }

        private static DefaultJmsListenerContainerFactory listening(ConnectionFactory broker) {
            DefaultJmsListenerContainerFactory factory = new DefaultJmsListenerContainerFactory();
            factory.setConnectionFactory(broker);
            factory.setSessionTransacted(true);
            factory.setRecoveryInterval(100L);
            return factory;
        }

        @Bean
        DefaultJmsListenerContainerFactory queues(ActiveMQConnectionFactory broker) {
            DefaultJmsListenerContainerFactory factory = listening(broker);
            factory.setConcurrency("1-3");
            return factory;
        }

        @Bean
        DefaultJmsListenerContainerFactory topics(ActiveMQConnectionFactory broker) {
            DefaultJmsListenerContainerFactory factory = listening(broker);
            factory.setPubSubDomain(true);
            factory.setSubscriptionDurable(true);
            factory.setClientId("spring");
            return factory;
        }

        @Bean
        Listeners listeners() {
            return new Listeners();
        }
    }

    /** Its business. */
    public static class Listeners {
        @JmsListener(destination = "spring.orders", containerFactory = "queues")
        public void order(String order) {
            Seen.THREADS.add(Thread.currentThread().getName());
            Seen.TRIES.computeIfAbsent(order, key -> new AtomicInteger()).incrementAndGet();
            if (order.startsWith("poison")) {
                throw new IllegalArgumentException(order);
            }
            Seen.ORDERS.add(order);
        }

        @JmsListener(destination = "spring.requests", containerFactory = "queues")
        @SendTo("spring.answers")
        public String answer(String question) {
            return "re: " + question;
        }

        @JmsListener(destination = "spring.news", containerFactory = "topics", subscription = "reader")
        public void news(String item) {
            Seen.NEWS.add(item);
        }
    }

    private final AnnotationConfigApplicationContext context;
    private final JmsTemplate template;

    private Scenario(AnnotationConfigApplicationContext context) {
        this.context = context;
        template = context.getBean(JmsTemplate.class);
    }

    public static void main(String[] arguments) throws Exception {
        Logger quiet = Logger.getLogger("org.springframework");
        quiet.setLevel(Level.OFF);
        Cases cases = new Cases(Set.of());
        try (AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext(Application.class)) {
            Scenario scenario = new Scenario(context);
            cases.run("concurrent listeners see every order once", scenario::orders);
            cases.run("poison is tried again and goes to the dead letters", scenario::poison);
            cases.run("what a listener gives is sent", scenario::answers);
            cases.run("a template sends and receives in a transaction", scenario::template);
            cases.run("a durable subscription", scenario::news);
            cases.run("listeners go on after kill -9", scenario::killed);
        }
        cases.run("orders wait while the application is away", Scenario::away);
        System.exit(0);
    }

    private static Set<String> names(String start, int count) {
        Set<String> names = new HashSet<>();
        for (int i = 0; i < count; i++) {
            names.add(start + i);
        }
        return names;
    }

    /** Every one of them comes; what was seen before is no matter. */
    private static void await(LinkedBlockingQueue<String> seen, Set<String> wanted) throws InterruptedException {
        Set<String> missing = new HashSet<>(wanted);
        while (!missing.isEmpty()) {
            String found = seen.poll(WAIT_MS, TimeUnit.MILLISECONDS);
            Cases.check(found != null, missing.size() + " of " + wanted.size() + " are missing");
            missing.remove(found);
        }
    }

    private void orders() throws Exception {
        Set<String> orders = names("order", ORDERS);
        orders.forEach(order -> template.convertAndSend("spring.orders", order));
        await(Seen.ORDERS, orders);
        Cases.check(orders.stream().allMatch(order -> Seen.TRIES.get(order).get() == 1), "one came twice");
        Cases.check(Seen.THREADS.size() <= 3, "more than three consumers");
    }

    private void poison() throws Exception {
        String poison = Cases.name("poison").substring("java.".length());
        template.convertAndSend("spring.orders", poison);
        template.convertAndSend("spring.orders", "behind it");
        await(Seen.ORDERS, Set.of("behind it"));
        // Others may have left dead letters too.
        Object dead = template.receiveAndConvert(DEAD_LETTERS);
        while (dead != null && !dead.equals(poison)) {
            dead = template.receiveAndConvert(DEAD_LETTERS);
        }
        Cases.same(poison, dead);
        Cases.same(1 + REDELIVERIES, Seen.TRIES.get(poison).get());
    }

    private void answers() {
        template.convertAndSend("spring.requests", "why");
        Cases.same("re: why", template.receiveAndConvert("spring.answers"));
        Message answer = template.sendAndReceive("spring.requests", session -> session.createTextMessage("how"));
        Cases.same("re: how", text(answer));
    }

    private static String text(Message message) {
        try {
            Cases.check(message != null, "no message came");
            return ((TextMessage) message).getText();
        } catch (JMSException problem) {
            throw new AssertionError(problem);
        }
    }

    private void template() {
        JmsTemplate transacted = new JmsTemplate(template.getConnectionFactory());
        transacted.setSessionTransacted(true);
        transacted.setReceiveTimeout(WAIT_MS);
        transacted.execute((Session session) -> {
            session.createProducer(session.createQueue("spring.plain")).send(session.createTextMessage("undone"));
            session.rollback();
            return null;
        });
        transacted.convertAndSend("spring.plain", "done", message -> {
            message.setIntProperty("n", 3);
            return message;
        });
        Cases.same("done", text(transacted.receiveSelected("spring.plain", "n = 3")));
        List<String> left = template.browse("spring.plain", (session, browser) -> {
            List<String> found = Collections.list((java.util.Enumeration<?>) browser.getEnumeration()).stream()
                    .map(message -> text((Message) message)).toList();
            return found;
        });
        Cases.same(List.of(), left);
    }

    private JmsTemplate publishing() {
        JmsTemplate publishing = new JmsTemplate(template.getConnectionFactory());
        publishing.setPubSubDomain(true);
        return publishing;
    }

    private void news() throws Exception {
        publishing().convertAndSend("spring.news", "first");
        await(Seen.NEWS, Set.of("first"));
    }

    private void killed() throws Exception {
        Set<String> answered = Collections.synchronizedSet(new HashSet<>());
        AtomicBoolean isOver = new AtomicBoolean();
        CountDownLatch some = new CountDownLatch(20);
        CountDownLatch again = new CountDownLatch(1);
        AtomicBoolean isBack = new AtomicBoolean();
        Thread load = new Thread(() -> {
            for (int i = 0; !isOver.get(); i++) {
                try {
                    template.convertAndSend("spring.orders", "killed" + i);
                    answered.add("killed" + i);
                    some.countDown();
                    if (isBack.get()) {
                        again.countDown();
                    }
                } catch (JmsException expected) {
                    // The broker is away; whether this one is there nobody can know.
                    Thread.onSpinWait();
                }
            }
        });
        load.start();
        Cases.check(some.await(WAIT_MS, TimeUnit.MILLISECONDS), "the load does not begin");
        Cases.killBroker();
        isBack.set(true);
        Cases.check(again.await(WAIT_MS, TimeUnit.MILLISECONDS), "the load does not go on");
        isOver.set(true);
        load.join();
        await(Seen.ORDERS, answered);
        publishing().convertAndSend("spring.news", "after");
        await(Seen.NEWS, Set.of("after"));
    }

    private static void away() throws Exception {
        ActiveMQConnectionFactory factory = new ActiveMQConnectionFactory("guest", "guest", URL);
        JmsTemplate template = new JmsTemplate(factory);
        Set<String> orders = names("away", 10);
        orders.forEach(order -> template.convertAndSend("spring.orders", order));
        JmsTemplate publishing = new JmsTemplate(factory);
        publishing.setPubSubDomain(true);
        publishing.convertAndSend("spring.news", "while away");
        try (AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext(Application.class)) {
            Cases.check(context.isRunning(), "the application runs");
            await(Seen.ORDERS, orders);
            await(Seen.NEWS, Set.of("while away"));
        }
    }
}
