"""Users of brokers who are bound to IAM users: what their policies say about messages, seen by applications' clients."""

import base64
import json
import ssl
import urllib.error
import urllib.request

import pika
from authorisation import document
from messages import LOGIN, Device, Stomp, amqp, is_let_in
from service import (
    WAIT_S,
    activemq,
    anew,
    await_gone,
    await_state,
    await_that,
    equal,
    rabbitmq,
    token,
)


def outcome(connection, act):
    """Does something on a channel of an open connection: `done`, or the code of the error."""
    channel = connection.channel()
    try:
        act(channel)
    except pika.exceptions.ChannelClosedByBroker as error:
        return error.reply_code
    channel.close()
    return "done"


def publishing(queue, exchange=""):
    """Publishes to a queue, or with a key to an exchange, and waits for the confirm."""

    def act(channel):
        channel.confirm_delivery()
        channel.basic_publish(exchange, queue, b"x")

    return act


def fetching(queue):
    return lambda channel: channel.basic_get(queue, auto_ack=True)


def becomes(look, wanted, what):
    """Wait until it is so: brokers are told of a change right after it was answered."""
    await_that(lambda: look() == wanted, f"{what} is {wanted}")


def management(service, description):
    """Status of the broker's management API for its user."""
    url = description["BrokerInstances"][0]["ConsoleURL"]
    login = base64.b64encode(":".join(LOGIN).encode()).decode()
    request = urllib.request.Request(f"{url}/api/whoami", headers={"Authorization": f"Basic {login}"})
    try:
        context = ssl.create_default_context(cafile=service.ca)
        with urllib.request.urlopen(request, timeout=WAIT_S, context=context) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def policies_decide_about_messages_of_rabbitmq(service):
    """Bind, allow, change, deny and free, all on one connection of pika that stays open."""
    mq, iam = service.client(), service.client("iam")
    made = mq.create_broker(**rabbitmq("bound", Tags={"stage": "test"}))
    broker, arn = made["BrokerId"], made["BrokerArn"]
    found = await_state(mq, broker)
    connection = amqp(service, found)
    for queue in ("orders", "pay"):
        equal(outcome(connection, lambda channel, queue=queue: channel.queue_declare(queue)), "done", "declared")
    for _ in range(2):
        equal(outcome(connection, publishing("pay")), "done", "publishing by a free user")
    equal(management(service, found), 200, "management API of a free user")

    tag = {"Key": f"mq:broker-user/{broker}", "Value": "ops"}
    iam.create_user(UserName="app", Tags=[tag])
    becomes(lambda: outcome(connection, publishing("orders")), 403, "publishing by who is granted nothing")
    equal(management(service, found), 401, "management API of a bound user")
    equal(is_let_in(lambda: amqp(service, found)), False, "it is let in")

    def put(*statements):
        iam.put_user_policy(UserName="app", PolicyName="own", PolicyDocument=document(*statements))

    put(
        ("Allow", "mq:Connect", f"{arn}/vhost/%2F"),
        ("Allow", "mq:SendMessage", [f"{arn}/queue/%2F/ord*", f"{arn}/exchange/%2F/amq.topic", f"{arn}/topic/*/eu.?"]),
        ("Allow", "mq:ReceiveMessage", f"{arn}/queue/%2F/pay", {"StringEquals": {"aws:ResourceTag/stage": "test"}}),
    )
    becomes(lambda: outcome(connection, publishing("orders")), "done", "publishing to orders")
    equal(is_let_in(lambda: amqp(service, found)), True, "it is let in")
    for act, wanted in [
        (publishing("pay"), 403),
        (fetching("pay"), "done"),
        (fetching("orders"), 403),
        (publishing("eu.x", "amq.topic"), "done"),
        (publishing("us.x", "amq.topic"), 403),
        (publishing("", "amq.fanout"), 403),
        (lambda channel: channel.queue_declare("more"), 403),
        (lambda channel: channel.queue_delete("orders"), 403),
    ]:
        equal(outcome(connection, act), wanted, "outcome")
    messages = connection.channel().consume("pay", auto_ack=True)
    equal(next(messages)[2], b"x", "message")

    # What is only known when a message is sent never allows, and always denies.
    put(("Allow", "mq:*", "*"), ("Deny", "mq:SendMessage", f"{arn}/queue/*", {"Bool": {"aws:SecureTransport": "false"}}))
    becomes(lambda: outcome(connection, fetching("orders")), "done", "fetching from orders")
    equal(outcome(connection, publishing("orders")), 403, "publishing that a condition denies")
    equal(management(service, found), 200, "management API by mq:AdministerBroker")
    put(("Allow", "mq:*", "*", {"StringEquals": {"aws:ResourceTag/stage": "live"}}))
    becomes(lambda: outcome(connection, publishing("orders")), 403, "publishing to a broker of another stage")
    equal(next(messages, "ended"), "ended", "what follows for a consumer that is not granted any more")
    mq.create_tags(ResourceArn=arn, Tags={"stage": "live"})
    becomes(lambda: outcome(connection, publishing("orders")), "done", "publishing to a broker of that stage")

    iam.create_user(UserName="other", Tags=[tag])
    becomes(lambda: outcome(connection, publishing("orders")), 403, "publishing by who is claimed twice")
    iam.delete_user(UserName="other")
    becomes(lambda: outcome(connection, publishing("orders")), "done", "publishing by who is claimed once")
    iam.delete_user_policy(UserName="app", PolicyName="own")
    becomes(lambda: outcome(connection, publishing("orders")), 403, "publishing without a policy")
    iam.untag_user(UserName="app", TagKeys=[tag["Key"]])
    becomes(lambda: outcome(connection, publishing("orders")), "done", "publishing by who is free")
    connection.close()
    iam.delete_user(UserName="app")
    mq.delete_broker(BrokerId=broker)
    await_gone(mq, broker)


def grants_outlive_the_service_and_the_broker(service):
    """The service dies with a change not told yet, or told; the broker goes on with what it knows, over a reboot too."""
    mq, iam = service.client(), service.client("iam")
    broker = mq.create_broker(**rabbitmq("kept"))["BrokerId"]
    found = await_state(mq, broker)
    iam.create_user(UserName="kept", Tags=[{"Key": f"mq:broker-user/{broker}", "Value": "ops"}])
    policy = document(("Allow", ["mq:Connect", "mq:CreateDestination"], "*"))
    iam.put_user_policy(UserName="kept", PolicyName="own", PolicyDocument=policy)
    service.kill()
    service.start()
    mq, iam = service.client(), service.client("iam")
    becomes(lambda: management(service, found), 401, "management API of a bound user")
    connection = await_that(lambda: let_in(service, found), "it is let in")
    equal(outcome(connection, lambda channel: channel.queue_declare("q", durable=True)), "done", "declared")
    equal(outcome(connection, publishing("q")), 403, "publishing")
    connection.close()
    anew(mq.reboot_broker, BrokerId=broker)
    found = await_state(mq, broker)
    with amqp(service, found) as connection:
        equal(outcome(connection, publishing("q")), 403, "publishing after a reboot")
    iam.delete_user_policy(UserName="kept", PolicyName="own")
    iam.delete_user(UserName="kept")
    becomes(lambda: management(service, found), 200, "management API of a free user")
    mq.delete_broker(BrokerId=broker)
    await_gone(mq, broker)


def let_in(service, found):
    try:
        return amqp(service, found)
    except pika.exceptions.AMQPConnectionError:
        return None


def policies_decide_about_messages_of_activemq(service):
    """The same over paho-mqtt and stomp.py; each is refused as its protocol refuses."""
    mq, iam = service.client(), service.client("iam")
    made = mq.create_broker(**activemq("bound"))
    broker, arn = made["BrokerId"], made["BrokerArn"]
    found = await_state(mq, broker)
    iam.create_user(UserName="device", Tags=[{"Key": f"mq:broker-user/{broker}", "Value": "ops"}])
    policy = document(
        ("Allow", "mq:Connect", arn),
        ("Allow", ["mq:SendMessage", "mq:ReceiveMessage"], f"{arn}/topic/plant.*"),
        ("Allow", ["mq:CreateDestination", "mq:SendMessage"], f"{arn}/queue/in"),
    )
    iam.put_user_policy(UserName="device", PolicyName="own", PolicyDocument=policy)

    def is_refused():
        """Whether a message to a topic that is not granted ends the connection."""
        device = Device(service, found)
        if device.connected != "Success":
            return None
        device.client.on_disconnect = lambda *_: device.done.put("closed")
        device.client.publish("office/a", "x", 1)
        ending = device.done.get(timeout=WAIT_S)
        device.close()
        return ending

    becomes(is_refused, "closed", "what follows a message that is not granted")
    device = Device(service, found)
    device.subscribe("plant/a")
    device.publish("plant/a", "granted")
    equal(device.take(), "granted", "message")
    device.close()
    client = Stomp(service, found)
    client.send("/queue/in", "granted")
    errors = client.errors
    client.on_error = lambda frame: errors.put(frame.body)
    client.connection.send("/queue/out", "x", receipt=token())
    wanted = "User ops is not authorized to create: queue://out"
    equal(errors.get(timeout=WAIT_S) in (wanted, wanted.replace("create", "write to")), True, "ERROR")
    iam.delete_user_policy(UserName="device", PolicyName="own")
    iam.delete_user(UserName="device")
    mq.delete_broker(BrokerId=broker)
    await_gone(mq, broker)


def tags_that_bind_nobody_are_refused(service):
    """The key names a broker by its id, the value a user."""
    iam = service.client("iam")
    iam.create_user(UserName="nobody")
    for tag in (
        {"Key": "mq:broker-user/orders", "Value": "ops"},
        {"Key": "mq:broker-user/B-00000000-0000-0000-0000-000000000000", "Value": "ops"},
        {"Key": "mq:broker-user/b-00000000-0000-0000-0000-000000000000", "Value": ""},
    ):
        try:
            iam.tag_user(UserName="nobody", Tags=[tag])
        except iam.exceptions.ClientError as error:
            equal(error.response["Error"]["Code"], "ValidationError", json.dumps(tag))
        else:
            raise AssertionError(f"{tag} was taken")
    iam.delete_user(UserName="nobody")


CASES = [
    policies_decide_about_messages_of_rabbitmq,
    grants_outlive_the_service_and_the_broker,
    policies_decide_about_messages_of_activemq,
    tags_that_bind_nobody_are_refused,
]
