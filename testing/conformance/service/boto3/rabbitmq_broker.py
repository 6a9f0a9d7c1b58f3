"""The life of a RabbitMQ broker, and of its messages over pika."""

import base64

from messages import LOGIN, amqp, is_let_in, publish_kept, take
from service import ACCOUNT, REGION, anew, await_gone, await_state, equal, rabbitmq, refused

UNKNOWN = "b-00000000-0000-0000-0000-000000000000"
USERS = "To manage broker users, please use the RabbitMQ web console, or the management API"


def a_rabbitmq_broker_is_made(service):
    """What is told of it, from the first moment on."""
    mq = service.client()
    made = mq.create_broker(**rabbitmq("orders", Tags={"team": "shop"}, Logs={"General": True}))
    broker = made["BrokerId"]
    equal(made["BrokerArn"], f"arn:aws:mq:{REGION}:{ACCOUNT}:broker:orders:{broker}", "ARN")
    found = mq.describe_broker(BrokerId=broker)
    if found["BrokerState"] == "CREATION_IN_PROGRESS":
        equal(found["BrokerInstances"], [], "instances of a new broker")
        equal(sorted(found["Configurations"]), ["History", "Pending"], "configurations of a new broker")
        refused(mq.reboot_broker, "BadRequestException", "broker-id", "CREATION_IN_PROGRESS", BrokerId=broker)
    found = await_state(mq, broker)
    shown = {
        "AuthenticationStrategy": "simple",
        "AutoMinorVersionUpgrade": True,
        "BrokerArn": made["BrokerArn"],
        "BrokerName": "orders",
        "DataReplicationMode": "NONE",
        "DeploymentMode": "SINGLE_INSTANCE",
        "EncryptionOptions": {"UseAwsOwnedKey": True},
        "EngineType": "RabbitMQ",
        "EngineVersion": "4.3.0",
        "HostInstanceType": "mq.m7g.medium",
        "PubliclyAccessible": False,
        "StorageType": "ebs",
        "Tags": {"team": "shop"},
        "Users": [],
        "ActionsRequired": [],
    }
    equal({name: found.get(name) for name in shown}, shown, "description")
    equal(found["Logs"], {"General": True, "GeneralLogGroup": f"/aws/amazonmq/broker/{broker}/general"}, "logs")
    equal(found["Configurations"]["Current"]["Revision"], 1, "revision")
    (instance,) = found["BrokerInstances"]
    equal([url.split("://")[0] for url in instance["Endpoints"]], ["amqps"], "endpoints")
    equal(instance["ConsoleURL"].split("://")[0], "https", "console")
    equal((len(found["SubnetIds"]), len(found["SecurityGroups"])), (1, 1), "subnets, security groups")
    service.orders = broker


def messages_over_pika(service):
    """The service's user logs in over TLS; others do not."""
    found = service.client().describe_broker(BrokerId=service.orders)
    with amqp(service, found) as connection:
        channel = connection.channel()
        channel.queue_declare("orders", durable=True)
        publish_kept(channel, "orders", b"first")
        publish_kept(channel, "orders", b"second")
        equal(take(channel, "orders"), b"first", "message")
    equal(is_let_in(lambda: amqp(service, found, ("ops", "wrong-password-1"))), False, "a wrong password is let in")
    equal(is_let_in(lambda: amqp(service, found, ("guest", "guest"))), False, "guest is let in")


def what_waits_for_a_reboot_of_rabbitmq(service):
    """Configuration, logs and instance type in calls of their own, as Terraform sends them; then all at once."""
    mq, broker = service.client(), service.orders
    configuration = mq.describe_broker(BrokerId=broker)["Configurations"]["Current"]["Id"]
    data = base64.b64encode(b"consumer_timeout = 900000\n").decode()
    updated = mq.update_configuration(ConfigurationId=configuration, Data=data, Description="slower consumers")
    equal((updated["LatestRevision"]["Revision"], updated["Warnings"]), (2, []), "revision, warnings")
    choice = {"Id": configuration, "Revision": 2}
    answer = mq.update_broker(BrokerId=broker, Configuration=choice, Logs={"General": False}, EngineVersion="4.3")
    equal((answer["BrokerId"], answer["Configuration"]), (broker, choice), "answer")
    mq.update_broker(BrokerId=broker, HostInstanceType="mq.m7g.large")
    found = mq.describe_broker(BrokerId=broker)
    equal(found["Configurations"]["Pending"], choice, "pending configuration")
    equal(found["Configurations"]["Current"]["Revision"], 1, "current revision")
    equal((found["Logs"]["General"], found["Logs"]["Pending"]), (True, {"General": False}), "logs")
    equal(
        (found["HostInstanceType"], found["PendingHostInstanceType"]),
        ("mq.m7g.medium", "mq.m7g.large"),
        "instance type",
    )
    equal("PendingEngineVersion" in found, False, "the same version is pending")
    equal(anew(mq.reboot_broker, BrokerId=broker)["ResponseMetadata"]["HTTPStatusCode"], 200, "status")
    state = mq.describe_broker(BrokerId=broker)["BrokerState"]
    equal(state in ("REBOOT_IN_PROGRESS", "RUNNING"), True, f"state is {state}")
    found = await_state(mq, broker)
    old = {"Id": configuration, "Revision": 1}
    equal(found["Configurations"], {"Current": choice, "History": [old]}, "configurations")
    equal((found["Logs"]["General"], found["Logs"].get("Pending")), (False, None), "logs")
    equal((found["HostInstanceType"], found.get("PendingHostInstanceType")), ("mq.m7g.large", None), "instance type")
    with amqp(service, found) as connection:
        equal(take(connection.channel(), "orders"), b"second", "message from before the reboot")


def what_changes_at_once(service):
    """Window, security groups; and what comes back to what it is, is no change."""
    mq, broker = service.client(), service.orders
    window = {"DayOfWeek": "TUESDAY", "TimeOfDay": "04:15", "TimeZone": "UTC"}
    answer = mq.update_broker(BrokerId=broker, MaintenanceWindowStartTime=window)
    equal(answer["MaintenanceWindowStartTime"], window, "window in the answer")
    found = mq.describe_broker(BrokerId=broker)
    equal(found["MaintenanceWindowStartTime"], window, "window")
    mq.update_broker(BrokerId=broker, SecurityGroups=found["SecurityGroups"])
    mq.update_broker(BrokerId=broker, AutoMinorVersionUpgrade=True)
    for hour in ("05:00", "06:00", "07:00"):
        mq.update_broker(BrokerId=broker, MaintenanceWindowStartTime={**window, "TimeOfDay": hour})
    often = {**window, "TimeOfDay": "08:00"}
    refused(
        mq.update_broker,
        "BadRequestException",
        "maintenanceWindowStartTime",
        "4 times",
        BrokerId=broker,
        MaintenanceWindowStartTime=often,
    )


REFUSED_UPDATES = [
    ({"AuthenticationStrategy": "LDAP"}, "authenticationStrategy"),
    ({"AutoMinorVersionUpgrade": False}, "autoMinorVersionUpgrade"),
    ({"Configuration": {"Id": "c-no"}}, "configuration_id"),
    ({"DataReplicationMode": "CRDR"}, "dataReplicationMode"),
    ({"EngineVersion": "4.2"}, "engineVersion"),
    ({"EngineVersion": "9"}, "engineVersion"),
    ({"HostInstanceType": "mq.m5.large"}, "hostInstanceType"),
    ({"Logs": {"Audit": False}}, "logs"),
    ({"MaintenanceWindowStartTime": {"DayOfWeek": "MONDAY"}}, "timeOfDay"),
    ({"ResourceShareArns": ["arn:aws:ram:us-east-1:000000000000:resource-share/x"]}, "resourceShareArns"),
    ({"SecurityGroups": []}, "securityGroups"),
    ({"SecurityGroups": ["sg-1"]}, "securityGroups"),
    ({"StorageSize": 10}, "storageSize"),
]


def refusals_of_update_broker(service):
    """Nothing is changed by any of them."""
    mq, broker = service.client(), service.orders
    before = mq.describe_broker(BrokerId=broker)
    configuration = before["Configurations"]["Current"]["Id"]
    table = [*REFUSED_UPDATES, ({"Configuration": {"Id": configuration, "Revision": 99}}, "configuration")]
    for change, attribute in table:
        code = "NotFoundException" if attribute == "configuration_id" else "BadRequestException"
        refused(mq.update_broker, code, attribute, BrokerId=broker, **change)
    after = mq.describe_broker(BrokerId=broker)
    equal(without_metadata(after), without_metadata(before), "description")


def without_metadata(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def users_of_rabbitmq_are_its_own(service):
    """All five operations say where else to go."""
    mq = service.client()
    one = {"BrokerId": service.orders, "Username": "more"}
    for call, members in [
        (mq.create_user, {**one, "Password": "correct-horse-battery"}),
        (mq.update_user, one),
        (mq.describe_user, one),
        (mq.delete_user, one),
        (mq.list_users, {"BrokerId": service.orders}),
    ]:
        refused(call, "BadRequestException", None, USERS, **members)


def versions_go_up_one_after_the_other(service):
    """3.13 on m5 to m7g, then 4.2, then 4.3; never two at once."""
    mq = service.client()
    old = rabbitmq("old", EngineVersion="3.13", HostInstanceType="mq.m5.large")
    broker = mq.create_broker(**old)["BrokerId"]
    equal(await_state(mq, broker)["EngineVersion"], "3.13.7", "version")
    refused(mq.update_broker, "BadRequestException", "hostInstanceType", BrokerId=broker, EngineVersion="4.2")
    m7g = {"BrokerId": broker, "HostInstanceType": "mq.m7g.large"}
    refused(mq.update_broker, "BadRequestException", "engineVersion", EngineVersion="4.3", **m7g)
    mq.update_broker(EngineVersion="4.2", **m7g)
    found = mq.describe_broker(BrokerId=broker)
    equal((found["EngineVersion"], found["PendingEngineVersion"]), ("3.13.7", "4.2.1"), "versions")
    mq.reboot_broker(BrokerId=broker)
    equal(await_state(mq, broker)["EngineVersion"], "4.2.1", "version")
    mq.update_broker(BrokerId=broker, EngineVersion="4.3")
    anew(mq.reboot_broker, BrokerId=broker)
    found = await_state(mq, broker)
    equal((found["EngineVersion"], found.get("PendingEngineVersion")), ("4.3.0", None), "versions")
    mq.delete_broker(BrokerId=broker)
    await_gone(mq, broker)


def a_public_rabbitmq_broker_has_no_network(service):
    """Neither subnets nor security groups."""
    mq = service.client()
    broker = mq.create_broker(**rabbitmq("public", PubliclyAccessible=True))["BrokerId"]
    found = await_state(mq, broker)
    equal((found["SubnetIds"], found["SecurityGroups"], found["PubliclyAccessible"]), ([], [], True), "network")
    with amqp(service, found, LOGIN) as connection:
        connection.channel().queue_declare("any")
    mq.delete_broker(BrokerId=broker)
    await_gone(mq, broker)


def what_is_not_there_yet_says_so(service):
    """Promote; shared resources are none."""
    mq = service.client()
    refused(mq.promote, "BadRequestException", "broker-id", "not a replica", BrokerId=service.orders, Mode="FAILOVER")
    refused(mq.promote, "BadRequestException", "mode", "Valid values", BrokerId=service.orders, Mode="UPWARDS")
    paginator = mq.get_paginator("describe_shared_resources")
    equal([page["SharedResources"] for page in paginator.paginate(BrokerId=service.orders)], [[]], "shared resources")


def unknown_brokers_are_not_found(service):
    """In every operation that names one."""
    mq = service.client()
    text = f"Can't find requested broker [{UNKNOWN}]. Make sure your broker exists."
    user = {"Username": "some", "Password": "correct-horse-battery"}
    for call, members in [
        (mq.describe_broker, {}),
        (mq.update_broker, {}),
        (mq.delete_broker, {}),
        (mq.reboot_broker, {}),
        (mq.promote, {"Mode": "SWITCHOVER"}),
        (mq.describe_shared_resources, {}),
        (mq.create_user, user),
        (mq.update_user, {"Username": "some"}),
        (mq.delete_user, {"Username": "some"}),
        (mq.describe_user, {"Username": "some"}),
        (mq.list_users, {}),
    ]:
        refused(call, "NotFoundException", "broker-id", text, BrokerId=UNKNOWN, **members)


def a_deleted_broker_is_gone(service):
    """Its clients too; its name is free and its configuration stays."""
    mq, broker = service.client(), service.orders
    found = mq.describe_broker(BrokerId=broker)
    configuration = found["Configurations"]["Current"]["Id"]
    in_use = f"Configuration [{configuration}] is in use by broker [{broker}] and can't be deleted."
    refused(mq.delete_configuration, "ConflictException", None, in_use, ConfigurationId=configuration)
    equal(mq.delete_broker(BrokerId=broker)["BrokerId"], broker, "id")
    await_gone(mq, broker)
    equal(is_let_in(lambda: amqp(service, found)), False, "a deleted broker serves")
    again = lambda **members: anew(mq.delete_broker, **members)  # noqa: E731 - a call like the others
    refused(again, "NotFoundException", "broker-id", BrokerId=broker)
    mq.delete_configuration(ConfigurationId=configuration)
    again = mq.create_broker(**rabbitmq("orders"))["BrokerId"]
    await_state(mq, again)
    mq.delete_broker(BrokerId=again)
    await_gone(mq, again)


CASES = [
    a_rabbitmq_broker_is_made,
    messages_over_pika,
    what_waits_for_a_reboot_of_rabbitmq,
    what_changes_at_once,
    refusals_of_update_broker,
    users_of_rabbitmq_are_its_own,
    versions_go_up_one_after_the_other,
    a_public_rabbitmq_broker_has_no_network,
    what_is_not_there_yet_says_so,
    unknown_brokers_are_not_found,
    a_deleted_broker_is_gone,
]
