"""HTTP/2 in the clear: bench-server beside nghttpd, and beside nginx for files, by h2load; CPU time per request."""
import os
import re
import shutil
import subprocess
import tempfile

from . import machine, servers, stats

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


def _file(options):
    with servers.Nginx(http2=True) as base, servers.weir(options.build) as subject:
        return [compare("h2-file", "/file of 12 MB over HTTP/2, 8 connections, CPU per file", subject, base, "/file", 8, 1,
                        40 * options.seconds, options, 1.0)]


ROWS = {"h2-json": _json, "h2-file": _file}
