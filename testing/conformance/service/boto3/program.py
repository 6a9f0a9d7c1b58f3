"""The Amazon MQ API over boto3, and that of EC2 for security groups: every operation, success and failure, and the brokers that it makes over real clients."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "common"))

import activemq_broker  # noqa: E402
import audit  # noqa: E402
import authorisation  # noqa: E402
import configurations  # noqa: E402
import crashes  # noqa: E402
import creation  # noqa: E402
import full_disk  # noqa: E402
import grants  # noqa: E402
import listings  # noqa: E402
import rabbitmq_broker  # noqa: E402
import security_groups  # noqa: E402
import tags  # noqa: E402
import throttling  # noqa: E402
from service import Service, run  # noqa: E402


def main():
    """What makes brokers and configurations meets one service; audit, quotas and crashes have their own."""
    service = Service("usual").start()
    for part in (creation, rabbitmq_broker, activemq_broker, configurations, tags, listings, security_groups):
        run(part.CASES, service)
    service.stop()
    service = Service("audit").start()
    run(audit.CASES, service)
    run(authorisation.CASES, service)
    run(grants.CASES, service)
    service.stop()
    run(throttling.CASES)
    run(full_disk.CASES)
    run(crashes.CASES, crashes.World())


main()
