"""Who is measured: how each is built, started and named.

Every peer takes --port N, --chain none|production, --log FILE, --file FILE and --routes N, and answers the same routes
(bench/peers/README.md)."""
import dataclasses
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from benchlib import machine

from . import builders, jwt

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = os.path.join(ROOT, "bench/peers")
BUILT = os.path.join(ROOT, "build/peers")
RELEASE = os.path.join(ROOT, "build/release/bin")


@dataclasses.dataclass(frozen=True)
class Peer:
    name: str
    title: str
    language: str
    tool: str  # how it is built: go, cargo, npm, maven, cmake, nginx
    source: str = ""
    module: str = ""  # whose version go.mod, Cargo.lock or package-lock.json tells
    mod_file: str = "go.mod"
    program: str = ""
    kind: str = "peer"  # peer, subject (Weir), variant (Weir set up in another way) or reference (a line to measure against, not a framework)
    latest: bool = False  # a newer release of a framework that another peer has in the version asked for
    quick: bool = False
    only: tuple = ()  # scenarios that a reference can answer, or where a variant differs; empty: all
    arguments: tuple = ()  # beside those that all take
    http2: bool = False  # answers /json over HTTP/2 without TLS (prior knowledge), on the same port
    websocket: bool = False  # echoes text and binary messages at /ws
    patience: float = 20.0  # seconds that its start may take


PEERS = {peer.name: peer for peer in (
    Peer("weir", "Weir", "C++", "cmake", "weir", program="bench-peer-weir", kind="subject", quick=True, http2=True, websocket=True),
    Peer("weir-uncached", "Weir, every token verified", "C++", "cmake", "weir", program="bench-peer-weir", kind="variant", quick=True, only=("production",),
         arguments=("--token-cache", "0")),
    Peer("gin", "Gin", "Go", "go", "gin", "github.com/gin-gonic/gin", quick=True, http2=True, websocket=True),
    Peer("echo", "Echo", "Go", "go", "echo", "github.com/labstack/echo/v4", quick=True, http2=True, websocket=True),
    Peer("fiber", "Fiber", "Go", "go", "fiber", "github.com/gofiber/fiber/v2", quick=True, websocket=True),
    Peer("nethttp", "Go net/http", "Go", "go", "nethttp", quick=True, http2=True, websocket=True),
    Peer("ceiling", "bare epoll loop", "C++", "cmake", program="bench-ceiling", kind="reference", quick=True,
         websocket=True, only=("json", "websocket")),
    Peer("nginx", "nginx (return 200)", "C", "nginx", "nginx", kind="reference", only=("json", "connections", "file", "pipelined")),
    Peer("axum", "axum", "Rust", "cargo", "axum", "axum", program="peer-axum", http2=True, websocket=True),
    Peer("fastify", "Fastify", "JavaScript", "npm", "fastify", "fastify", program="server.mjs", websocket=True),
    Peer("spring", "Spring WebFlux", "Java", "maven", "spring", "spring-boot-starter-parent", program="peer-spring.jar", http2=True,
         websocket=True, patience=90.0),
    Peer("gin-latest", "Gin (latest)", "Go", "go", "gin", "github.com/gin-gonic/gin", "go.latest.mod", latest=True, http2=True, websocket=True),
    Peer("echo-latest", "Echo (latest)", "Go", "go", "echo5", "github.com/labstack/echo/v5", latest=True, http2=True, websocket=True),
    Peer("fiber-latest", "Fiber (latest)", "Go", "go", "fiber3", "github.com/gofiber/fiber/v3", latest=True, websocket=True),
)}


def competes(name):
    """Whether it is a framework that may be ahead; a server of the user's own is one."""
    return name not in PEERS or PEERS[name].kind in ("peer", "subject")


def command_of(peer):
    if peer.tool == "program":
        return [peer.program]
    if peer.tool == "cmake":
        return [os.path.join(RELEASE, peer.program)]
    if peer.tool == "go":
        return [os.path.join(BUILT, peer.name)]
    if peer.tool == "cargo":
        return [builders.cargo_program(peer)]
    if peer.tool == "npm":
        return builders.npm_program(peer)
    if peer.tool == "maven":
        return builders.maven_program(peer)
    if peer.tool == "nginx":
        return builders.nginx(peer)
    raise ValueError(f"unknown tool {peer.tool}")


def _run(command, log, folder, **environment):
    """A step of a build; its output is in a log, the last lines of which a failure shows."""
    with open(log, "ab") as output:
        process = machine.start(command, stdout=output, stderr=output, cwd=folder, env={**os.environ, **environment})
        try:
            status = process.wait(timeout=1800)
        except BaseException:
            machine.end(process)
            raise
        machine.end(process)
    if status != 0:
        with open(log, encoding="utf-8", errors="replace") as text:
            tail = " / ".join(line.strip() for line in text.readlines()[-4:])
        raise machine.Missing(f"{' '.join(command[:3])} failed: {tail}")


def build(peer):
    """Builds what is not built yet; raises Missing where that cannot be done here."""
    os.makedirs(BUILT, exist_ok=True)
    log = os.path.join(BUILT, f"{peer.name}.log")
    folder = os.path.join(SOURCES, peer.source)
    if peer.tool in ("cmake", "program"):
        if not os.path.exists(command_of(peer)[0]):
            raise machine.Missing(f"{peer.program} is not built: ./dev build release {peer.program}")
    elif peer.tool == "go":
        _run([go(), "build", "-trimpath", f"-modfile={peer.mod_file}", "-o", command_of(peer)[0], "."], log, folder)
    elif peer.tool == "nginx":
        builders.nginx(peer)
    else:
        {"cargo": builders.cargo, "npm": builders.npm, "maven": builders.maven}[peer.tool](peer, _run, log)


# What is fetched where the machine's Go is older than 1.21 and cannot fetch a toolchain by itself (Debian 12 has 1.19).
TOOLCHAIN = "golang.org/toolchain@v0.0.1-go1.25.0.linux-{}"


def go():
    """A Go that can build the peers, from this machine or from the module proxy."""
    found, why = _find_go()
    if why:
        raise machine.Missing(why)
    return found


@functools.cache
def _find_go():
    """(program, why there is none): looked for once, since a module proxy that does not answer lets each try wait."""
    found = shutil.which("go") or "/usr/local/go/bin/go"
    if not os.path.exists(found):
        return "", "Go is not there (Debian: golang-go; or https://go.dev/dl)"
    text = subprocess.run([found, "version"], capture_output=True, text=True, check=False).stdout
    minor = re.search(r"go1\.(\d+)", text)
    if not minor or int(minor[1]) >= 21:
        return found, ""
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, "amd64")
    try:
        done = subprocess.run([found, "mod", "download", "-json", TOOLCHAIN.format(architecture)], cwd=BUILT,
                              capture_output=True, text=True, check=False, timeout=600)
    except subprocess.TimeoutExpired:
        return "", "this machine's Go is too old, and the module proxy gives no newer one within 10 minutes"
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        return "", f"this machine's Go is too old, and the module proxy gives no newer one: {said[-300:]}"
    folder = json.loads(done.stdout)["Dir"]
    # An old Go unpacks modules without the right to execute.
    for root, _, files in os.walk(folder):
        if root.endswith("/bin") or "/pkg/tool" in root:
            for name in files:
                os.chmod(os.path.join(root, name), 0o755)
    return os.path.join(folder, "bin/go"), ""


def version(peer):
    """The version that is measured, for the report."""
    if peer.tool == "go":
        text = subprocess.run([go(), "version"], capture_output=True, text=True, check=False).stdout
        compiler = re.search(r"go(\d\S*)", text)
        of_go = f"Go {compiler[1]}" if compiler else "Go"
        if not peer.module:
            return of_go
        return f"{builders.locked(peer)} ({of_go})"
    if peer.kind in ("subject", "variant"):
        done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty", "--exclude=*"], capture_output=True, text=True, check=False)
        return done.stdout.strip() or "unknown revision"
    return "" if peer.tool in ("cmake", "program") else builders.version(peer)


class Died(RuntimeError):
    """The server ended by itself while it was measured."""


class Late(Died):
    """It did not listen in the time that a start may take."""


class Running:
    """A peer that runs, pinned to the server's core. Use `with`; leaving it ends the process and removes its log."""
    verify = True
    path = ""  # of its own, instead of the scenario's

    host = "127.0.0.1"

    def __init__(self, peer, chain="none", routes=0, file="", patience=20.0, poll=0.02, log=""):
        self.peer, self.name, self.chain, self.peer_kind = peer, peer.name, chain, peer.kind
        self.folder = tempfile.TemporaryDirectory(prefix="weir-lab-")
        self.log = log or os.path.join(self.folder.name, "access.log")
        self.errors = os.path.join(self.folder.name, "stderr")
        self.port = machine.free_port()
        command = (builders.nginx_command(peer, self.folder.name, self.port, file) if peer.tool == "nginx" else
                   [*command_of(peer), "--port", str(self.port)])
        if peer.kind != "reference":
            command += ["--chain", chain, "--log", self.log if chain == "production" else os.devnull]
            command += ["--routes", str(routes)] if routes else []
            command += ["--file", file] if file else []
            command += peer.arguments
        self.command = command
        self.process = None
        patience = max(patience, peer.patience)
        self.began = time.monotonic()
        try:
            with open(self.errors, "wb") as errors:
                self.process = machine.start(machine.pinned(machine.SERVER_CORE, command), stdout=errors, stderr=errors,
                                             env={**os.environ, "LAB_JWT_SECRET": jwt.SECRET, "GIN_MODE": "release",
                                                  "NODE_ENV": "production"})
            machine.wait_for_port(self.process, self.port, patience, poll)
        except RuntimeError as error:
            why = self.last_words()
            self.close()
            late = "does not listen" in str(error)
            raise (Late(f"it does not listen after {patience:g} s") if late else Died(f"it does not start: {why or error}")) from error
        except BaseException:
            self.close()
            raise
        self.start_ms = (time.monotonic() - self.began) * 1000

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process is not None:
            machine.end(self.process)
        self.folder.cleanup()

    def last_words(self):
        try:
            with open(self.errors, encoding="utf-8", errors="replace") as text:
                lines = [line.strip() for line in text if line.strip()]
        except OSError:
            return ""
        # A Go program's first line says what was wrong; those behind it are stacks.
        return next((line for line in lines if line.startswith(("panic:", "fatal error:"))), lines[-1] if lines else "")[:300]

    def check_alive(self):
        status = self.process.poll()
        if status is not None:
            how = f"signal {-status}" if status < 0 else f"status {status}"
            raise Died(f"it ended with {how}: {self.last_words()}")

    @property
    def pid(self):
        return self.process.pid

    def cpu_seconds(self):
        self.check_alive()
        return machine.tree_cpu_seconds(self.pid)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"
