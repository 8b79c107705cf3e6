"""Whether a peer answers rightly, before anything is measured."""
import http.client
import json
import os
import time


PATIENCE = 10  # seconds until an answer that does not come is a peer that hangs


class Wrong(RuntimeError):
    """The peer answers, and not what the scenario asks for."""


def _ask(running, request):
    connection = http.client.HTTPConnection(getattr(running, "host", "127.0.0.1"), running.port, timeout=PATIENCE)
    try:
        connection.request(request.method, request.path, body=request.body or None, headers=dict(request.fields))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def verify(running, scenario, log=True):
    """Raises Wrong with what was asked and answered, or OSError where nothing is answered in time."""
    # A reference answers one thing, whatever it is asked.
    for expected in scenario.checks[:1] if running.peer_kind == "reference" else scenario.checks:
        asked = f"{expected.request.method} {expected.request.path}"
        try:
            status, fields, body = _ask(running, expected.request)
        except http.client.HTTPException as error:
            raise Wrong(f"{asked}: not HTTP ({type(error).__name__})") from error
        if status not in expected.status:
            wanted = " or ".join(str(status) for status in expected.status)
            raise Wrong(f"{asked}: status {status} instead of {wanted}")
        if expected.field and expected.field not in fields:
            raise Wrong(f"{asked}: the answer has no {expected.field}")
        if expected.size >= 0 and len(body) != expected.size:
            raise Wrong(f"{asked}: {len(body)} bytes instead of {expected.size}")
        if expected.json is not None:
            try:
                value = json.loads(body)
            except ValueError as error:
                raise Wrong(f"{asked}: the body is not JSON: {body[:80]!r}") from error
            if value != expected.json:
                raise Wrong(f"{asked}: {body[:200]!r}")
    if scenario.chain == "production" and log and running.log != os.devnull:
        _verify_log(running, len(scenario.checks))


def _verify_log(running, at_least):
    """The access log has a line of JSON for each request, with an id in it. Buffers may hold it back for a while."""
    until = time.monotonic() + 5
    while True:
        lines = []
        if os.path.exists(running.log):
            with open(running.log, encoding="utf-8", errors="replace") as file:
                lines = [line for line in file if "/users/42" in line]
        if lines or time.monotonic() > until:
            break
        time.sleep(0.1)
    if not lines:
        raise Wrong("the access log says nothing about the requests")
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise Wrong(f"a line of the log is not JSON: {line[:120]!r}") from error
        if not any("request" in name.lower() and "id" in name.lower() for name in entry):
            raise Wrong(f"a line of the log has no request id: {line[:200]!r}")
