"""Who may do what: users, groups, roles and policies made over boto3's `iam` and `sts`, seen from `mq`."""

import json

from service import ACCOUNT, activemq, await_gone, await_state, equal, rabbitmq, refused


def document(*statements):
    """A policy of statements, each an effect, actions, a resource and conditions."""
    keys = ("Effect", "Action", "Resource", "Condition")
    entries = [{key: value for key, value in zip(keys, statement)} for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": entries})


def caller(service, name, *statements):
    """A new user with that policy; gives a client with the user's key, and the key."""
    iam = service.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return service.client(key=(key["AccessKeyId"], key["SecretAccessKey"])), key


def denied(call, action, **members):
    refused(call, "AccessDeniedException", None, f"is not authorized to perform: mq:{action}", **members)


def a_reader_changes_nothing(service):
    """Wildcards of actions; each refusal leaves a record in the reader's name."""
    reader, _ = caller(service, "reader", ("Allow", ["mq:List*", "mq:Describe*"], "*"))
    mq = service.client()
    made = mq.create_broker(**activemq("guarded"))
    broker, arn = made["BrokerId"], made["BrokerArn"]
    await_state(mq, broker)
    before = mq.describe_broker(BrokerId=broker)
    reader.describe_broker(BrokerId=broker)
    reader.list_tags(ResourceArn=arn)
    denied(reader.create_broker, "CreateBroker", **rabbitmq("never"))
    denied(reader.create_configuration, "CreateConfiguration", Name="never", EngineType="ACTIVEMQ")
    denied(reader.update_broker, "UpdateBroker", BrokerId=broker, HostInstanceType="mq.m5.large")
    denied(reader.delete_broker, "DeleteBroker", BrokerId=broker)
    denied(reader.reboot_broker, "RebootBroker", BrokerId=broker)
    denied(reader.create_user, "CreateUser", BrokerId=broker, Username="never", Password="correct-horse-battery")
    denied(reader.create_tags, "CreateTags", ResourceArn=arn, Tags={"a": "b"})
    # Whether there is such a broker is not told to those who may not know.
    denied(reader.delete_broker, "DeleteBroker", BrokerId="b-0")
    after = mq.describe_broker(BrokerId=broker)
    del before["ResponseMetadata"], after["ResponseMetadata"]
    equal(after, before, "description")
    trail = service.client("cloudtrail")
    events = trail.lookup_events(LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": "reader"}])["Events"]
    codes = [json.loads(event["CloudTrailEvent"]).get("errorCode") for event in events]
    equal((len(codes), codes.count("AccessDenied") + codes.count("AccessDeniedException")), (10, 8), f"records {codes}")
    mq.delete_broker(BrokerId=broker)
    await_gone(mq, broker)


def tags_and_names_decide(service):
    """Conditions on tags of the request and of the resource, resources by ARN, denials that win."""
    shop, _ = caller(
        service,
        "shop",
        ("Allow", "mq:*", "*", {"StringEquals": {"aws:ResourceTag/team": "shop"}}),
        ("Allow", ["mq:CreateBroker", "mq:CreateTags"], "*", {"StringEquals": {"aws:RequestTag/team": "shop"}}),
        ("Deny", "mq:DeleteBroker", f"arn:aws:mq:*:{ACCOUNT}:broker:kept:*"),
    )
    mq = service.client()
    denied(shop.create_broker, "CreateBroker", **rabbitmq("untagged"))
    denied(shop.create_broker, "CreateBroker", **rabbitmq("other", Tags={"team": "other"}))
    own = shop.create_broker(**rabbitmq("own", Tags={"team": "shop"}))["BrokerId"]
    kept = shop.create_broker(**rabbitmq("kept", Tags={"team": "shop"}))["BrokerId"]
    other = mq.create_broker(**rabbitmq("other", Tags={"team": "other"}))["BrokerId"]
    for broker in (own, kept, other):
        await_state(mq, broker)
    shop.describe_broker(BrokerId=own)
    denied(shop.describe_broker, "DescribeBroker", BrokerId=other)
    denied(shop.delete_broker, "DeleteBroker", BrokerId=other)
    denied(shop.delete_broker, "DeleteBroker", BrokerId=kept)
    shop.delete_broker(BrokerId=own)
    for broker in (kept, other):
        mq.delete_broker(BrokerId=broker)
    for broker in (own, kept, other):
        await_gone(mq, broker)


def keys_and_policies_change_at_once(service):
    """A policy that is taken away, a key that is switched off, a user of a group."""
    iam = service.client("iam")
    mq, key = caller(service, "brief", ("Allow", "mq:ListBrokers", "*"))
    mq.list_brokers()
    iam.delete_user_policy(UserName="brief", PolicyName="own")
    denied(mq.list_brokers, "ListBrokers")
    iam.create_group(GroupName="readers")
    policy = iam.create_policy(PolicyName="reading", PolicyDocument=document(("Allow", "mq:List*", "*")))["Policy"][
        "Arn"
    ]
    iam.attach_group_policy(GroupName="readers", PolicyArn=policy)
    iam.add_user_to_group(GroupName="readers", UserName="brief")
    mq.list_brokers()
    iam.update_access_key(UserName="brief", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    try:
        mq.list_brokers()
    except mq.exceptions.ClientError as error:
        equal(error.response["ResponseMetadata"]["HTTPStatusCode"], 403, "status of a key that is switched off")
    else:
        raise AssertionError("a key that is switched off is let in")


def a_role_is_taken_for_a_while(service):
    """AssumeRole over boto3's `sts`: the session's key needs its token, and may what the role may."""
    iam, sts = service.client("iam"), service.client("sts")
    equal(sts.get_caller_identity()["Account"], ACCOUNT, "account")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        ],
    }
    role = iam.create_role(RoleName="operator", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="operator", PolicyName="own", PolicyDocument=document(("Allow", "mq:List*", "*")))
    _, key = caller(service, "person", ("Allow", "sts:AssumeRole", role))
    person = service.client("sts", key=(key["AccessKeyId"], key["SecretAccessKey"]))
    session = person.assume_role(RoleArn=role, RoleSessionName="shift")["Credentials"]
    keys = (session["AccessKeyId"], session["SecretAccessKey"])
    operator = service.client(key=keys, token=session["SessionToken"])
    operator.list_brokers()
    denied(operator.create_configuration, "CreateConfiguration", Name="never", EngineType="ACTIVEMQ")
    identity = service.client("sts", key=keys, token=session["SessionToken"]).get_caller_identity()
    equal(identity["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/operator/shift", "caller")
    try:
        service.client(key=keys).list_brokers()
    except operator.exceptions.ClientError as error:
        equal(error.response["ResponseMetadata"]["HTTPStatusCode"], 403, "status without the token")
    else:
        raise AssertionError("a session's key is let in without its token")


CASES = [
    a_reader_changes_nothing,
    tags_and_names_decide,
    keys_and_policies_change_at_once,
    a_role_is_taken_for_a_while,
]
