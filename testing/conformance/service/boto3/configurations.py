"""Configurations and their revisions."""

import base64

from service import ACCOUNT, REGION, equal, pages, refused

UNKNOWN = "c-00000000-0000-0000-0000-000000000000"
XML = """<?xml version="1.0" encoding="UTF-8"?>
<broker xmlns="http://activemq.apache.org/schema/core" schedulePeriodForDestinationPurge="10000" brokerName="mine">
  <managementContext><managementContext connectorPort="1099"/></managementContext>
  <destinationPolicy><policyMap><policyEntries>
    <policyEntry queue=">" gcInactiveDestinations="true" inactiveTimeoutBeforeGC="600000"/>
  </policyEntries></policyMap></destinationPolicy>
</broker>
"""

# A text that would read a file.
ENTITY = """<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>
<broker xmlns="http://activemq.apache.org/schema/core">&e;</broker>
"""


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def a_configuration_and_its_revisions(service):
    """Of ActiveMQ: what is not permitted is removed with warnings, and stays removed."""
    mq = service.client()
    made = mq.create_configuration(Name="lines.1~x", EngineType="ACTIVEMQ", EngineVersion="5.18", Tags={"a": "b"})
    identity = made["Id"]
    equal(made["Arn"], f"arn:aws:mq:{REGION}:{ACCOUNT}:configuration:{identity}", "ARN")
    equal((made["Name"], made["AuthenticationStrategy"]), ("lines.1~x", "simple"), "answer")
    first = made["LatestRevision"]
    equal(first["Description"], "Auto-generated default for lines.1~x on ActiveMQ 5.18", "description")
    updated = mq.update_configuration(ConfigurationId=identity, Data=encoded(XML), Description="mine")
    equal((updated["Id"], updated["Name"], updated["LatestRevision"]["Revision"]), (identity, "lines.1~x", 2), "answer")
    removed = {
        (warning["Reason"], warning.get("ElementName"), warning.get("AttributeName")) for warning in updated["Warnings"]
    }
    equal(
        ("DISALLOWED_ELEMENT_REMOVED", "managementContext") in {entry[:2] for entry in removed},
        True,
        f"warnings {removed}",
    )
    equal(
        any(entry[0] == "DISALLOWED_ATTRIBUTE_REMOVED" and entry[2] == "brokerName" for entry in removed),
        True,
        f"warnings {removed}",
    )
    kept = base64.b64decode(
        mq.describe_configuration_revision(ConfigurationId=identity, ConfigurationRevision="2")["Data"]
    ).decode()
    equal(("managementContext" in kept, "brokerName" in kept, "policyEntry" in kept), (False, False, True), "kept text")
    clean = mq.update_configuration(ConfigurationId=identity, Data=encoded(kept))
    equal((clean["Warnings"], clean["LatestRevision"]["Revision"]), ([], 3), "what was removed is warned of again")
    found = mq.describe_configuration(ConfigurationId=identity)
    shown = {
        name: found.get(name) for name in ("EngineType", "EngineVersion", "Name", "Tags", "Id", "Arn", "Description")
    }
    wanted = {
        "EngineType": "ActiveMQ",
        "EngineVersion": "5.18",
        "Name": "lines.1~x",
        "Tags": {"a": "b"},
        "Id": identity,
        "Arn": made["Arn"],
        "Description": "",
    }
    equal(shown, wanted, "description")
    revisions, count = pages(mq.list_configuration_revisions, "Revisions", 2, ConfigurationId=identity)
    equal(([revision["Revision"] for revision in revisions], count), ([1, 2, 3], 2), "revisions")
    equal(revisions[1]["Description"], "mine", "description of revision 2")
    first = mq.describe_configuration_revision(ConfigurationId=identity, ConfigurationRevision="1")
    equal(base64.b64decode(first["Data"]).startswith(b"<?xml"), True, "default text")
    equal(mq.delete_configuration(ConfigurationId=identity)["ConfigurationId"], identity, "id")
    refused(mq.describe_configuration, "NotFoundException", "configuration_id", ConfigurationId=identity)


def configurations_of_rabbitmq(service):
    """The text is kept as it came."""
    mq = service.client()
    identity = mq.create_configuration(Name="rabbit", EngineType="RabbitMQ")["Id"]
    text = "# mine\nconsumer_timeout = 1000000\n"
    answer = mq.update_configuration(ConfigurationId=identity, Data=encoded(text))
    equal(answer["Warnings"], [], "warnings")
    revision = mq.describe_configuration_revision(ConfigurationId=identity, ConfigurationRevision="2")
    equal(base64.b64decode(revision["Data"]).decode(), text, "text")
    ldap = encoded("auth_backends.1 = ldap\n")
    refused(mq.update_configuration, "BadRequestException", "data", ConfigurationId=identity, Data=ldap)
    equal(mq.describe_configuration(ConfigurationId=identity)["LatestRevision"]["Revision"], 2, "revision")
    mq.delete_configuration(ConfigurationId=identity)


def refusals_about_configurations(service):
    """Nothing is made or changed by any of them."""
    mq = service.client()
    good = {"Name": "fine", "EngineType": "ACTIVEMQ"}
    for change, attribute in [
        ({"Name": ""}, "name"),
        ({"Name": "a b"}, "name"),
        ({"Name": "x" * 151}, "name"),
        ({"EngineType": "KAFKA"}, "engineType"),
        ({"EngineVersion": "5.18.4"}, "engineVersion"),
        ({"EngineType": "RABBITMQ", "AuthenticationStrategy": "LDAP"}, "authenticationStrategy"),
        ({"AuthenticationStrategy": "MAGIC"}, "authenticationStrategy"),
        ({"Tags": {"aws:x": ""}}, "tags"),
    ]:
        refused(mq.create_configuration, "BadRequestException", attribute, **{**good, **change})
    identity = mq.create_configuration(**good)["Id"]
    for change, attribute in [
        ({"Data": "%%%"}, "data"),
        ({"Data": encoded("no xml")}, "data"),
        ({"Data": encoded("<broker")}, "data"),
        (
            {"Data": encoded(ENTITY)},
            "data",
        ),
        ({}, "data"),
        ({"Data": encoded(XML), "Description": "x" * 1025}, "description"),
    ]:
        refused(mq.update_configuration, "BadRequestException", attribute, ConfigurationId=identity, **change)
    refused(
        mq.describe_configuration_revision,
        "NotFoundException",
        None,
        ConfigurationId=identity,
        ConfigurationRevision="2",
    )
    refused(
        mq.describe_configuration_revision,
        "BadRequestException",
        "configuration-revision",
        ConfigurationId=identity,
        ConfigurationRevision="two",
    )
    mq.delete_configuration(ConfigurationId=identity)
    text = f"Can't find requested configuration [{UNKNOWN}]. Make sure your configuration exists."
    for call, members in [
        (mq.describe_configuration, {}),
        (mq.update_configuration, {"Data": encoded(XML)}),
        (mq.delete_configuration, {}),
        (mq.list_configuration_revisions, {}),
        (mq.describe_configuration_revision, {"ConfigurationRevision": "1"}),
    ]:
        refused(call, "NotFoundException", "configuration_id", text, ConfigurationId=UNKNOWN, **members)


CASES = [a_configuration_and_its_revisions, configurations_of_rabbitmq, refusals_about_configurations]
