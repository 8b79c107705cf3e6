"""The WebSocket rows: echo beside other libraries, what idle connections cost, a broadcast."""
import json
import os
import shutil
import subprocess
import time

from . import machine, servers, stats

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = os.path.join(ROOT, "bench/peers-ws")
FOLDER = os.path.join(ROOT, "build/peers/ws")
CONNECTIONS = 1000
IDLE = 20_000
SUBSCRIBERS = 10_000


def _call(command, folder, **environment):
    if not shutil.which(command[0]):
        raise machine.Missing(f"{command[0]} is not there")
    done = subprocess.run(command, cwd=folder, env=dict(os.environ, **environment), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise machine.Missing(f"{' '.join(command)} failed: {done.stdout[-500:]}")


def _go(name):
    program = os.path.join(FOLDER, name)
    _call(["go", "build", "-mod=readonly", "-o", program, f"./{name}"], os.path.join(SOURCES, "go"))
    return lambda port: ["env", "GOMAXPROCS=1", program, f"127.0.0.1:{port}"]


def _node():
    folder = os.path.join(FOLDER, "node")
    shutil.copytree(os.path.join(SOURCES, "node"), folder, dirs_exist_ok=True)
    if not os.path.isdir(os.path.join(folder, "node_modules/ws")):
        _call(["npm", "ci", "--silent"], folder)
    return lambda port: ["node", os.path.join(folder, "echo.js"), str(port)]


def _rust():
    target = os.path.join(FOLDER, "rust")
    _call(["cargo", "build", "--release", "--locked", "--quiet", "--target-dir", target], os.path.join(SOURCES, "rust"))
    return lambda port: [os.path.join(target, "release/peers-ws"), f"127.0.0.1:{port}"]


# Each peer, how it is built, and by how much it must cost more CPU per message than we do. The bare loop is no peer: it says how
# much of the others' lead over the kernel there is to win.
PEERS = {
    "bench-ceiling": (None, None),
    "gorilla/websocket": (lambda: _go("gorilla"), 2.0),
    "gws": (lambda: _go("gws"), 2.0),
    "npm ws": (_node, 4.0),
    "fastwebsockets": (_rust, 1.0),
}


def _load(options):
    return os.path.join(options.build, "bin/bench-ws-load")


def _run(options, server, size, in_flight):
    """One round of echo against a server; its CPU per message, handshakes not counted."""
    process = machine.start(machine.pinned(machine.LOAD_CORE, [
        _load(options), "--port", str(server.port), "--connections", str(CONNECTIONS), "--size", str(size), "--seconds",
        str(options.seconds), "--in-flight", str(in_flight)]), stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline().strip() != "connected":
            raise RuntimeError(f"bench-ws-load could not open its connections to {server.name}")
        cores, cpu = machine.core_times(), server.cpu_seconds()
        output, _ = process.communicate(timeout=options.seconds + 60)
    finally:
        machine.end(process)
    cpu, after = server.cpu_seconds() - cpu, machine.core_times()
    report = json.loads(output.splitlines()[-1])
    return {"us": cpu * 1e6 / report["messages"], "per_s": report["messages"] / report["seconds"],
            "idle_server_core": machine.idle_share(cores, after, machine.SERVER_CORE)}


def _peer(name, build, options):
    if build is None:
        return servers.ceiling(options.build)
    command, port = build(), machine.free_port()
    return servers.Server(name, command(port), port)


def _echo(size, label, in_flight=1):
    def row(options):
        machine.allow_many_files()
        results = []
        with servers.weir(options.build) as subject:
            for name, (build, at_least) in PEERS.items():
                row_name = f"ws-{label}-{name.split('/')[0].replace(' ', '-')}"
                try:
                    with _peer(name, build, options) as peer:
                        rounds = {subject: [], peer: []}
                        for number in range(options.rounds):
                            options.progress(f"{row_name}: round {number + 1} of {options.rounds}")
                            for server in rounds:
                                rounds[server].append(_run(options, server, size, in_flight))
                        ours, theirs = rounds[subject], rounds[peer]
                except machine.Missing as missing:
                    results.append({"row": row_name, "what": name, "missing": str(missing)})
                    continue
                ratio = stats.ratios((r["us"] for r in theirs), (r["us"] for r in ours))
                detail = [f"{who}: {stats.summary(r['us'] for r in them)['median']:.3g} µs of CPU a message, "
                          f"{stats.si(stats.summary(r['per_s'] for r in them)['median'])} messages/s, idle server core "
                          f"{stats.summary(r['idle_server_core'] for r in them)['median']:.0%}"
                          for who, them in ((name, theirs), (subject.name, ours))]
                bar = {} if at_least is None else {"at_least": at_least}
                results.append({"row": row_name, "what": f"echo of {size} bytes, {CONNECTIONS} connections, {in_flight} in flight on each: CPU of {name}",
                                "value": ratio["median"], "unit": "x ours", "spread": (ratio["min"], ratio["max"]), **bar,
                                "detail": detail, "rounds": {name: theirs, subject.name: ours}})
        return results
    return row


def _idle_row(options, compress, at_most):
    limit = machine.allow_many_files()
    count = min(IDLE, limit - 500)
    row = "ws-idle-deflate" if compress else "ws-idle"
    flags = ["--compress"] if compress else []

    def opened(number, server):
        process = subprocess.Popen([_load(options), "--mode", "idle", "--port", str(server.port), "--connections", str(number),
                                    *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("bench-ws-load could not open its connections")
        return process

    with servers.weir(options.build) as server:
        warm = opened(64, server)
        warm.communicate("")
        time.sleep(0.5)
        before = machine.user_memory(server.pid)
        options.progress(f"{row}: {count} connections, and a round of pings")
        client = opened(count, server)
        time.sleep(12)  # bench-server pings after 10 s.
        after = machine.user_memory(server.pid)
        output, _ = client.communicate("")
    pings = json.loads(output.splitlines()[-1])["pings"]
    each = (after - before) / count
    return {"row": row, "what": f"{count} idle WebSockets with keepalive" + (", compression negotiated" if compress else ""),
            "value": each, "unit": "B each", "spread": (each, each), "at_most": at_most,
            "detail": [f"Pss {stats.si(before)}B -> {stats.si(after)}B; {pings} pings answered"]}


def _idle(options):
    return [_idle_row(options, False, 3072), _idle_row(options, True, 4096)]


def _broadcast(options):
    machine.allow_many_files()
    with servers.weir(options.build) as server:
        process = machine.start(machine.pinned(machine.LOAD_CORE, [
            _load(options), "--mode", "subscribe", "--path", "/topic", "--port", str(server.port), "--connections",
            str(SUBSCRIBERS), "--size", "64"]), stdout=subprocess.PIPE, text=True)
        try:
            output, _ = process.communicate(timeout=120)
        finally:
            machine.end(process)
    report = json.loads(output.splitlines()[-1])
    return [{"row": "ws-broadcast", "what": f"one message of 64 bytes to {SUBSCRIBERS} subscribers, until the last one has it",
             "value": report["milliseconds"], "unit": "ms", "spread": (report["least"], report["most"]), "detail": []}]


ROWS = {
    "ws-echo-64": _echo(64, "64"),
    "ws-echo-16k": _echo(16 * 1024, "16k"),
    "ws-echo-64-x8": _echo(64, "64-x8", in_flight=8),
    "ws-echo-16k-x8": _echo(16 * 1024, "16k-x8", in_flight=8),
    "ws-idle": _idle,
    "ws-broadcast": _broadcast,
}
