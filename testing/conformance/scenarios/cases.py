"""The frame of a Python scenario: run cases one after the other and print one line for each.

A line is `ok name`, `FAILED name: why` or `skipped name: why`. To have the broker killed and started again on the same data,
a case calls `kill_broker()`; it returns when the new one serves.
"""

import os
import socket
import sys
import traceback

# Programs that start what they test have none.
AMQP_URL = os.environ.get("AMQP_URL")


def report(name, error=None):
    """Print the line of one case."""
    if error is None:
        print(f"ok {name}", flush=True)
        return
    why = " ".join(f"{type(error).__name__} {error}".split())
    print(f"FAILED {name}: {why}", flush=True)
    traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)


def attempt(name, case):
    """Run one case and print its line."""
    try:
        case()
        report(name)
    except Exception as error:  # noqa: BLE001 - each case is reported, whatever broke it
        report(name, error)


def is_served(host, port, what):
    """Whether somebody listens there; says that all is skipped when nobody does."""
    try:
        socket.create_connection((host, port), 5).close()
    except OSError:
        print(f"skipped all: no {what} here", flush=True)
        return False
    return True


def request_kill():
    """Ask for the kill without waiting for the new broker."""
    print("HARNESS kill", flush=True)


def await_restart():
    """Block until the harness says that the new broker serves."""
    line = sys.stdin.readline()
    if line.strip() != "restarted":
        raise RuntimeError(f"the harness answered {line!r}, not 'restarted'")


def equal(got, wanted, what):
    """Fail with both values named."""
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def check_death(headers, queue, reason, count=1, exchange=""):
    """The newest entry of x-death names the queue, the reason and how often."""
    deaths = (headers or {}).get("x-death")
    if not deaths:
        raise AssertionError(f"no x-death among the headers {headers!r}")
    first = deaths[0]
    equal(first.get("queue"), queue, "x-death queue")
    equal(first.get("reason"), reason, "x-death reason")
    equal(first.get("count"), count, "x-death count")
    equal(first.get("exchange"), exchange, "x-death exchange")
    equal(first.get("routing-keys"), [queue], "x-death routing-keys")
    equal(headers.get("x-first-death-queue"), queue, "x-first-death-queue")
    equal(headers.get("x-first-death-reason"), reason, "x-first-death-reason")
