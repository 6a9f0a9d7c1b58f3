"""CreateBroker: what is refused and why, case rules, unknown members, idempotency."""

import json
import urllib.request

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from service import PASSWORD, REGION, activemq, await_gone, await_state, equal, rabbitmq, refused, token

KEY = "arn:aws:kms:us-east-1:000000000000:key/x"
ELSEWHERE = {"DayOfWeek": "MONDAY", "TimeOfDay": "12:00", "TimeZone": "Mars/Olympus"}


def user(name="ops", password=PASSWORD, **more):
    return [{"Username": name, "Password": password, **more}]


# What is changed in an input that is good, the attribute that the error names, and a part of its text.
REFUSED_RABBITMQ = [
    ({"BrokerName": "a.b"}, "brokerName", "Broker name [a.b]"),
    ({"BrokerName": ""}, "brokerName", ""),
    ({"BrokerName": "x" * 51}, "brokerName", ""),
    ({"BrokerName": "caf\u00e9"}, "brokerName", ""),
    ({"BrokerName": None}, "brokerName", "required"),
    ({"EngineType": "KAFKA"}, "engineType", "Valid values: [ACTIVEMQ, RABBITMQ]"),
    ({"DeploymentMode": None}, "deploymentMode", "required"),
    ({"DeploymentMode": "DOUBLE"}, "deploymentMode", "Valid values"),
    ({"DeploymentMode": "ACTIVE_STANDBY_MULTI_AZ"}, "deploymentMode", "does not support"),
    ({"DeploymentMode": "CLUSTER_MULTI_AZ"}, "deploymentMode", "not there yet"),
    (
        {"EngineVersion": "3.13.7"},
        "engineVersion",
        "Broker engine version [3.13.7] is invalid for broker engine type [RABBITMQ]. Valid values: [4.3, 4.2, 3.13].",
    ),
    (
        {"HostInstanceType": "mq.t3.micro"},
        "hostInstanceType",
        "Broker engine type [RabbitMQ] does not support host instance type [mq.t3.micro].",
    ),
    ({"HostInstanceType": "mq.m5.large"}, "hostInstanceType", "mq.m5.large"),
    (
        {"AutoMinorVersionUpgrade": False},
        "autoMinorVersionUpgrade",
        "Brokers on [RabbitMQ] version [4.3] must have [autoMinorVersionUpgrade] set to [true].",
    ),
    ({"AuthenticationStrategy": "LDAP"}, "authenticationStrategy", "does not support"),
    ({"AuthenticationStrategy": "CONFIG_MANAGED"}, "authenticationStrategy", "not there yet"),
    ({"StorageType": "EFS"}, "storageType", "EFS"),
    ({"StorageSize": 5}, "storageSize", "CLUSTER_MULTI_AZ"),
    ({"Users": []}, "users", "Specify exactly one user for engine type [RABBITMQ]."),
    ({"Users": user() + user("other")}, "users", "exactly one"),
    ({"Users": user("guest")}, "username", "guest"),
    ({"Users": user("a~b")}, "username", ""),
    ({"Users": user("a")}, "username", ""),
    ({"Users": user(password="short")}, "password", "12 to 250"),
    ({"Users": user(password="has,a comma in")}, "password", ""),
    ({"Users": user(password="aaaaaaaaabbc")}, "password", "4 of them different"),
    ({"Users": user(password="x" * 251)}, "password", ""),
    ({"Users": user(Groups=["staff"])}, "groups", "ActiveMQ"),
    ({"Users": [{"Username": "ops"}]}, "password", "required"),
    ({"Logs": {"Audit": True}}, "logs", "audit"),
    ({"DataReplicationMode": "CRDR"}, "dataReplicationMode", "not there yet"),
    ({"DataReplicationPrimaryBrokerArn": "arn:x"}, "dataReplicationPrimaryBrokerArn", "CRDR"),
    ({"EncryptionOptions": {"UseAwsOwnedKey": False, "KmsKeyId": KEY}}, "encryptionOptions", "not there yet"),
    ({"EncryptionOptions": {"UseAwsOwnedKey": True, "KmsKeyId": KEY}}, "encryptionOptions", "not both"),
    ({"MaintenanceWindowStartTime": ELSEWHERE}, "maintenanceWindowStartTime", "Time zone"),
    (
        {"MaintenanceWindowStartTime": {"DayOfWeek": "MONDAY", "TimeOfDay": "24:00"}},
        "maintenanceWindowStartTime",
        "24-hour",
    ),
    ({"MaintenanceWindowStartTime": {"DayOfWeek": "NEVER", "TimeOfDay": "12:00"}}, "dayOfWeek", "Valid values"),
    ({"SubnetIds": ["subnet-1"]}, "subnetIds", "does not exist"),
    ({"SubnetIds": ["subnet-1", "subnet-2"]}, "subnetIds", "exactly one"),
    ({"SecurityGroups": ["sg-1"]}, "securityGroups", "does not exist"),
    ({"SecurityGroups": [f"sg-{n}" for n in range(6)]}, "securityGroups", "1 to 5"),
    ({"PubliclyAccessible": True, "SubnetIds": ["subnet-1"]}, "subnetIds", "public"),
    ({"PubliclyAccessible": True, "SecurityGroups": ["sg-1"]}, "securityGroups", "public"),
    ({"Tags": {"aws:x": "1"}}, "tags", "aws:"),
    ({"Tags": {"k" * 129: "1"}}, "tags", ""),
    ({"Tags": {"k": "v" * 257}}, "tags", ""),
    ({"Tags": {f"k{n}": "" for n in range(51)}}, "tags", "50"),
    ({"CreatorRequestId": "x" * 129}, "creatorRequestId", ""),
    ({"Configuration": {"Id": "c-no", "Revision": 1}}, "configuration", "Can't find requested configuration [c-no]."),
]
REFUSED_ACTIVEMQ = [
    ({"DeploymentMode": "CLUSTER_MULTI_AZ"}, "deploymentMode", "does not support"),
    ({"DeploymentMode": "ACTIVE_STANDBY_MULTI_AZ"}, "deploymentMode", "not there yet"),
    (
        {"EngineVersion": "5.18.4"},
        "engineVersion",
        "Broker engine version [5.18.4] is invalid for broker engine type [ACTIVEMQ]. Valid values: [5.19, 5.18].",
    ),
    ({"EngineVersion": "5.17"}, "engineVersion", "Valid values"),
    ({"HostInstanceType": "mq.m7g.large"}, "hostInstanceType", "does not support"),
    ({"HostInstanceType": "mq.t3.micro", "StorageType": "EBS"}, "storageType", "EBS"),
    ({"AuthenticationStrategy": "LDAP"}, "ldapServerMetadata", "needs LDAP server metadata"),
    ({"AuthenticationStrategy": "CONFIG_MANAGED"}, "authenticationStrategy", "does not support"),
    ({"Users": user("a,b")}, "username", ""),
    ({"Users": user() + user()}, "users", "twice"),
    ({"Users": [one for n in range(251) for one in user(f"user{n}")]}, "users", "250"),
    ({"Users": user(Groups=["g"])}, "groups", ""),
    ({"Users": user(Groups=[f"group{n}" for n in range(21)])}, "groups", "20"),
    ({"Users": user(ReplicationUser=True)}, "replicationUser", "CRDR"),
    ({"AutoMinorVersionUpgrade": False}, "autoMinorVersionUpgrade", "Brokers on [ActiveMQ] version [5.19]"),
]


def refusals_of_create_broker(service):
    """Nothing is made by any of them."""
    mq = service.client()
    for engine, table in ((rabbitmq, REFUSED_RABBITMQ), (activemq, REFUSED_ACTIVEMQ)):
        for change, attribute, text in table:
            members = {name: value for name, value in engine("never", **change).items() if value is not None}
            refused(mq.create_broker, "BadRequestException", attribute, text, **members)
    equal(mq.list_brokers()["BrokerSummaries"], [], "brokers")
    equal(mq.list_configurations()["Configurations"], [], "configurations")


def case_of_enumerations_does_not_count(service):
    """Terraform sends mixed case."""
    mq = service.client()
    window = {"DayOfWeek": "Monday", "TimeOfDay": "03:30", "TimeZone": "Europe/Berlin"}
    broker = mq.create_broker(
        **activemq(
            "mixed",
            EngineType="ActiveMQ",
            DeploymentMode="single_instance",
            StorageType="efs",
            AuthenticationStrategy="simple",
            MaintenanceWindowStartTime=window,
        )
    )["BrokerId"]
    found = await_state(mq, broker)
    shown = [found[name] for name in ("EngineType", "DeploymentMode", "StorageType", "AuthenticationStrategy")]
    equal(shown, ["ActiveMQ", "SINGLE_INSTANCE", "efs", "simple"], "case in the description")
    equal(found["MaintenanceWindowStartTime"], {**window, "DayOfWeek": "MONDAY"}, "window")
    mq.delete_broker(BrokerId=broker)
    await_gone(mq, broker)


def unknown_members_are_ignored(service):
    """A member that no model has, beside those of the newest one."""
    body = {
        "name": "unknown",
        "engineType": "RabbitMQ",
        "storageConfiguration": {"efs": {"throughputMode": "ELASTIC"}},
        "x": 1,
    }
    url = f"{service.url}/v1/configurations"
    request = AWSRequest("POST", url, headers={"Content-Type": "application/json"}, data=json.dumps(body))
    SigV4Auth(Credentials(*service.key), "mq", REGION).add_auth(request)
    request = urllib.request.Request(url, request.data.encode(), dict(request.headers), method="POST")
    with urllib.request.urlopen(request) as answer:
        made = json.load(answer)
    equal(made["name"], "unknown", "name")
    service.client().delete_configuration(ConfigurationId=made["id"])


def the_creator_request_id_makes_one_broker(service):
    """The same token with the same input, with another input, and another one with the same name."""
    mq = service.client()
    once = token()
    first = mq.create_broker(**rabbitmq("once", CreatorRequestId=once))
    again = mq.create_broker(**rabbitmq("once", CreatorRequestId=once))
    equal(again["BrokerId"], first["BrokerId"], "id")
    equal(again["BrokerArn"], first["BrokerArn"], "ARN")
    other = rabbitmq("other", CreatorRequestId=once)
    refused(mq.create_broker, "ConflictException", "creatorRequestId", "other parameters", **other)
    refused(mq.create_broker, "ConflictException", "brokerName", "in use", **rabbitmq("once", CreatorRequestId=token()))
    await_state(mq, first["BrokerId"])
    equal(mq.create_broker(**rabbitmq("once", CreatorRequestId=once))["BrokerId"], first["BrokerId"], "id")
    equal(len(mq.list_brokers()["BrokerSummaries"]), 1, "brokers")
    # Another region is another place.
    elsewhere = service.client(region="eu-west-1")
    equal(elsewhere.list_brokers()["BrokerSummaries"], [], "brokers of another region")
    refused(elsewhere.describe_broker, "NotFoundException", "broker-id", BrokerId=first["BrokerId"])
    mq.delete_broker(BrokerId=first["BrokerId"])
    await_gone(mq, first["BrokerId"])


CASES = [
    refusals_of_create_broker,
    case_of_enumerations_does_not_count,
    unknown_members_are_ignored,
    the_creator_request_id_makes_one_broker,
]
