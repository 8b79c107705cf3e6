"""What is asked of every peer, and what is a right answer."""
import dataclasses
import json
from random import Random

from . import jwt

NEW_USER = {"name": "Ada Lovelace", "email": "ada@example.com", "age": 36}
TOKENS = 500  # A service has many users; each of them comes again.


@dataclasses.dataclass(frozen=True)
class Request:
    method: str
    path: str
    fields: tuple = ()  # (name, value)
    body: str = ""

    def line(self):
        """For bench/wrk/lab.lua."""
        return "\t".join((self.method, self.path, "|".join(f"{name}: {value}" for name, value in self.fields), self.body))


@dataclasses.dataclass(frozen=True)
class Expected:
    """A request, and what its answer must be like."""
    request: Request
    status: tuple
    json: object = None  # the whole body as a value, where it is given
    field: str = ""  # a field that must be there
    size: int = -1


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    what: str
    chain: str = "none"
    connections: int = 64
    requests: tuple = ()
    checks: tuple = ()
    quick: bool = False
    routes: int = 0
    script: str = "lab.lua"
    hold: int = 0  # connections that are opened and left idle, before the load
    open_loop: bool = False  # measured at a fixed rate, too
    main: bool = False  # one of those that decide: the latest releases take part
    # Many short rounds rather than few long ones: the closer in time what is compared, the less the machine's speed comes between.
    rounds: int = 7
    seconds: int = 1  # of each
    load: str = "wrk"  # or "http2" (h2load), "websocket" (bench-ws-load), "start" (nothing is loaded, only started)
    need: str = ""  # what a peer must have to take part: "http2", "websocket"
    together: int = 0  # bytes of memory that all peers at once take; where less is free they are measured one after the other
    start_limit: float = 20.0  # seconds until it must listen
    figure: str = "cpu_us_per_request"  # what is compared; less is better
    figure_name: str = "Server CPU per request"
    unit: str = "µs"


def _bearer(subject):
    return ("Authorization", f"Bearer {jwt.sign(subject)}")


_JSON = Request("GET", "/json")
_USER = Request("GET", "/users/42")
_CREATE = Request("POST", "/users", (("Content-Type", "application/json"),), json.dumps(NEW_USER, separators=(",", ":")))
_ADA = {"id": 42, "name": "Ada Lovelace", "email": "ada@example.com"}


def _broken(**change):
    body = {**NEW_USER, **change}
    return Request("POST", "/users", (("Content-Type", "application/json"),),
                   json.dumps({key: value for key, value in body.items() if value is not None}))


_REFUSED = (400, 422)
_TEXT = Request("GET", "/4k")
FILE_BYTES = 12 * 1024 * 1024


def _route(number):
    return Request("GET", f"/api/svc{number // 10000}/res{number // 100 % 100}/{number * 7}/act{number % 100}")


def _routes(name, count, title, start_limit, **more):
    random = Random(20240611)
    asked = tuple(_route(random.randrange(count)) for _ in range(5000))
    return Scenario(name, title, f"GET of {len(asked):,} of {count:,} registered routes with a parameter, at random", requests=asked,
                    routes=count, start_limit=start_limit, **more, checks=(Expected(asked[0], (200,)), Expected(_route(count - 1), (200,)),
                                          Expected(Request("GET", "/api/svc0/res0/1/act100"), (404,))))


SCENARIOS = {scenario.name: scenario for scenario in (
    Scenario("json", "JSON reply", "GET /json: an object of one field", requests=(_JSON,), quick=True, main=True, rounds=9, checks=(
        Expected(_JSON, (200,), {"message": "Hello, World!"}),
        Expected(Request("GET", "/nothing-here"), (404,)))),
    Scenario("production", "Full production chain",
             f"GET /users/42 through request id, structured log to a file, metrics, recovery, time-out, JWT and rate limit, by {TOKENS} users in turns. "
             "Weir remembers the tokens that it has verified, as it does by default; the others verify each, and so does \"Weir, every token verified\"",
             "production", requests=tuple(Request("GET", "/users/42", (_bearer(f"user-{n}"),)) for n in range(TOKENS)),
             quick=True, open_loop=True, main=True, rounds=9, checks=(
                 Expected(Request("GET", "/users/42", (_bearer("ada"),)), (200,), _ADA, "x-request-id"),
                 Expected(_USER, (400, 401)),
                 Expected(Request("GET", "/users/42", (("Authorization", f"Bearer {jwt.sign('eve', 'x' * 40)}"),)), (401,)),
                 Expected(Request("GET", "/panic", (_bearer("ada"),)), (500,)))),
    Scenario("bind", "JSON body bound and validated", "POST /users: read, validated, answered with 201", requests=(_CREATE,),
             quick=True, main=True, checks=(
                 Expected(_CREATE, (201,), {"id": 1, **NEW_USER}),
                 Expected(_broken(name=None), _REFUSED),
                 Expected(_broken(name="x" * 81), _REFUSED),
                 Expected(_broken(email="nobody"), _REFUSED),
                 Expected(_broken(age=151), _REFUSED),
                 Expected(_broken(age=-1), _REFUSED),
                 Expected(Request("POST", "/users", (("Content-Type", "application/json"),), '{"name":'), _REFUSED))),
    Scenario("param", "Path parameter", "GET /users/42: a number from the path", requests=(_USER,), checks=(
        Expected(_USER, (200,), _ADA),
        Expected(Request("GET", "/users/not-a-number"), (400, 404, 422)))),
    Scenario("connections", "10,000 connections", "GET /4k on 10,000 keep-alive connections; Pss while they are idle and under load",
             connections=10000, requests=(_TEXT,), hold=10000, rounds=5, seconds=3, checks=(Expected(_TEXT, (200,), size=4096),)),
    _routes("routes-10k", 10_000, "10,000 routes", 30.0),
    _routes("routes-100k", 100_000, "100,000 routes", 45.0),
    _routes("routes-1m", 1_000_000, "A million routes", 60.0, together=16 * 10**9, rounds=5, seconds=3),
    Scenario("file", "File of 12 MB", "GET /file", connections=8, requests=(Request("GET", "/file"),),
             checks=(Expected(Request("GET", "/file"), (200,), size=FILE_BYTES),)),
    Scenario("pipelined", "Pipelining by 16", "GET /json, 16 requests in a write", requests=(_JSON,), script="pipeline.lua",
             checks=(Expected(_JSON, (200,), {"message": "Hello, World!"}),)),
    Scenario("http2", "HTTP/2", "GET /json over HTTP/2 in the clear (prior knowledge), 32 streams on each connection", connections=32,
             requests=(_JSON,), load="http2", need="http2", checks=(Expected(_JSON, (200,), {"message": "Hello, World!"}),)),
    Scenario("websocket", "WebSocket echo", "messages of 64 bytes on /ws, sent back and forth without a pause", connections=1000,
             load="websocket", need="websocket", figure_name="Server CPU per message"),
    Scenario("start", "Start-up, size and memory", "from exec until GET /json is answered rightly; what is deployed; Pss at rest",
             connections=1, requests=(_JSON,), load="start", figure="start_ms", figure_name="Start-up", unit="ms",
             checks=(Expected(_JSON, (200,), {"message": "Hello, World!"}),)),
)}
