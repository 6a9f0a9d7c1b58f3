"""Applications' clients of a broker that the service made: pika, stomp.py and paho-mqtt, over TLS under the service's CA."""

import queue
import ssl

import paho.mqtt.client as mqtt
import pika
import stomp
from service import PASSWORD, WAIT_S, endpoint, equal, token

LOGIN = ("ops", PASSWORD)


def amqp(service, description, login=LOGIN):
    """A connection of pika to a RabbitMQ broker."""
    host, port = endpoint(description, "amqps")
    tls = pika.SSLOptions(ssl.create_default_context(cafile=service.ca), host)
    credentials = pika.PlainCredentials(*login)
    parameters = pika.ConnectionParameters(
        host, port, credentials=credentials, ssl_options=tls, blocked_connection_timeout=WAIT_S
    )
    return pika.BlockingConnection(parameters)


def publish_kept(channel, queue_name, body):
    """Publish a persistent message and wait for its confirm."""
    channel.confirm_delivery()
    channel.basic_publish("", queue_name, body, pika.BasicProperties(delivery_mode=2), mandatory=True)


def take(channel, queue_name):
    """The next message of a queue, settled."""
    method, _, body = channel.basic_get(queue_name, auto_ack=True)
    if method is None:
        raise AssertionError(f"{queue_name} is empty")
    return body


class Stomp(stomp.ConnectionListener):
    """One connection of stomp.py to an ActiveMQ broker, over TLS or over WebSocket."""

    def __init__(self, service, description, login=LOGIN, scheme="stomp+ssl"):
        host, port = endpoint(description, scheme)
        make = stomp.WSStompConnection if scheme == "wss" else stomp.Connection12
        self.connection = make([(host, port)], reconnect_attempts_max=1)
        self.connection.set_ssl([(host, port)], ca_certs=service.ca)
        self.messages, self.receipts, self.errors = (queue.Queue() for _ in range(3))
        self.connection.set_listener("", self)
        self.connection.connect(*login, wait=True)

    def on_message(self, frame):
        self.messages.put(frame.body)

    def on_receipt(self, frame):
        self.receipts.put(frame.headers["receipt-id"])

    def send(self, destination, body, **headers):
        """Send and wait until it is taken."""
        receipt = token()
        self.connection.send(destination, body, headers=headers, receipt=receipt)
        equal(self.receipts.get(timeout=WAIT_S), receipt, "receipt")

    def subscribe(self, destination):
        receipt = token()
        self.connection.subscribe(destination, "1", headers={"receipt": receipt})
        equal(self.receipts.get(timeout=WAIT_S), receipt, "receipt")

    def take(self):
        return self.messages.get(timeout=WAIT_S)

    def close(self):
        self.connection.disconnect(receipt=token())


class Device:
    """One MQTT client of paho-mqtt, over TLS or over WebSocket."""

    def __init__(self, service, description, login=LOGIN, scheme="mqtt+ssl"):
        host, port = endpoint(description, scheme)
        transport = "websockets" if scheme == "wss" else "tcp"
        name = f"device-{token()[:8]}"
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, name, transport=transport)
        self.client.username_pw_set(*login)
        self.client.tls_set(ca_certs=service.ca)
        if transport == "websockets":
            self.client.ws_set_options(path="/")
        self.messages, self.done = queue.Queue(), queue.Queue()
        self.client.on_message = lambda _, __, message: self.messages.put(message.payload.decode())
        self.client.on_connect = lambda _, __, ___, code, ____: self.done.put(str(code))
        self.client.on_subscribe = lambda _, __, ___, codes, ____: self.done.put([str(code) for code in codes])
        self.client.on_publish = lambda _, __, ___, code, ____: self.done.put(str(code))
        self.client.connect(host, port)
        self.client.loop_start()
        self.connected = self.done.get(timeout=WAIT_S)

    def subscribe(self, topic):
        self.client.subscribe(topic, 1)
        equal(self.done.get(timeout=WAIT_S), ["Granted QoS 1"], "SUBACK")

    def publish(self, topic, body):
        self.client.publish(topic, body, 1)
        equal(self.done.get(timeout=WAIT_S), "Success", "PUBACK")

    def take(self):
        return self.messages.get(timeout=WAIT_S)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


def is_let_in(make):
    """Whether a client can log in; it is closed again."""
    try:
        client = make()
    except (stomp.exception.ConnectFailedException, pika.exceptions.AMQPConnectionError):
        return False
    is_in = getattr(client, "connected", "Success") == "Success"
    client.close()
    return is_in
