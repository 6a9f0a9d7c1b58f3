"""No room for the service's data, and none for its log."""

import os
import subprocess

from service import ClientError, Service, await_gone, await_state, equal, rabbitmq

CALLS = 50


def a_log_that_cannot_be_written_is_done_without():
    """Each line of it fails."""
    service = Service("no-log", log="/dev/full").start()
    mq = service.client()
    for number in range(3):
        broker = mq.create_broker(**rabbitmq(f"without-log-{number}"))["BrokerId"]
        await_state(mq, broker)
        mq.delete_broker(BrokerId=broker)
        await_gone(mq, broker)
    service.stop()


def a_full_disk_is_said_and_survived():
    """Data and log are on it. Calls fail while it is full, and no longer: what was answered is there, and nothing else."""
    folder = os.path.abspath("small")
    os.makedirs(folder)
    # In a mount namespace of this program, as the network namespace comes with one.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", folder], check=True)
    service = Service(os.path.join("small", "service")).start()
    mq = service.client(is_watched=False)
    made = [mq.create_configuration(Name="before", EngineType="RABBITMQ")["Id"]]
    fill(os.path.join(folder, "filler"))
    codes = set()
    for number in range(CALLS):
        for call, members in (
            (mq.create_configuration, {"Name": f"full-{number}", "EngineType": "RABBITMQ"}),
            (mq.list_brokers, {}),
        ):
            try:
                made.append(call(**members).get("Id"))
            except ClientError as error:
                codes.add(error.response["Error"]["Code"])
    equal(codes, {"InternalServerErrorException"}, "errors on a full disk")
    os.remove(os.path.join(folder, "filler"))
    made.append(mq.create_configuration(Name="after", EngineType="RABBITMQ")["Id"])
    found = [it["Id"] for it in mq.list_configurations(MaxResults=100)["Configurations"]]
    equal(sorted(found), sorted(made), "configurations")
    service.stop()
    service.start()
    found = [it["Id"] for it in service.client().list_configurations(MaxResults=100)["Configurations"]]
    equal(sorted(found), sorted(made), "configurations after the next start")
    service.stop()
    subprocess.run(["umount", folder], check=True)


def fill(path):
    """Take all the room that there is."""
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return


CASES = [a_log_that_cannot_be_written_is_done_without, a_full_disk_is_said_and_survived]
