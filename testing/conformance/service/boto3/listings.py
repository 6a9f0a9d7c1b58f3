"""Listings: pages, filters, paginators of boto3."""

from service import activemq, await_gone, equal, pages, rabbitmq, refused


def brokers_and_configurations_in_pages(service):
    """By boto3's paginator where it has one, else by the next token."""
    mq = service.client()
    names = [f"page-{number}" for number in range(5)]
    made = [
        mq.create_broker(**(activemq if number % 2 else rabbitmq)(name))["BrokerId"]
        for number, name in enumerate(names)
    ]
    paginator = mq.get_paginator("list_brokers")
    found = list(paginator.paginate(PaginationConfig={"PageSize": 2}))
    equal([len(page["BrokerSummaries"]) for page in found], [2, 2, 1], "pages")
    brokers = [broker for page in found for broker in page["BrokerSummaries"]]
    equal(sorted(broker["BrokerName"] for broker in brokers), names, "names")
    members = [
        "BrokerArn",
        "BrokerId",
        "BrokerName",
        "BrokerState",
        "Created",
        "DeploymentMode",
        "EngineType",
        "HostInstanceType",
    ]
    equal({tuple(sorted(broker)) for broker in brokers}, {tuple(members)}, "members")
    equal({broker["EngineType"] for broker in brokers}, {"ActiveMQ", "RabbitMQ"}, "engine types")
    few = paginator.paginate(PaginationConfig={"MaxItems": 3, "PageSize": 1}).build_full_result()
    equal((len(few["BrokerSummaries"]), "NextToken" in few), (3, True), "a bounded listing")
    found, count = pages(mq.list_configurations, "Configurations", 2)
    defaults = sorted(it["Name"] for it in found if it["Name"].startswith("page-"))
    equal(defaults, [f"{name}-configuration" for name in names], "default configurations")
    equal(count, (len(found) + 1) // 2, "pages")
    answer = mq.list_configurations()
    equal(answer["MaxResults"], 20, "page size")
    for broker in made:
        mq.delete_broker(BrokerId=broker)
    for broker in made:
        await_gone(mq, broker)


def what_can_be_had(service):
    """Engine types and instance options, with each filter, without regard to case."""
    mq = service.client()
    found, _ = pages(mq.describe_broker_engine_types, "BrokerEngineTypes", 1)
    versions = {it["EngineType"]: [version["Name"] for version in it["EngineVersions"]] for it in found}
    equal(versions, {"ACTIVEMQ": ["5.19", "5.18"], "RABBITMQ": ["4.3", "4.2", "3.13"]}, "versions")
    (only,) = mq.describe_broker_engine_types(EngineType="RabbitMQ")["BrokerEngineTypes"]
    equal(only["EngineType"], "RABBITMQ", "engine type")
    every, count = pages(mq.describe_broker_instance_options, "BrokerInstanceOptions", 7)
    equal(
        (len(every), count),
        (len({(it["EngineType"], it["HostInstanceType"], it["StorageType"]) for it in every}), -(-len(every) // 7)),
        "options",
    )
    for members, name, value in [
        ({"EngineType": "activemq"}, "EngineType", "ACTIVEMQ"),
        ({"HostInstanceType": "mq.m5.large"}, "HostInstanceType", "mq.m5.large"),
        ({"StorageType": "EFS"}, "StorageType", "efs"),
    ]:
        some, _ = pages(mq.describe_broker_instance_options, "BrokerInstanceOptions", 100, **members)
        equal(some, [it for it in every if it[name] == value], f"options with {members}")
    (one,) = mq.describe_broker_instance_options(EngineType="RABBITMQ", HostInstanceType="mq.m7g.medium")[
        "BrokerInstanceOptions"
    ]
    equal((one["StorageType"], one["SupportedEngineVersions"]), ("ebs", ["4.3", "4.2", "3.13"]), "option")
    equal([zone["Name"] for zone in one["AvailabilityZones"]], ["us-east-1a", "us-east-1b", "us-east-1c"], "zones")


def refusals_of_listings(service):
    """Page sizes, tokens, filters."""
    mq = service.client()
    calls = [
        mq.list_brokers,
        mq.list_configurations,
        mq.describe_broker_engine_types,
        mq.describe_broker_instance_options,
    ]
    for call in calls:
        for size in (0, 101, -1):
            refused(call, "BadRequestException", "maxResults", MaxResults=size)
        for bad in ("x", "AAAA", "a" * 3000):
            refused(call, "BadRequestException", "nextToken", NextToken=bad)
    refused(mq.describe_broker_engine_types, "BadRequestException", "engineType", EngineType="KAFKA")
    refused(mq.describe_broker_instance_options, "BadRequestException", "storageType", StorageType="TAPE")


CASES = [brokers_and_configurations_in_pages, what_can_be_had, refusals_of_listings]
