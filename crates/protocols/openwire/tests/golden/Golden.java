import java.io.IOException;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.jms.JMSException;
import org.apache.activemq.command.*;
import org.apache.activemq.openwire.OpenWireFormat;
import org.apache.activemq.util.ByteSequence;

/**
 * Writes what ActiveMQ's own client makes of every structure: encoding, name of the structure, versions, its frame in
 * hexadecimal digits. The lines of one version and encoding, in their order, are one stream, so that what is remembered on
 * the way comes first. The value of every field is made from the field's name, so that a reader that mixes fields up is
 * noticed.
 *
 * With Debian's libactivemq-java in the class path: java Golden > golden.txt
 */
public final class Golden {
    private static final Class<?>[] KINDS = {
        WireFormatInfo.class, BrokerInfo.class, ConnectionInfo.class, SessionInfo.class, ConsumerInfo.class,
        ProducerInfo.class, TransactionInfo.class, DestinationInfo.class, RemoveSubscriptionInfo.class,
        KeepAliveInfo.class, ShutdownInfo.class, RemoveInfo.class, ControlCommand.class, FlushCommand.class,
        ConnectionError.class, ConsumerControl.class, ConnectionControl.class, ProducerAck.class,
        MessagePull.class, MessageDispatch.class, MessageAck.class, ActiveMQMessage.class,
        ActiveMQBytesMessage.class, ActiveMQMapMessage.class, ActiveMQObjectMessage.class,
        ActiveMQStreamMessage.class, ActiveMQTextMessage.class, ActiveMQBlobMessage.class, Response.class,
        ExceptionResponse.class, DataResponse.class, DataArrayResponse.class, IntegerResponse.class,
        DiscoveryEvent.class, SubscriptionInfo.class, PartialCommand.class, LastPartialCommand.class,
        ReplayCommand.class, MessageDispatchNotification.class, NetworkBridgeFilter.class,
        BrokerSubscriptionInfo.class, ActiveMQQueue.class, ActiveMQTopic.class, ActiveMQTempQueue.class,
        ActiveMQTempTopic.class, MessageId.class, LocalTransactionId.class, XATransactionId.class,
        ConnectionId.class, SessionId.class, ConsumerId.class, ProducerId.class, BrokerId.class,
    };

    /** Frames by their order in a stream, with the versions that have them. */
    private static final Map<String, List<String>> LINES = new TreeMap<>();

    public static void main(String[] arguments) throws Exception {
        for (int version = 1; version <= 12; version++) {
            for (String encoding : new String[] {"loose", "loose-cache", "tight", "tight-cache"}) {
                OpenWireFormat format = new OpenWireFormat(version);
                format.setStackTraceEnabled(false);
                format.setTightEncodingEnabled(encoding.startsWith("tight"));
                format.setSizePrefixDisabled(false);
                if (encoding.endsWith("cache")) {
                    renew(format, version, encoding.startsWith("tight"));
                } else {
                    format.setCacheEnabled(false);
                }
                for (int place = 0; place < KINDS.length; place++) {
                    line(format, version, encoding, place);
                }
            }
        }
        for (Map.Entry<String, List<String>> line : LINES.entrySet()) {
            String[] words = line.getKey().split(" ");
            System.out.println(words[0] + " " + words[2] + " " + String.join(",", line.getValue()) + " " + words[3]);
        }
    }

    private static void renew(OpenWireFormat format, int version, boolean isTight) throws Exception {
        WireFormatInfo info = new WireFormatInfo();
        info.setVersion(version);
        info.setTightEncodingEnabled(isTight);
        info.setCacheEnabled(true);
        info.setCacheSize(1024);
        info.setMaxFrameSize(1 << 20);
        format.setPreferedWireFormatInfo(info);
        WireFormatInfo other = new WireFormatInfo();
        other.setVersion(version);
        other.setTightEncodingEnabled(isTight);
        other.setCacheEnabled(true);
        other.setCacheSize(1024);
        other.setMaxFrameSize(1 << 20);
        format.renegotiateWireFormat(other);
    }

    private static void line(OpenWireFormat format, int version, String encoding, int place) throws Exception {
        DataStructure structure = (DataStructure) filled(KINDS[place], 0);
        ByteSequence bytes;
        try {
            bytes = format.marshal(structure);
        } catch (IOException refused) {
            // The version does not have it.
            if (refused.getMessage().startsWith("Unknown data type")) {
                return;
            }
            throw refused;
        }
        StringBuilder digits = new StringBuilder();
        for (int i = 0; i < bytes.getLength(); i++) {
            digits.append(String.format("%02x", bytes.getData()[bytes.getOffset() + i]));
        }
        String key = String.format("%s %03d %s %s", encoding, place, KINDS[place].getSimpleName(), digits);
        LINES.computeIfAbsent(key, none -> new ArrayList<>()).add(Integer.toString(version));
    }

    private static Object filled(Class<?> kind, int depth) throws Exception {
        if (kind == WireFormatInfo.class) {
            return offer();
        }
        Object object = made(kind);
        Method[] methods = kind.getMethods();
        Arrays.sort(methods, Comparator.comparing(Method::getName).thenComparing(Method::toString));
        for (Method method : methods) {
            String name = method.getName();
            boolean isSetter = name.startsWith("set") && method.getParameterCount() == 1;
            if (!isSetter || isOther(kind, name, method.getParameterTypes()[0])) {
                continue;
            }
            Object value = value(name.substring(3), method.getParameterTypes()[0], depth);
            if (value != null) {
                method.invoke(object, value);
            }
        }
        return object;
    }

    private static Object offer() throws Exception {
        WireFormatInfo info = new WireFormatInfo();
        info.setVersion(12);
        info.setTightEncodingEnabled(true);
        info.setCacheEnabled(true);
        info.setCacheSize(1024);
        info.setMaxInactivityDuration(30000);
        info.setMaxInactivityDurationInitalDelay(10000);
        info.setMaxFrameSize(Long.MAX_VALUE);
        info.setProviderName("ActiveMQ");
        return info;
    }

    private static Object made(Class<?> kind) throws Exception {
        return kind.getConstructor().newInstance();
    }

    /** Setters of what does not travel, or of what other setters set too. */
    private static boolean isOther(Class<?> kind, String name, Class<?> type) {
        if (name.startsWith("setJMS") && !name.equals("setJMSXGroupFirstForConsumer")) {
            return true;
        }
        if (kind == MessageId.class && name.equals("setValue")) {
            return true;
        }
        switch (name) {
            case "setProperties":
            case "setText":
            case "setObject":
            case "setMemoryUsage":
            case "setRegionDestination":
            case "setConnection":
            case "setFrom":
            case "setTo":
            case "setURL":
            case "setCompositeDestinations":
            case "setReadOnlyBody":
            case "setReadOnlyProperties":
            case "setReferenceCount":
            case "setTransformation":
            case "setKey":
            case "setPassiveSlave":
            case "setNetworkTTL":
            case "setMessageID":
                return true;
            default:
                return false;
        }
    }

    private static Object value(String name, Class<?> type, int depth) throws Exception {
        int sum = 0;
        for (char letter : name.toCharArray()) {
            sum = sum * 31 + letter;
        }
        if (type == boolean.class) {
            return sum % 2 == 0;
        } else if (type == byte.class) {
            return (byte) Math.floorMod(sum, 10);
        } else if (type == int.class) {
            return sum;
        } else if (type == long.class) {
            long[] sizes = {0, 7, 0xbeef, 0xcafebabeL, -5, 1L << 40};
            return sizes[(sum & 0xffff) % sizes.length];
        } else if (type == String.class) {
            return sum % 3 == 0 ? name : name + "\u0000\u00e9\u20ac\ud83d\ude00";
        } else if (type == byte[].class) {
            return name.getBytes("UTF-8");
        } else if (type == ByteSequence.class) {
            return new ByteSequence(name.getBytes("UTF-8"));
        } else if (type == Throwable.class) {
            return new JMSException(name);
        } else if (type == BrokerInfo[].class || depth > 2) {
            return null;
        } else if (type.isArray() && DataStructure.class.isAssignableFrom(type.getComponentType())) {
            Class<?> part = type.getComponentType() == DataStructure.class ? BrokerId.class : type.getComponentType();
            Object array = Array.newInstance(type.getComponentType(), 2);
            Array.set(array, 0, filled(part, depth + 1));
            return array;
        } else if (type == ActiveMQDestination.class) {
            return new ActiveMQQueue(name);
        } else if (type == TransactionId.class) {
            return sum % 2 == 0 ? filled(LocalTransactionId.class, depth + 1) : filled(XATransactionId.class, depth + 1);
        } else if (type == Message.class) {
            return filled(ActiveMQTextMessage.class, depth + 1);
        } else if (type == DataStructure.class) {
            return filled(ConnectionId.class, depth + 1);
        } else if (DataStructure.class.isAssignableFrom(type) && !type.isInterface()) {
            return filled(type, depth + 1);
        }
        return null;
    }
}
