"""The life of an ActiveMQ broker: its users, and messages over stomp.py and paho-mqtt, on TLS and WebSocket."""

from messages import LOGIN, Device, Stomp, is_let_in
from service import PASSWORD, activemq, anew, await_gone, await_state, equal, pages, refused

OTHER = "other-horse-battery"


def an_activemq_broker_is_made(service):
    """What is told of it."""
    mq = service.client()
    service.shop = mq.create_broker(**activemq("shop", Logs={"General": True, "Audit": True}, EngineVersion="5.18"))[
        "BrokerId"
    ]
    found = await_state(mq, service.shop)
    shown = {
        "EngineType": "ActiveMQ",
        "EngineVersion": "5.18.4",
        "HostInstanceType": "mq.t3.micro",
        "StorageType": "efs",
        "AuthenticationStrategy": "simple",
        "Users": [{"Username": "ops"}],
        "Tags": {},
    }
    equal({name: found.get(name) for name in shown}, shown, "description")
    group = f"/aws/amazonmq/broker/{service.shop}"
    logs = {"General": True, "GeneralLogGroup": f"{group}/general", "Audit": True, "AuditLogGroup": f"{group}/audit"}
    equal(found["Logs"], logs, "logs")
    (instance,) = found["BrokerInstances"]
    # Terraform takes them by their place.
    schemes = [url.split("://")[0] for url in instance["Endpoints"]]
    equal(schemes, ["ssl", "amqp+ssl", "stomp+ssl", "mqtt+ssl", "wss"], "endpoints in their order")
    equal(bool(instance["IpAddress"]), True, "address")


def messages_over_stomp_py_and_paho(service):
    """Each client on each transport; a topic between the two protocols."""
    found = service.client().describe_broker(BrokerId=service.shop)
    for scheme in ("stomp+ssl", "wss"):
        client = Stomp(service, found, scheme=scheme)
        client.subscribe("/queue/shop")
        client.send("/queue/shop", f"over {scheme}", persistent="true")
        equal(client.take(), f"over {scheme}", "message")
        client.close()
    listener = Stomp(service, found)
    listener.subscribe("/topic/shop.news")
    for scheme in ("mqtt+ssl", "wss"):
        device = Device(service, found, scheme=scheme)
        equal(device.connected, "Success", "CONNACK")
        device.subscribe("shop/news")
        device.publish("shop/news", f"over {scheme}")
        equal((device.take(), listener.take()), (f"over {scheme}", f"over {scheme}"), "messages")
        device.close()
    listener.close()
    for scheme in ("stomp+ssl", "mqtt+ssl", "wss"):
        kind = Device if scheme == "mqtt+ssl" else Stomp
        wrong = is_let_in(lambda kind=kind, scheme=scheme: kind(service, found, ("ops", OTHER), scheme=scheme))
        equal(wrong, False, f"a wrong password is let in over {scheme}")


def who_can_log_in(service, users):
    """Which of these logins the broker takes."""
    found = service.client().describe_broker(BrokerId=service.shop)
    return [name for name, password in users if is_let_in(lambda: Stomp(service, found, (name, password)))]


def users_of_activemq_wait_for_the_reboot(service):
    """Made, changed and deleted ones, seen by clients and in the API."""
    mq, broker = service.client(), service.shop
    one = {"BrokerId": broker, "Username": "clerk"}
    mq.create_user(**one, Password=PASSWORD, Groups=["staff", "night"], ConsoleAccess=True)
    mq.create_user(BrokerId=broker, Username="brief", Password=PASSWORD)
    equal(mq.delete_user(BrokerId=broker, Username="brief")["ResponseMetadata"]["HTTPStatusCode"], 200, "status")
    found = mq.describe_user(**one)
    pending = {"PendingChange": "CREATE", "ConsoleAccess": True, "Groups": ["staff", "night"]}
    equal((found["BrokerId"], found["Username"], found["Pending"]), (broker, "clerk", pending), "user")
    summaries = [{"PendingChange": "CREATE", "Username": "clerk"}, {"Username": "ops"}]
    equal(mq.list_users(BrokerId=broker)["Users"], summaries, "users")
    equal(mq.describe_broker(BrokerId=broker)["Users"], summaries, "users of the description")
    users = [("clerk", PASSWORD), ("clerk", OTHER), LOGIN, ("brief", PASSWORD)]
    equal(who_can_log_in(service, users), ["ops"], "logins before the reboot")
    mq.reboot_broker(BrokerId=broker)
    await_state(mq, broker)
    equal(who_can_log_in(service, users), ["clerk", "ops"], "logins after the reboot")
    found = mq.describe_user(**one)
    equal((found["ConsoleAccess"], found["Groups"], found.get("Pending")), (True, ["staff", "night"], None), "user")
    mq.update_user(**one, Password=OTHER, Groups=["staff"])
    pending = mq.describe_user(**one)["Pending"]
    equal(pending, {"PendingChange": "UPDATE", "ConsoleAccess": True, "Groups": ["staff"]}, "pending")
    equal(who_can_log_in(service, [("clerk", OTHER)]), [], "a new password before the reboot")
    anew(mq.reboot_broker, BrokerId=broker)
    await_state(mq, broker)
    equal(who_can_log_in(service, [("clerk", PASSWORD)]), [], "an old password after the reboot")
    equal(who_can_log_in(service, [("clerk", OTHER)]), ["clerk"], "a new password after the reboot")
    mq.delete_user(**one)
    equal(mq.describe_user(**one)["Pending"]["PendingChange"], "DELETE", "pending")
    equal(who_can_log_in(service, [("clerk", OTHER)]), ["clerk"], "a user to be deleted before the reboot")
    anew(mq.reboot_broker, BrokerId=broker)
    await_state(mq, broker)
    equal(who_can_log_in(service, [("clerk", OTHER), LOGIN]), ["ops"], "logins at the end")
    refused(mq.describe_user, "NotFoundException", "username", "Can't find requested user [clerk].", **one)


def refusals_about_users(service):
    """Names, passwords, groups, unknown and known ones."""
    mq, broker = service.client(), service.shop
    good = {"BrokerId": broker, "Username": "fine", "Password": PASSWORD}
    for change, attribute in [
        ({"Username": "x"}, "username"),
        ({"Username": "x" * 101}, "username"),
        ({"Username": "a b"}, "username"),
        ({"Username": "a,b"}, "username"),
        ({"Password": "short"}, "password"),
        ({"Password": "x" * 251}, "password"),
        ({"Password": "with:colon:inside"}, "password"),
        ({"Groups": ["x"]}, "groups"),
        ({"Groups": ["ok"] * 21}, "groups"),
        ({"Groups": ["not good"]}, "groups"),
        ({"ReplicationUser": True}, "replicationUser"),
    ]:
        refused(mq.create_user, "BadRequestException", attribute, **{**good, **change})
        if attribute != "username":
            refused(mq.update_user, "BadRequestException", attribute, **{**good, "Username": "ops", **change})
    refused(mq.create_user, "ConflictException", "username", "exists already", **{**good, "Username": "ops"})
    text = "Can't find requested user [nobody]. Make sure your user exists."
    for call in (mq.update_user, mq.delete_user, mq.describe_user):
        refused(call, "NotFoundException", "username", text, BrokerId=broker, Username="nobody")
    equal(mq.list_users(BrokerId=broker)["Users"], [{"Username": "ops"}], "users")


def users_come_in_pages(service):
    """By the next token; and the logs of the broker are changed at a reboot."""
    mq, broker = service.client(), service.shop
    for name in ("user-a", "user-b", "user-c", "user-d"):
        mq.create_user(BrokerId=broker, Username=name, Password=PASSWORD)
    found, count = pages(mq.list_users, "Users", 2, BrokerId=broker)
    equal(([user["Username"] for user in found], count), (["ops", "user-a", "user-b", "user-c", "user-d"], 3), "users")
    answer = mq.list_users(BrokerId=broker)
    equal((answer["BrokerId"], answer["MaxResults"]), (broker, 20), "answer")
    refused(mq.list_users, "BadRequestException", "nextToken", BrokerId=broker, NextToken="!")
    mq.update_broker(BrokerId=broker, Logs={"Audit": False, "General": True}, EngineVersion="5.19")
    found = mq.describe_broker(BrokerId=broker)
    equal((found["Logs"]["Audit"], found["Logs"]["Pending"]["Audit"]), (True, False), "logs")
    equal(found["PendingEngineVersion"], "5.19.1", "pending version")
    anew(mq.reboot_broker, BrokerId=broker)
    found = await_state(mq, broker)
    equal((found["Logs"]["Audit"], found["EngineVersion"]), (False, "5.19.1"), "logs, version")
    mq.delete_broker(BrokerId=broker)
    await_gone(mq, broker)


def an_activemq_broker_without_users(service):
    """They are optional at creation."""
    mq = service.client()
    broker = mq.create_broker(**{name: value for name, value in activemq("alone").items() if name != "Users"})[
        "BrokerId"
    ]
    equal(await_state(mq, broker)["Users"], [], "users")
    mq.create_user(BrokerId=broker, Username="late", Password=PASSWORD)
    mq.reboot_broker(BrokerId=broker)
    found = await_state(mq, broker)
    equal(is_let_in(lambda: Stomp(service, found, ("late", PASSWORD))), True, "login")
    mq.delete_broker(BrokerId=broker)
    await_gone(mq, broker)


CASES = [
    an_activemq_broker_is_made,
    messages_over_stomp_py_and_paho,
    users_of_activemq_wait_for_the_reboot,
    refusals_about_users,
    users_come_in_pages,
    an_activemq_broker_without_users,
]
