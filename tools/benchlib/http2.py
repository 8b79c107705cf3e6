"""HTTP/2: bench-server beside nghttpd, and beside nginx for files, by h2load; CPU time per request. h2o and Go's net/http are
references without a bar."""
import os
import re
import shutil
import subprocess
import tempfile

from . import idle, machine, servers, stats, tls

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
JSON = b'{"message":"Hello, World!"}'


class Nghttpd(servers.Server):
    """nghttpd with one thread, serving a file of the size of /json's answer."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-bench-nghttpd-")
        with open(os.path.join(self.folder.name, "json"), "wb") as file:
            file.write(JSON)
        binary = shutil.which("nghttpd") or "/usr/sbin/nghttpd"
        port = machine.free_port()
        try:
            super().__init__("nghttpd", [binary, "--no-tls", "-a", "127.0.0.1", "-n", "1", "-d", self.folder.name, str(port)], port)
        except BaseException:
            self.folder.cleanup()
            raise

    def close(self):
        super().close()
        self.folder.cleanup()


H2O = """
listen:
  host: 127.0.0.1
  port: {port}
num-threads: 1
error-log: {folder}/error.log
hosts:
  default:
    paths:
      "/":
        file.dir: {folder}/files
"""


class H2o(servers.Server):
    """Debian's h2o with one thread, serving the same file."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-bench-h2o-")
        folder, port = self.folder.name, machine.free_port()
        # It works as another user when this is root.
        os.chmod(folder, 0o755)
        os.mkdir(f"{folder}/files")
        with open(f"{folder}/files/json", "wb") as file:
            file.write(JSON)
        with open(f"{folder}/h2o.conf", "w", encoding="ascii") as file:
            file.write(H2O.format(folder=folder, port=port))
        try:
            super().__init__("h2o", ["h2o", "-c", f"{folder}/h2o.conf"], port, stderr=subprocess.DEVNULL)
        except BaseException:
            self.folder.cleanup()
            raise

    def close(self):
        super().close()
        self.folder.cleanup()


def go_h2c():
    """Go's net/http with one thread for Go code, built from bench/peers-h2."""
    program = os.path.join(ROOT, "build/peers/h2c")
    if not shutil.which("go"):
        raise machine.Missing("go is not there")
    done = subprocess.run(["go", "build", "-mod=readonly", "-o", program, "."], cwd=os.path.join(ROOT, "bench/peers-h2"),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise machine.Missing(f"go build failed: {done.stdout[-500:]}")
    port = machine.free_port()
    return servers.Server("Go net/http", ["env", "GOMAXPROCS=1", program, f"127.0.0.1:{port}"], port)


def run(server, path, connections, streams, requests):
    """One run of h2load: requests, errors, and what they cost the server."""
    if not shutil.which("h2load"):
        raise machine.Missing("h2load is not installed")
    command = machine.pinned(machine.LOAD_CORE, ["h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-n{requests}",
                                                 server.url(path)])
    cores, cpu = machine.core_times(), server.cpu_seconds()
    process = machine.start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        output, _ = process.communicate(timeout=120)
    finally:
        machine.end(process)
    cpu, after = server.cpu_seconds() - cpu, machine.core_times()
    found = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", output)
    speed = re.search(r"([\d.]+) req/s", output)
    if not found or int(found[1]) == 0:
        raise RuntimeError(f"{server.name} answered nothing for {path}:\n{output}")
    bad = int(found[2]) + int(found[3])
    return {"requests": int(found[1]), "errors": bad, "cpu_us_per_request": cpu * 1e6 / int(found[1]),
            "requests_per_s": float(speed[1]), "idle_server_core": machine.idle_share(cores, after, machine.SERVER_CORE)}


def compare(name, what, subject, base, path, connections, streams, requests, options, at_most):
    """Rounds of both in turns; the ratio of their CPU time per request."""
    rounds = {base.name: [], subject.name: []}
    for server in (base, subject):
        run(server, path, connections, streams, max(connections, requests // 10))
    for number in range(options.rounds):
        for server in (base, subject):
            options.progress(f"round {number + 1}/{options.rounds} {server.name}")
            rounds[server.name].append(run(server, path, connections, streams, requests))
    cost = {side: [r["cpu_us_per_request"] for r in reports] for side, reports in rounds.items()}
    ratio = stats.ratios(cost[subject.name], cost[base.name])
    detail = []
    for side, reports in rounds.items():
        of = stats.summary(cost[side])
        rate = stats.summary(r["requests_per_s"] for r in reports)
        detail.append(f"{side}: {of['median']:.3g} µs/req ({of['min']:.3g}-{of['max']:.3g}), {stats.si(rate['median'])} req/s")
    trouble = sum(r["errors"] for reports in rounds.values() for r in reports)
    if trouble:
        detail.append(f"ATTENTION: {trouble} requests failed")
    return {"row": name, "what": what, "value": ratio["median"], "unit": f"x {base.name}",
            "spread": (ratio["min"], ratio["max"]), "at_most": at_most, "detail": detail, "rounds": rounds}


def _json(options):
    with Nghttpd() as base, servers.weir(options.build) as subject:
        return [compare("h2-json", "/json over HTTP/2, 32 connections x 32 streams, chain none", subject, base, "/json", 32, 32,
                        100_000 * options.seconds, options, 1.0)]


def _reference(name, peer):
    def row(options):
        with peer() as base, servers.weir(options.build) as subject:
            return [compare(name, f"the same beside {base.name}, for reference", subject, base, "/json", 32, 32,
                            50_000 * options.seconds, options, None)]
    return row


def _file(options):
    with servers.Nginx(http2=True) as base, servers.weir(options.build) as subject:
        return [compare("h2-file", "/file of 12 MB over HTTP/2, 8 connections, CPU per file", subject, base, "/file", 8, 1,
                        40 * options.seconds, options, 1.0)]


def _tls_file(options):
    with tls.Pair(options.build, "ecdsa", http2=True) as (base, subject):
        return [compare("h2-tls-file", "/file of 12 MB over HTTP/2 and TLS, 8 connections, CPU per file", subject, base, "/file",
                        8, 1, 40 * options.seconds, options, 1.0)]


# The preface, empty SETTINGS, and GET /json as literals (RFC 9113 section 3.4, RFC 7541).
IDLE_REQUEST = (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" +
                b"\0\0\x0c\1\5\0\0\0\1" + b"\x82\x86\x04\5/json\x01\x01t")


def _idle(options):
    return [idle.measure(servers.weir(options.build, chain), f"h2-idle-{chain}", chain, options, IDLE_REQUEST, None)
            for chain in ("none", "production")]


ROWS = {"h2-json": _json, "h2-json-h2o": _reference("h2-json-h2o", H2o), "h2-json-go": _reference("h2-json-go", go_h2c),
        "h2-file": _file, "h2-tls-file": _tls_file, "h2-idle": _idle}
