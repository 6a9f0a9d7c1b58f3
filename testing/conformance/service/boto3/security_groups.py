"""Security groups over boto3's `ec2`, and the brokers that obey them over pika."""

import json
import ssl

import xml_contract
from authorisation import document
from messages import amqp, is_let_in, publish_kept, take
from service import ACCOUNT, REGION, await_gone, await_state, await_that, equal, rabbitmq, refused

HERE = "127.0.0.1/32"
AMQPS = {"IpProtocol": "tcp", "FromPort": 5671, "ToPort": 5671}


def amqps(*blocks):
    """Permissions of these blocks to use AMQP."""
    return [{**AMQPS, "IpRanges": [{"CidrIp": block} for block in blocks]}]


def new(ec2, name, **more):
    return ec2.create_security_group(GroupName=name, Description="of a test", **more)["GroupId"]


def tagged(**tags):
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    return [{"ResourceType": "security-group", "Tags": pairs}]


def groups_and_rules_come_and_go(service):
    """Every operation, each answer held against the model."""
    ec2 = service.client("ec2")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    equal(sorted(it["AvailabilityZone"] for it in subnets), [it["ZoneName"] for it in zones], "zones")
    made = ec2.create_security_group(
        GroupName="office", Description="from the office", VpcId=vpc["VpcId"], TagSpecifications=tagged(team="shop")
    )
    group = made["GroupId"]
    equal(made["SecurityGroupArn"], f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{group}", "ARN")
    equal(made["Tags"], [{"Key": "team", "Value": "shop"}], "tags")
    flat = {**AMQPS, "CidrIp": "10.20.1.2/16"}
    (first,) = ec2.authorize_security_group_ingress(GroupId=group, **flat)["SecurityGroupRules"]
    equal((first["CidrIpv4"], first["FromPort"], first["IsEgress"]), ("10.20.0.0/16", 5671, False), "rule")
    more = [{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32", "Description": "the lab"}]}]
    ec2.authorize_security_group_ingress(GroupName="office", IpPermissions=more)
    (found,) = ec2.describe_security_groups(Filters=[{"Name": "tag:team", "Values": ["sh*"]}])["SecurityGroups"]
    equal((found["GroupId"], found["Description"], found["VpcId"]), (group, "from the office", vpc["VpcId"]), "group")
    none = {"UserIdGroupPairs": [], "PrefixListIds": []}
    wanted = [
        {**AMQPS, **none, "IpRanges": [{"CidrIp": "10.20.0.0/16"}], "Ipv6Ranges": []},
        {**more[0], **none, "IpRanges": []},
    ]
    equal(found["IpPermissions"], wanted, "rules")
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    equal(sorted(rule["IsEgress"] for rule in rules), [False, False, True], "rules one by one")
    ec2.create_tags(Resources=[group], Tags=[{"Key": "cost", "Value": "7"}])
    tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [group]}])["Tags"]
    equal([(tag["Key"], tag["Value"]) for tag in tags], [("cost", "7"), ("team", "shop")], "tags")
    ec2.delete_tags(Resources=[group], Tags=[{"Key": "cost"}])
    ec2.revoke_security_group_ingress(GroupId=group, **flat)
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=more)
    (found,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    equal((found["IpPermissions"], found["Tags"]), ([], made["Tags"]), "group after all of it")
    equal(ec2.delete_security_group(GroupId=group)["GroupId"], group, "deleted group")


def terraform_writes_rules_outward(service):
    """Its provider takes away the rule that a new group has, and allows what it is told to."""
    ec2 = service.client("ec2")
    group = new(ec2, "outward")
    (found,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    everywhere = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    equal(found["IpPermissionsEgress"][0]["IpRanges"], everywhere[0]["IpRanges"], "rules of a new group")
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everywhere)
    v6 = [{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]
    refused(ec2.revoke_security_group_egress, "InvalidPermission.NotFound", GroupId=group, IpPermissions=v6)
    made = ec2.authorize_security_group_egress(GroupId=group, IpPermissions=everywhere)["SecurityGroupRules"]
    rules = [made[0]["SecurityGroupRuleId"]]
    ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=rules)
    ec2.delete_security_group(GroupId=group)
    missing = set(xml_contract.SERVED) - xml_contract.seen
    equal(missing, set(), "operations that did not succeed")


def wrong_calls_of_ec2(service):
    """Each operation refused, with EC2's codes."""
    ec2 = service.client("ec2")
    group = new(ec2, "wrong")
    here = {"GroupId": group}
    refused(ec2.create_security_group, "InvalidGroup.Duplicate", GroupName="wrong", Description="again")
    refused(ec2.create_security_group, "MissingParameter", GroupName="x")
    refused(ec2.create_security_group, "InvalidParameterValue", GroupName="sg-x", Description="x")
    refused(ec2.create_security_group, "InvalidVpcID.NotFound", GroupName="x", Description="x", VpcId="vpc-0")
    refused(ec2.delete_security_group, "CannotDelete", GroupName="default")
    refused(ec2.delete_security_group, "InvalidGroup.NotFound", GroupId="sg-0")
    refused(ec2.describe_security_groups, "InvalidGroup.NotFound", GroupNames=["none"])
    refused(ec2.describe_security_groups, "InvalidParameterValue", Filters=[{"Name": "colour", "Values": ["red"]}])
    refused(ec2.describe_security_groups, "InvalidParameterValue", MaxResults=4)
    refused(ec2.describe_security_groups, "DryRunOperation", DryRun=True)
    refused(ec2.describe_security_group_rules, "InvalidSecurityGroupRuleId.NotFound", SecurityGroupRuleIds=["sgr-0"])
    ec2.authorize_security_group_ingress(**here, IpPermissions=amqps("10.0.0.0/8"))
    twice = amqps("192.0.2.0/24", "10.0.0.0/8")
    refused(ec2.authorize_security_group_ingress, "InvalidPermission.Duplicate", **here, IpPermissions=twice)
    udp = {**AMQPS, "IpProtocol": "udp", "CidrIp": "10.0.0.0/8"}
    refused(ec2.authorize_security_group_ingress, "UnsupportedOperation", None, "udp", **here, **udp)
    refused(ec2.authorize_security_group_ingress, "InvalidParameterValue", **here, **AMQPS, CidrIp="10.0.0.0/33")
    own = [{**AMQPS, "UserIdGroupPairs": [{"GroupId": group}]}]
    refused(ec2.authorize_security_group_ingress, "UnsupportedOperation", **here, IpPermissions=own)
    many = amqps(*(f"10.{number}.0.0/16" for number in range(60)))
    refused(ec2.authorize_security_group_ingress, "RulesPerSecurityGroupLimitExceeded", **here, IpPermissions=many)
    everywhere = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    refused(ec2.authorize_security_group_egress, "InvalidPermission.Duplicate", **here, IpPermissions=everywhere)
    refused(ec2.revoke_security_group_ingress, "InvalidPermission.NotFound", **here, IpPermissions=amqps(HERE))
    refused(ec2.describe_vpcs, "InvalidVpcID.NotFound", VpcIds=["vpc-0"])
    refused(ec2.describe_subnets, "InvalidSubnetID.NotFound", SubnetIds=["subnet-0"])
    refused(ec2.describe_availability_zones, "InvalidParameterValue", ZoneNames=["nowhere"])
    refused(ec2.create_tags, "UnsupportedOperation", Resources=["vpc-0"], Tags=[{"Key": "a", "Value": "b"}])
    refused(ec2.delete_tags, "InvalidGroup.NotFound", Resources=["sg-0"], Tags=[{"Key": "a"}])
    refused(ec2.describe_tags, "InvalidParameterValue", Filters=[{"Name": "colour", "Values": ["red"]}])
    refused(ec2.describe_instances, "InvalidAction")
    (found,) = ec2.describe_security_groups(**{"GroupIds": [group]})["SecurityGroups"]
    equal([len(it["IpRanges"]) for it in found["IpPermissions"]], [1], "rules after all of it")
    ec2.delete_security_group(**here)


def pages_of_groups(service):
    """The paginator of boto3."""
    ec2 = service.client("ec2", region="eu-south-1")
    names = [f"page-{number}" for number in range(11)]
    ids = [new(ec2, name) for name in names]
    pages = list(ec2.get_paginator("describe_security_groups").paginate(PaginationConfig={"PageSize": 5}))
    equal([len(page["SecurityGroups"]) for page in pages], [5, 5, 2], "sizes of pages")
    found = {group["GroupName"] for page in pages for group in page["SecurityGroups"]}
    equal(found, {"default", *names}, "groups")
    for group in ids:
        ec2.delete_security_group(GroupId=group)


def a_group_decides_who_gets_in(service):
    """At once, for new connections, also when the service is killed as soon as it has answered."""
    mq, ec2 = service.client(), service.client("ec2")
    group = new(ec2, "gate")
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=amqps("192.0.2.0/24"))
    unknown = rabbitmq("never", SecurityGroups=[group, "sg-0"])
    refused(mq.create_broker, "BadRequestException", "securityGroups", "[sg-0] does not exist", **unknown)
    broker = mq.create_broker(**rabbitmq("gated", SecurityGroups=[group]))["BrokerId"]
    found = await_state(mq, broker)
    equal(found["SecurityGroups"], [group], "groups of the broker")

    def gets_in():
        try:
            return is_let_in(lambda: amqp(service, found))
        except (ssl.SSLEOFError, ConnectionResetError):
            return False  # The broker took the connection and ended it before a byte was read.

    equal(gets_in(), False, "somebody of no block is let in")
    # By its name, as the same call within one second would have the same signature, and so this answer again (S14).
    refused(ec2.delete_security_group, "DependencyViolation", None, broker, GroupName="gate")
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=amqps(HERE))
    await_that(gets_in, "the new rule lets in")
    with amqp(service, found) as connection:
        channel = connection.channel()
        channel.queue_declare("gated", durable=True)
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=amqps(HERE))
        await_that(lambda: not gets_in(), "nobody is let in")
        publish_kept(channel, "gated", b"of one that is in")
        equal(take(channel, "gated"), b"of one that is in", "message")
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": HERE}]}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=everything)
    service.kill()
    service.start()
    await_that(gets_in, "the rule lets in after a kill")
    (default,) = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"]
    mq.update_broker(BrokerId=broker, SecurityGroups=[default["GroupId"]])
    ec2.delete_security_group(GroupId=group)
    equal(gets_in(), True, "the default group lets everybody in")
    mq.delete_broker(BrokerId=broker)
    await_gone(mq, broker)


def who_may_change_groups(service):
    """Policies by tag, and the record of a refusal."""
    iam, ec2 = service.client("iam"), service.client("ec2")
    iam.create_user(UserName="keeper")
    statements = (
        ("Allow", "ec2:Describe*", "*"),
        ("Allow", "ec2:*", "*", {"StringEquals": {"aws:ResourceTag/team": "shop"}}),
    )
    iam.put_user_policy(UserName="keeper", PolicyName="own", PolicyDocument=document(*statements))
    key = iam.create_access_key(UserName="keeper")["AccessKey"]
    keeper = service.client("ec2", key=(key["AccessKeyId"], key["SecretAccessKey"]))
    own = new(ec2, "own", TagSpecifications=tagged(team="shop"))
    other = new(ec2, "other", TagSpecifications=tagged(team="lab"))
    keeper.describe_security_groups()
    keeper.authorize_security_group_ingress(GroupId=own, IpPermissions=amqps(HERE))
    action = "is not authorized to perform: ec2:AuthorizeSecurityGroupIngress on resource: arn:aws:ec2:"
    call = keeper.authorize_security_group_ingress
    refused(call, "UnauthorizedOperation", None, action, GroupId=other, IpPermissions=amqps(HERE))
    refused(keeper.create_security_group, "UnauthorizedOperation", GroupName="mine", Description="x")
    tag = [{"Key": "team", "Value": "shop"}]
    refused(keeper.create_tags, "UnauthorizedOperation", Resources=[own, other], Tags=tag)
    trail = service.client("cloudtrail")
    wanted = [{"AttributeKey": "Username", "AttributeValue": "keeper"}]
    events = trail.lookup_events(LookupAttributes=wanted)["Events"]
    records = [json.loads(event["CloudTrailEvent"]) for event in events]
    equal({record["eventSource"] for record in records}, {"ec2.amazonaws.com"}, "source of the records")
    codes = [record.get("errorCode") for record in records]
    equal((len(codes), codes.count("UnauthorizedOperation")), (5, 3), f"records {codes}")
    wanted = [{"AttributeKey": "ResourceName", "AttributeValue": own}]
    names = [event["EventName"] for event in trail.lookup_events(LookupAttributes=wanted)["Events"]]
    equal(names, ["AuthorizeSecurityGroupIngress", "CreateSecurityGroup"], "records of the group")
    for group in (own, other):
        ec2.delete_security_group(GroupId=group)


CASES = [
    groups_and_rules_come_and_go,
    terraform_writes_rules_outward,
    wrong_calls_of_ec2,
    pages_of_groups,
    a_group_decides_who_gets_in,
    who_may_change_groups,
]
