"""A broker whose users and permissions are in OpenLDAP, over stomp.py: two servers of the same content, killed and started
again, and a map of permissions that changes.

The broker and the directories are this program's own. Nothing is waited for that must not come: what a change takes away ends
a consumer, and what it gives is tried after that.
"""

import base64
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

import paho.mqtt.client as mqtt
import stomp

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import attempt, equal  # noqa: E402

TERNMQ = os.environ["TERNMQ"]
WAIT_S = 30
HOSTS = {"127.0.0.1": 6360, "127.0.0.2": 6360}
ADMINISTRATOR = ("keeper", "keeper-secret")

PEOPLE = {
    # name: password, attributes
    "ann": ("ann-secret", "description: staff"),
    "bob": ("bob-secret", "description: guests"),
    "carl": ("carl-secret", ""),
    "dora": ("dora-secret", ""),
    "o(*)\\": ("odd-secret", ""),
}
GROUPS = {
    "clerks": ["ann"],
    "auditors": ["dora"],
    "amazonmq-console-admins": ["dora"],
    # More than the directory gives at once.
    **{f"circle-{number}": ["dora"] for number in range(600)},
}


def dn(name):
    escaped = "".join(f"\\{ord(letter):02x}" if letter in "()*\\" else letter for letter in name)
    return f"uid={escaped},ou=people,dc=example"


def unit(name, under):
    return f"dn: ou={name},{under}\nobjectClass: organizationalUnit\nou: {name}\n"


def group(name, members, under):
    lines = "".join(f"member: {member}\n" for member in members)
    return f"dn: cn={name},{under}\nobjectClass: groupOfNames\ncn: {name}\n{lines}"


def clerks(*groups):
    return [f"cn={name},ou=groups,dc=example" for name in groups]


def content():
    """The whole directory as LDIF."""
    parts = ["dn: dc=example\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: example\n"]
    parts.append("dn: cn=mq,dc=example\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: mq\nuserPassword: mq-secret\n")
    parts += [unit(name, "dc=example") for name in ("people", "groups", "queues", "topics", "temporary")]
    for name, (password, more) in PEOPLE.items():
        encoded = base64.b64encode(name.encode()).decode()
        more = more + "\n" if more else ""
        parts.append(
            f"dn: {dn(name)}\nobjectClass: inetOrgPerson\nuid:: {encoded}\ncn: person\nsn: person\n"
            f"userPassword: {password}\n{more}"
        )
    for name, members in GROUPS.items():
        parts.append(group(name, [dn(member) for member in members], "ou=groups,dc=example"))
    orders, news = "ou=ORDERS.$,ou=queues,dc=example", "ou=NEWS,ou=topics,dc=example"
    guests, everything = "ou=GUEST.*,ou=queues,dc=example", "ou=$,ou=queues,dc=example"
    for name, under in (("ORDERS.$", "queues"), ("GUEST.*", "queues"), ("$", "queues"), ("NEWS", "topics")):
        parts.append(unit(name, f"ou={under},dc=example"))
    parts.append(group("read", clerks("clerks"), orders))
    parts.append(group("write", clerks("clerks"), orders))
    parts.append(group("admin", clerks("clerks"), orders))
    # A user by itself, and a group that is an attribute of the user and no entry.
    parts.append(group("read", [dn("bob")], guests))
    parts.append(group("write", [dn("bob")], guests))
    parts.append(group("admin", [dn("bob")], guests))
    parts.append(group("read", clerks("auditors"), everything))
    parts.append(group("read", clerks("clerks"), news))
    parts.append(group("admin", clerks("clerks"), "ou=temporary,dc=example"))
    return "\n".join(parts)


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stdout} {done.stderr}")


def await_port(host, port):
    """Wait until somebody listens there."""
    until = time.monotonic() + WAIT_S
    while True:
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def make_certificates(folder):
    """A CA, and a certificate of it for both hosts."""
    ca, key, asked, given = (os.path.join(folder, name) for name in ("ca.pem", "key.pem", "asked.pem", "given.pem"))
    ca_key, extensions = os.path.join(folder, "ca-key.pem"), os.path.join(folder, "extensions")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    run("openssl", "req", "-x509", *new_key, "-keyout", ca_key, "-out", ca, "-subj", "/CN=scenario CA", "-days", "2")
    run("openssl", "req", *new_key, "-keyout", key, "-out", asked, "-subj", "/CN=directory")
    with open(extensions, "w") as out:
        out.write("subjectAltName=" + ",".join(f"IP:{host}" for host in HOSTS) + "\nbasicConstraints=CA:FALSE\n")
    run("openssl", "x509", "-req", "-in", asked, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-out", given,
        "-days", "2", "-extfile", extensions)
    return ca, key, given


class Slapd:
    """One OpenLDAP server."""

    def __init__(self, folder, host, certificates):
        self.host, self.port = host, HOSTS[host]
        self.ca, key, given = certificates
        self.folder = os.path.join(folder, host)
        os.makedirs(os.path.join(self.folder, "data"))
        self.configuration = os.path.join(self.folder, "slapd.conf")
        schemas = "".join(f"include /etc/ldap/schema/{name}.schema\n" for name in ("core", "cosine", "inetorgperson"))
        with open(self.configuration, "w") as out:
            out.write(
                f"{schemas}modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile {self.folder}/pid\n"
                f"TLSCACertificateFile {self.ca}\nTLSCertificateFile {given}\nTLSCertificateKeyFile {key}\n"
                # As careless as a directory can be: a bind without a password is a yes.
                f"allow bind_anon_cred bind_anon_dn\n"
                f'database mdb\nsuffix "dc=example"\nrootdn "cn=root,dc=example"\nrootpw root-secret\n'
                f"directory {self.folder}/data\n"
                # By the page there is no limit.
                f'limits dn.exact="cn=mq,dc=example" size=500 size.prtotal=unlimited\n'
                f"access to attrs=userPassword by anonymous auth by * none\n"
                f"access to * by users read by anonymous auth\n"
            )
        ldif = os.path.join(self.folder, "content.ldif")
        with open(ldif, "w") as out:
            out.write(content())
        run("/usr/sbin/slapadd", "-f", self.configuration, "-l", ldif)
        self.start()

    @property
    def url(self):
        return f"ldaps://{self.host}:{self.port}"

    def start(self):
        log = open(os.path.join(self.folder, "log"), "a")
        command = ["/usr/sbin/slapd", "-f", self.configuration, "-h", self.url, "-d", "0"]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        await_port(self.host, self.port)

    def kill(self):
        self.process.kill()
        self.process.wait(WAIT_S)

    def modify(self, ldif):
        environment = {**os.environ, "LDAPTLS_CACERT": self.ca}
        run("ldapmodify", "-x", "-H", self.url, "-D", "cn=root,dc=example", "-w", "root-secret",
            input=ldif, env=environment)


class Broker:
    """The broker under test."""

    def __init__(self, folder, ca):
        self.folder = folder
        xml, directory = os.path.join(folder, "activemq.xml"), os.path.join(folder, "directory.json")
        password, self.ports_file = os.path.join(folder, "password"), os.path.join(folder, "ports.json")
        with open(xml, "w") as out:
            out.write(
                '<broker xmlns="http://activemq.apache.org/schema/core"><plugins><authorizationPlugin><map>'
                '<cachedLDAPAuthorizationMap queueSearchBase="ou=queues,dc=example" '
                'topicSearchBase="ou=topics,dc=example" tempSearchBase="ou=temporary,dc=example" '
                'refreshInterval="1000" legacyGroupMapping="false"/>'
                "</map></authorizationPlugin></plugins></broker>"
            )
        with open(directory, "w") as out:
            json.dump(
                {
                    "hosts": [f"{host}:{port}" for host, port in HOSTS.items()],
                    "serviceAccountUsername": "cn=mq,dc=example",
                    "serviceAccountPassword": "mq-secret",
                    "userBase": "ou=people,dc=example",
                    "userSearchMatching": "(uid={0})",
                    "userRoleName": "description",
                    "roleBase": "ou=groups,dc=example",
                    "roleSearchMatching": "(member={0})",
                    "roleName": "cn",
                    "caFile": ca,
                },
                out,
            )
        with open(password, "w") as out:
            out.write(ADMINISTRATOR[1])
        listeners = [f"--listen={name}=127.0.0.1:0" for name in ("stomp", "mqtt", "http")]
        self.log = open(os.path.join(folder, "broker.log"), "w")
        command = [TERNMQ, "broker", "--data-dir", os.path.join(folder, "broker"), "--engine", "activemq",
                   "--footprint", "small", "--config", xml, "--directory", directory, "--user", ADMINISTRATOR[0],
                   "--password-file", password, "--only-named-listeners", "--ports-file", self.ports_file]
        self.process = subprocess.Popen(command + listeners, stdout=self.log, stderr=self.log)
        until = time.monotonic() + WAIT_S
        while not os.path.exists(self.ports_file):
            if time.monotonic() > until or self.process.poll() is not None:
                raise RuntimeError("the broker did not start")
            time.sleep(0.05)
        with open(self.ports_file) as ports:
            self.ports = {name: int(address.rpartition(":")[2]) for name, address in json.load(ports).items()}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        equal(self.process.wait(WAIT_S), 0, "exit code")


class Client(stomp.ConnectionListener):
    """One connection; `why` is the text of the ERROR that ended it."""

    def __init__(self, user, password=None):
        password = PEOPLE[user][0] if password is None else password
        address = ("127.0.0.1", BROKER.ports["stomp"])
        self.connection = stomp.Connection12([address], vhost="localhost", auto_content_length=True)
        self.messages, self.receipts, self.errors = (queue.Queue() for _ in range(3))
        self.connection.set_listener("", self)
        try:
            self.connection.connect(user, password, wait=True)
        except stomp.exception.ConnectFailedException:
            pass

    def on_message(self, frame):
        self.messages.put(frame.body)

    def on_receipt(self, frame):
        self.receipts.put(True)

    def on_error(self, frame):
        self.errors.put(frame.headers["message"] + " " + frame.body)
        self.receipts.put(False)

    def why(self):
        return self.errors.get(timeout=WAIT_S)

    def is_taken(self, act):
        """Whether what asks for a receipt gets it."""
        act(uuid.uuid4().hex)
        return self.receipts.get(timeout=WAIT_S)

    def sends(self, destination, body="x"):
        return self.is_taken(lambda receipt: self.connection.send(destination, body, receipt=receipt))

    def subscribes(self, destination):
        return self.is_taken(lambda receipt: self.connection.subscribe(destination, id="1", headers={"receipt": receipt}))

    def close(self):
        self.connection.disconnect()


def let_in(user, password=None):
    """A client that was let in."""
    client = Client(user, password)
    if not client.connection.is_connected():
        raise AssertionError(f"{user} was not let in: {client.why()}")
    return client


def refused(user, password=None):
    """Why somebody is not let in."""
    client = Client(user, password)
    if client.connection.is_connected():
        raise AssertionError(f"{user} was let in by {password!r}")
    return client.why()


def denied(user, act, text):
    """An act that ends the connection of a user with this text."""
    client = let_in(user)
    if act(client):
        raise AssertionError(f"{user} may: {text}")
    why = client.why()
    if f"User {user} is not authorized to {text}" not in why:
        raise AssertionError(f"wanted {text!r}, got {why!r}")


def status_of_http(user, password):
    request = urllib.request.Request(f"http://127.0.0.1:{BROKER.ports['http']}/api/overview")
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    request.add_header("Authorization", f"Basic {token}")
    try:
        return urllib.request.urlopen(request, timeout=WAIT_S).status
    except urllib.error.HTTPError as error:
        return error.code


def reason_of_mqtt(user, password):
    """The reason code of a CONNACK of MQTT 5."""
    answers = queue.Queue()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_connect = lambda client, data, flags, reason, properties: answers.put(reason.value)
    client.username_pw_set(user, password)
    client.connect("127.0.0.1", BROKER.ports["mqtt"])
    client.loop_start()
    try:
        return answers.get(timeout=WAIT_S)
    finally:
        client.disconnect()
        client.loop_stop()


def logs_in():
    let_in("ann").close()
    let_in("ANN", "ann-secret").close()
    let_in("o(*)\\").close()
    let_in(*ADMINISTRATOR).close()
    equal(reason_of_mqtt("ann", "ann-secret"), 0, "MQTT")


def wrong_passwords_and_names():
    known = "User name [{}] or password is invalid."
    for user, password in (
        ("ann", "wrong"), ("ann", ""), ("nobody", "x"), ("nobody", ""), ("*", "ann-secret"), ("a*", "ann-secret"),
        ("ann)(uid=*", "ann-secret"), ("mq", "mq-secret"), ("cn=mq,dc=example", "mq-secret"), (ADMINISTRATOR[0], "x"),
    ):
        why = refused(user, password)
        if known.format(user) not in why:
            raise AssertionError(f"{user}: {why}")
    equal(reason_of_mqtt("ann", "wrong"), 0x86, "MQTT")


def a_group_has_what_the_map_says():
    ann = let_in("ann")
    equal(ann.subscribes("/queue/ORDERS.eu"), True, "consume")
    equal(ann.sends("/queue/ORDERS.eu", "an order"), True, "send")
    equal(ann.messages.get(timeout=WAIT_S), "an order", "message")
    ann.close()
    denied("ann", lambda ann: ann.sends("/queue/OTHER"), "write to: queue://OTHER")
    denied("ann", lambda ann: ann.sends("/topic/NEWS"), "write to: topic://NEWS")
    denied("carl", lambda carl: carl.subscribes("/queue/ORDERS.eu"), "read from: queue://ORDERS.eu")
    denied("dora", lambda dora: dora.sends("/queue/ORDERS.eu"), "write to: queue://ORDERS.eu")
    equal(let_in("dora").subscribes("/queue/ORDERS.eu"), True, "read everything")
    denied("dora", lambda dora: dora.subscribes("/queue/NEW"), "create: queue://NEW")


def topics_and_wildcards():
    equal(let_in("ann").subscribes("/topic/NEWS"), True, "a topic that is permitted")
    denied("ann", lambda ann: ann.subscribes("/topic/NEWS.>"), "read from: topic://NEWS.>")
    denied("ann", lambda ann: ann.subscribes("/topic/>"), "read from: topic://>")


def users_are_members_too():
    bob = let_in("bob")
    equal(bob.sends("/queue/GUEST.1"), True, "send")
    bob.close()
    denied("bob", lambda bob: bob.sends("/queue/GUEST.1.2"), "write to: queue://GUEST.1.2")


def temporary_destinations():
    equal(let_in("ann").subscribes("/temp-queue/answers"), False, "created, and not readable")
    denied("bob", lambda bob: bob.subscribes("/temp-queue/answers"), "create: temp-queue://")


def the_console_has_a_group():
    equal(status_of_http("dora", "dora-secret"), 200, "a member")
    equal(status_of_http("ann", "ann-secret"), 401, "somebody else")
    equal(status_of_http(*ADMINISTRATOR), 200, "the broker's own administrator")


def a_change_of_the_map_counts():
    ann = let_in("ann")
    equal(ann.subscribes("/queue/ORDERS.eu"), True, "consume")
    for server in SERVERS:
        server.modify(
            "dn: cn=read,ou=ORDERS.$,ou=queues,dc=example\nchangetype: modify\nreplace: member\n"
            f"member: {dn('carl')}\n"
        )
    why = ann.why()
    if "canceled a subscription" not in why:
        raise AssertionError(why)
    denied("ann", lambda ann: ann.subscribes("/queue/ORDERS.eu"), "read from: queue://ORDERS.eu")
    equal(let_in("carl").subscribes("/queue/ORDERS.eu"), True, "who is permitted now")


def the_next_server_takes_over():
    SERVERS[0].kill()
    let_in("bob").close()
    equal(refused("bob", "wrong") != "", True, "a wrong password")
    SERVERS[0].start()


def without_any_server():
    for server in SERVERS:
        server.kill()
    why = refused("o(*)\\", "new-password")
    if "directory of users can't be asked now" not in why:
        raise AssertionError(why)
    equal(reason_of_mqtt("nobody", "x"), 0x88, "MQTT")
    equal(status_of_http("nobody", "x"), 503, "http")
    let_in(*ADMINISTRATOR).close()
    for server in SERVERS:
        server.start()
    until = time.monotonic() + WAIT_S
    while not Client("dora").connection.is_connected():
        if time.monotonic() > until:
            raise AssertionError("the directory is back, and nobody gets in")


CASES = [
    logs_in,
    wrong_passwords_and_names,
    a_group_has_what_the_map_says,
    topics_and_wildcards,
    users_are_members_too,
    temporary_destinations,
    the_console_has_a_group,
    a_change_of_the_map_counts,
    the_next_server_takes_over,
    without_any_server,
]

with tempfile.TemporaryDirectory() as work:
    certificates = make_certificates(work)
    SERVERS = [Slapd(work, host, certificates) for host in HOSTS]
    BROKER = Broker(work, certificates[0])
    try:
        for case in CASES:
            attempt(case.__name__.replace("_", " "), case)
        attempt("the broker ends cleanly", BROKER.stop)
    finally:
        with open(os.path.join(work, "broker.log")) as log:
            print(log.read(), file=sys.stderr)
        BROKER.process.kill()
        for server in SERVERS:
            server.process.kill()
