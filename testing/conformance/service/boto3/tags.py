"""Tags of brokers and configurations."""

from service import ACCOUNT, REGION, activemq, await_gone, await_state, equal, refused


def tags_come_and_go(service):
    """Of both kinds of resources, at once."""
    mq = service.client()
    made = mq.create_configuration(Name="tagged", EngineType="RABBITMQ")
    broker = mq.create_broker(**activemq("tagged"))
    for arn in (made["Arn"], broker["BrokerArn"]):
        equal(mq.list_tags(ResourceArn=arn)["Tags"], {}, "tags")
        answer = mq.create_tags(ResourceArn=arn, Tags={"team": "shop", "cost center": "7", "empty": ""})
        equal(answer["ResponseMetadata"]["HTTPStatusCode"], 204, "status")
        mq.create_tags(ResourceArn=arn, Tags={"team": "other"})
        equal(mq.list_tags(ResourceArn=arn)["Tags"], {"team": "other", "cost center": "7", "empty": ""}, "tags")
        answer = mq.delete_tags(ResourceArn=arn, TagKeys=["cost center", "empty", "unknown"])
        equal(answer["ResponseMetadata"]["HTTPStatusCode"], 204, "status")
        equal(mq.list_tags(ResourceArn=arn)["Tags"], {"team": "other"}, "tags")
    equal(mq.describe_configuration(ConfigurationId=made["Id"])["Tags"], {"team": "other"}, "tags of the description")
    found = await_state(mq, broker["BrokerId"])
    equal(found["Tags"], {"team": "other"}, "tags of the description")
    refusals(mq, made["Arn"])
    mq.delete_configuration(ConfigurationId=made["Id"])
    mq.delete_broker(BrokerId=broker["BrokerId"])
    await_gone(mq, broker["BrokerId"])
    for arn in (made["Arn"], broker["BrokerArn"]):
        for call, members in operations(mq):
            refused(call, "NotFoundException", "resource-arn", ResourceArn=arn, **members)


def operations(mq):
    return [(mq.list_tags, {}), (mq.create_tags, {"Tags": {"a": "b"}}), (mq.delete_tags, {"TagKeys": ["a"]})]


def refusals(mq, arn):
    """Bad tags of a good resource, and bad ARNs."""
    for tags in (
        {"aws:x": ""},
        {"k" * 129: ""},
        {"k": "v" * 257},
        {"": "x"},
        {f"k{n}": "" for n in range(50)},
        {"k": "\u0007"},
    ):
        refused(mq.create_tags, "BadRequestException", "tags", ResourceArn=arn, Tags=tags)
    equal(mq.list_tags(ResourceArn=arn)["Tags"], {"team": "other"}, "tags")
    refused(mq.delete_tags, "BadRequestException", "tagKeys", ResourceArn=arn, TagKeys=[])
    for bad in (
        "none",
        f"arn:aws:mq:eu-west-1:{ACCOUNT}:configuration:c-1",
        f"arn:aws:mq:{REGION}:111122223333:configuration:c-1",
        f"arn:aws:mq:{REGION}:{ACCOUNT}:queue:x",
        f"arn:aws:s3:{REGION}:{ACCOUNT}:configuration:c-1",
    ):
        for call, members in operations(mq):
            refused(call, "BadRequestException", "resource-arn", ResourceArn=bad, **members)


CASES = [tags_come_and_go]
