"""Runs the scripts of mosquitto's `test/broker` and prints one line for each.

The scripts are as they are. What they compare is compared by its meaning: properties in any order, and without the text that
says why something was refused. Groups that are about what only mosquitto has are left out by name.
"""

import concurrent.futures
import os
import pathlib
import re
import runpy
import shutil
import struct
import subprocess
import sys

# Bridges (one over TLS, one over pre-shared keys), programs over mosquitto's C library, its plugins, its dynamic security.
LEFT_OUT = ("06-", "08-ssl-bridge", "08-tls-psk-", "09-", "14-")
FIRST_PORT = 1888
# Each broker sets hundreds of megabytes of disk aside for its journal.
AT_ONCE = 8
WAIT_S = 40
# MQTT 5 properties by the kind of their value.
SIZES = {0x01: 1, 0x02: 4, 0x11: 4, 0x13: 2, 0x17: 1, 0x18: 4, 0x19: 1, 0x21: 2, 0x22: 2, 0x23: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
PAIR, NUMBER, REASON = 0x26, 0x0B, 0x1F


def properties(body, start):
    """The properties that begin there as a sorted list, and what follows them."""
    length, at = varint(body, start)
    end, found = at + length, []
    if end > len(body):
        raise ValueError("properties are longer than their packet")
    while at < end:
        kind, begin = body[at], at
        at += 1
        if kind in SIZES:
            at += SIZES[kind]
        elif kind == NUMBER:
            _, at = varint(body, at)
        else:
            for _ in range(2 if kind == PAIR else 1):
                at += 2 + struct.unpack_from("!H", body, at)[0]
        found.append(body[begin:at])
    return found, body[end:]


def varint(body, at):
    value = shift = 0
    while True:
        value |= (body[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if not body[at - 1] & 128:
            return value, at


def meaning(packet):
    """A packet of MQTT 5 without what may differ; any other as it is."""
    try:
        kind, (_, start) = packet[0] >> 4, varint(packet, 1)
        body = packet[start:]
        if kind == 2 and len(body) > 2:
            found, rest = properties(body, 2)
            return kind, body[:2], sorted(one for one in found if one[0] != REASON), rest
        if kind in (4, 5, 6, 7) and len(body) > 2:
            # A reason of success and no properties may be left out; why something failed is said in our own words.
            found = properties(body, 3)[0] if len(body) > 3 else []
            return kind, packet[0], body[:2], body[2], sorted(one for one in found if one[0] != REASON)
        if kind in (4, 5, 6, 7):
            return kind, packet[0], body[:2], 0, []
        if kind == 14 and len(body) > 0:
            found = properties(body, 1)[0] if len(body) > 1 else []
            return kind, body[0], sorted(one for one in found if one[0] != REASON)
    except (IndexError, struct.error, ValueError):
        pass
    return packet


def receive(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            break
        data += more
    return data


def packet_from(sock):
    """One packet, or what came before the end."""
    head = receive(sock, 2)
    while len(head) >= 2 and head[-1] & 128 and len(head) < 5:
        head += receive(sock, 1)
    return head + receive(sock, varint(head, 1)[0]) if len(head) >= 2 else head


def one(script):
    """Run one script in this process."""
    sys.path[:0] = [os.getcwd(), os.path.abspath("..")]
    import mosq_test

    def expect_packet(sock, name, expected):
        if not expected:
            got = sock.recv(1)
            return mosq_test.packet_matches(name, got, expected) or fail(mosq_test)
        # Several packets may be expected at once.
        rest, wanted = expected, []
        while rest:
            length, start = varint(rest, 1)
            if start + length > len(rest):
                # Only the beginning of a packet is known.
                break
            wanted.append(rest[: start + length])
            rest = rest[start + length :]
        got = [packet_from(sock) for _ in wanted]
        if [meaning(one) for one in got] != [meaning(one) for one in wanted]:
            mosq_test.packet_matches(name, b"".join(got), expected)
            fail(mosq_test)
        if rest and not mosq_test.packet_matches(name, receive(sock, len(rest)), rest):
            fail(mosq_test)
        return True

    mosq_test.expect_packet = expect_packet
    runpy.run_path(script, run_name="__main__")


def fail(mosq_test):
    raise mosq_test.TestError


def judge(script, ports):
    command = [sys.executable, "-B", os.path.abspath(__file__), "--one", script, *map(str, ports)]
    data = os.path.join(os.environ["TERNMQ_DATA"], script)
    environment = {**os.environ, "TERNMQ_DATA": data}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, env=environment
    )
    try:
        output, _ = process.communicate(timeout=WAIT_S)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, code = process.communicate()[0], "no end in time"
    try:
        # A script that failed may leave its broker behind.
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        pass
    shutil.rmtree(data, ignore_errors=True)
    print(f"--- {script}\n{output}", file=sys.stderr, flush=True)
    if code == 0:
        return f"ok {script}"
    output = "\n".join(line for line in output.splitlines() if " INFO " not in line)
    told = [line for line in output.splitlines() if line.startswith(("FAIL", "Received", "Expected"))]
    why = "; ".join(told[:3]) or " ".join(output.split())[-200:]
    return f"FAILED {script}: {code}: {why}"


def main():
    listed = re.findall(r"^\s*\((\d), '\./([^']+)'", pathlib.Path("test.py").read_text(), re.M)
    wanted = [(ports, script) for ports, script in listed if not script.startswith(LEFT_OUT)]
    # One of those that are listed is not in the archive.
    scripts = [(script, int(ports)) for ports, script in wanted if os.path.exists(script)]
    jobs, port = [], FIRST_PORT
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for script, count in scripts:
            jobs.append(pool.submit(judge, script, range(port, port + count)))
            port += count
        for job in concurrent.futures.as_completed(jobs):
            print(job.result(), flush=True)


if sys.argv[1:2] == ["--one"]:
    sys.argv = sys.argv[2:]
    one(sys.argv[0])
else:
    main()
