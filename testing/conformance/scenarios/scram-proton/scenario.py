"""Logins by SCRAM-SHA-256 over Qpid Proton, which has it from Cyrus SASL: whom it lets in, whom not, and for how long."""

import base64
import json
import os
import sys
import urllib.parse
import urllib.request

from proton import ConnectionException, Message
from proton.utils import BlockingConnection

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import attempt, await_restart, equal, request_kill  # noqa: E402

MANAGEMENT = urllib.parse.urlparse(os.environ["MANAGEMENT_URL"])
# `salt | SHA-256(salt | "imported-secret")`, as RabbitMQ exports it.
IMPORTED = "BQYHCIdCO1E5gjeYZMdeWzju/c4C/eMEu4wapxy6pJ6+nfpA"


def manage(method, path, body=None):
    """Ask the management API."""
    request = urllib.request.Request(
        f"http://{MANAGEMENT.hostname}:{MANAGEMENT.port}/api/{path}",
        data=None if body is None else json.dumps(body).encode(),
        method=method,
    )
    login = f"{MANAGEMENT.username}:{MANAGEMENT.password}".encode()
    request.add_header("Authorization", "Basic " + base64.b64encode(login).decode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def make_user(name, **how):
    manage("PUT", f"users/{name}", {"tags": "", **how})
    manage("PUT", f"permissions/localhost/{name}", {"configure": ".*", "write": ".*", "read": ".*"})


def connect(user, password, mechanism="SCRAM-SHA-256"):
    return BlockingConnection(
        "amqp://127.0.0.1:5672", timeout=10, user=user, password=password, allowed_mechs=mechanism
    )


def check_use(user, password, **how):
    """Log in, send, and get it back."""
    connection = connect(user, password, **how)
    try:
        receiver = connection.create_receiver(f"scram.{user}")
        connection.create_sender(f"scram.{user}").send(Message(body=user))
        equal(receiver.receive(timeout=10).body, user, "the message")
        receiver.accept()
    finally:
        connection.close()


def refusal(user, password):
    """What somebody is told who is not let in."""
    try:
        connect(user, password).close()
    except ConnectionException as refused:
        return str(refused)
    raise AssertionError(f"{user} was let in")


def proves():
    make_user("ann", password="ann-secret")
    check_use("ann", "ann-secret")


def refuses_alike():
    make_user("imported", password_hash=IMPORTED, hashing_algorithm="rabbit_password_hashing_sha256")
    wrong = refusal("ann", "wrong")
    equal(refusal("nobody", "ann-secret"), wrong, "what a stranger is told")
    equal(refusal("imported", "imported-secret"), wrong, "what one without a verifier is told")


def makes_what_is_missing():
    check_use("imported", "imported-secret", mechanism="PLAIN")
    check_use("imported", "imported-secret")


def keeps_it():
    request_kill()
    await_restart()
    check_use("ann", "ann-secret")
    check_use("imported", "imported-secret")


def follows_the_password():
    known = manage("GET", "users/ann")
    manage("PUT", "users/ann", {"tags": "group:clerks", **{name: known[name] for name in ("password_hash", "hashing_algorithm")}})
    check_use("ann", "ann-secret")
    make_user("ann", password="another-secret")
    refusal("ann", "ann-secret")
    check_use("ann", "another-secret")


def goes_with_definitions():
    file = manage("GET", "definitions")
    manage("DELETE", "users/ann")
    refusal("ann", "another-secret")
    manage("POST", "definitions", file)
    check_use("ann", "another-secret")


attempt("a password is proven", proves)
attempt("a wrong password, a stranger and one without a verifier are refused alike", refuses_alike)
attempt("a login by password makes the verifier that is missing", makes_what_is_missing)
attempt("verifiers outlive a kill", keeps_it)
attempt("a verifier follows its password", follows_the_password)
attempt("definitions take verifiers along", goes_with_definitions)
