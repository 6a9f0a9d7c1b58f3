"""Raw requests, signed by botocore's own signer, sent as they are."""

import datetime
import http.client
import json
import threading
import uuid
from unittest import mock
from urllib.parse import quote, urlencode

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from contract import MODEL
from service import REGION, WAIT_S

local = threading.local()


class Answer:
    """Status, headers in lower case, body."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def code(self):
        return self.headers.get("x-amzn-errortype")

    @property
    def request(self):
        return self.headers.get("x-amzn-requestid")

    def __repr__(self):
        return f"{self.status} {self.code} {self.body[:200]!r}"


class Wire:
    """A way to a service for requests that no SDK would send."""

    def __init__(self, service):
        self.service = service

    def signed(
        self, method, path, body=b"", key=None, region=REGION, name="mq", age_s=0, query_form=False, lives_s=900
    ):
        """A request with its signature, made `age_s` seconds ago. Each is another one: it carries an id."""
        request = AWSRequest(method, self.service.url + path, headers={}, data=body)
        if not query_form:
            request.headers["amz-sdk-invocation-id"] = uuid.uuid4().hex
        if body:
            request.headers["Content-Type"] = "application/json"
        credentials = Credentials(*(key or self.service.key))
        signer = (
            auth.SigV4QueryAuth(credentials, name, region, expires=lives_s)
            if query_form
            else auth.SigV4Auth(credentials, name, region)
        )
        with mock.patch.object(auth, "get_current_datetime", lambda: moment(age_s)):
            signer.add_auth(request)
        target = request.url[len(self.service.url) :]
        return method, target, dict(request.headers), body

    def send(self, method, target, headers, body):
        """Send it over this thread's connection; a connection that the service ended is made anew, once."""
        for is_last in (False, True):
            connection = getattr(local, "connection", None)
            if connection is None or local.address != self.service.address:
                connection = http.client.HTTPConnection(self.service.address, timeout=WAIT_S)
                local.connection, local.address = connection, self.service.address
            try:
                connection.request(method, target, body or None, headers)
                answer = connection.getresponse()
                body = answer.read()
                return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)
            except (http.client.RemoteDisconnected, ConnectionError):
                connection.close()
                local.connection = None
                if is_last:
                    raise
        raise AssertionError("unreachable")

    def call(self, method, path, body=b"", **more):
        return self.send(*self.signed(method, path, body, **more))

    def operation(self, name, members):
        """Call an operation with members by their names on the wire, of whatever type."""
        return self.call(*request_of(name, members))


def moment(age_s):
    """So many seconds ago, as botocore's signer has it."""
    return now() - datetime.timedelta(seconds=age_s)


def now():
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def text(value):
    return value if isinstance(value, str) else json.dumps(value)


def request_of(operation, members):
    """Method, path and body, with each member where the model has it."""
    model = MODEL.operation_model(operation)
    path, query, body = model.http["requestUri"], [], {}
    shapes = {
        shape.serialization.get("name", name): shape
        for name, shape in (model.input_shape.members if model.input_shape else {}).items()
    }
    for name, value in members.items():
        location = shapes[name].serialization.get("location") if name in shapes else None
        if location == "uri":
            path = path.replace("{" + name + "}", quote(text(value), safe="~"))
        elif location == "querystring":
            query += [(name, text(item)) for item in (value if isinstance(value, list) else [value])]
        else:
            body[name] = value
    if query:
        path += "?" + urlencode(query, quote_via=quote)
    has_body = model.http["method"] in ("POST", "PUT") and model.has_event_stream_input is False
    needs_body = any("location" not in shape.serialization for shape in shapes.values())
    return model.http["method"], path, json.dumps(body).encode() if has_body and needs_body else b""
