"""An application over Celery: tasks, a worker, results over the broker."""

import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
import shop  # noqa: E402
from cases import await_restart, check_death, equal, report, request_kill  # noqa: E402
from celery import chain, group  # noqa: E402

KEPT_TASKS = 60


def start_worker():
    arguments = ["-m", "celery", "-A", "shop", "worker", "--pool", "solo", "--loglevel", "WARNING"]
    arguments += ["--without-mingle", "--without-gossip"]
    return subprocess.Popen([sys.executable, *arguments], cwd=HERE, stdin=subprocess.DEVNULL, stdout=sys.stderr)


def call_and_result():
    equal(shop.add.delay(2, 3).get(timeout=20), 5, "sum")


def error_travels_back():
    try:
        shop.fail.delay("broken").get(timeout=20)
    except ValueError as error:
        equal(str(error), "broken", "error text")
        return
    raise AssertionError("the task's error did not come back")


def retry():
    equal(shop.flaky.delay().get(timeout=20), 2, "retries needed")


def countdown():
    start = time.monotonic()
    equal(shop.add.apply_async((1, 1), countdown=0.5).get(timeout=20), 2, "sum")
    equal(time.monotonic() - start >= 0.4, True, "the wait was kept")


def chain_of_tasks():
    equal(chain(shop.add.s(1, 2), shop.add.s(3))().get(timeout=20), 6, "chained sum")


def group_of_tasks():
    equal(group(shop.add.s(n, n) for n in range(20))().get(timeout=20), [2 * n for n in range(20)], "sums")


def reject_to_dead_letter():
    with shop.app.connection() as connection:
        channel = connection.channel()
        dead = shop.DEAD(channel)
        dead.declare()
        shop.refuse.delay()
        deadline = time.monotonic() + 20
        message = None
        while message is None and time.monotonic() < deadline:
            message = dead.get()
        message.ack()
        check_death(message.headers, "c.work", "rejected")


def topic_routing():
    result = shop.add.apply_async((4, 4), exchange="c.topic", routing_key="orders.new.today")
    equal(result.get(timeout=20), 8, "sum over a topic")


def expired_task_does_not_run():
    from celery.exceptions import TaskRevokedError

    try:
        shop.add.apply_async((1, 1), countdown=0.5, expires=0.1).get(timeout=20)
    except TaskRevokedError:
        return
    raise AssertionError("an expired task ran")


def control_commands():
    pong = shop.app.control.ping(timeout=5)
    equal(len(pong), 1, "workers that answered a broadcast")


def tasks_survive_a_kill(worker):
    """Tasks whose publish was confirmed run, though the broker is killed with most of them waiting."""
    results = [shop.add.delay(n, 1) for n in range(KEPT_TASKS)]
    request_kill()
    await_restart()
    # Replies lie in a queue that the kill takes away; so ask the broker how many tasks are left instead.
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with shop.app.connection() as connection:
                name, waiting, _ = connection.channel().queue_declare("c.work", passive=True)
            if waiting == 0:
                break
        except OSError:
            pass
        time.sleep(0.2)
    equal(waiting, 0, "tasks left")
    equal(worker.poll(), None, "exit code of the worker")
    equal(len(results), KEPT_TASKS, "tasks sent")


def calls_work_after_the_kill():
    done = subprocess.run(
        [sys.executable, "-c", "import shop; print(shop.add.delay(20, 2).get(timeout=30))"],
        cwd=HERE, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )
    equal(done.stdout.strip(), "22", f"sum from a new client ({done.stderr[-300:]})")


CASES = [
    call_and_result,
    error_travels_back,
    retry,
    countdown,
    chain_of_tasks,
    group_of_tasks,
    reject_to_dead_letter,
    topic_routing,
    expired_task_does_not_run,
    control_commands,
]


def priorities():
    """Queued while no worker runs, then run by priority."""
    for priority in (1, 9, 5):
        shop.note.apply_async((priority,), queue="c.priority", priority=priority)


def attempt(name, case, *args):
    try:
        case(*args)
        report(name)
    except Exception as error:  # each case reports for itself, whatever happened
        report(name, error)


def check_priorities():
    deadline = time.monotonic() + 20
    order = []
    while len(order) < 3 and time.monotonic() < deadline:
        order = shop.noted.delay().get(timeout=20)
    equal(order, [9, 5, 1], "order of running")


def main():
    with shop.app.connection() as connection:
        channel = connection.channel()
        for queue in (shop.DEAD, shop.WORK, shop.PRIORITY, shop.TOPIC):
            queue(channel).declare()
    priorities()
    worker = start_worker()
    try:
        attempt("priorities", check_priorities)
        for case in CASES:
            attempt(case.__name__, case)
        attempt("tasks_survive_a_kill", tasks_survive_a_kill, worker)
        attempt("calls_work_after_the_kill", calls_work_after_the_kill)
    finally:
        worker.kill()
        worker.wait()


main()
