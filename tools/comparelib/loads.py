"""One round of load: wrk, h2load, bench-ws-load, or only starting the server. Each gives a report of the same form."""
import json
import os
import re
import subprocess
import threading
import time

from benchlib import load, machine

from . import check, memory, peers

STREAMS = 32  # on each connection of HTTP/2
MESSAGE = 64  # bytes of a message over a WebSocket


def round_of(running, scenario, seconds, requests):
    """A round's report. The memory of the server was watched in the meantime."""
    with memory.Watch(running.pid) as watch:
        if scenario.load == "http2":
            report = http2(running, scenario, seconds)
        elif scenario.load == "websocket":
            report = websocket(running, scenario, seconds)
        else:
            path = running.path or scenario.requests[0].path
            own = {"LAB_PATH": running.path} if running.path else {}
            report = load.run(running, path, scenario.connections, seconds, scenario.script, {"LAB_REQUESTS": requests, **own})
            if scenario.script == "pipeline.lua":  # wrk counts the answers one by one, but times a batch
                for figure in ("p50_us", "p90_us", "p99_us", "p999_us", "max_us"):
                    del report[figure]
    if running.pid:
        report["pss"] = watch.most
    else:  # a server that does not run here: nothing is known about its inside
        for figure in ("cpu_s", "cpu_us_per_request", "cpu_s_per_gb", "foreign_share"):
            report.pop(figure, None)
    report["points"] = watch.points
    return report


class Meter:
    """What the server and the two cores spent since it was made."""

    def __init__(self, running):
        self.running, self.cores, self.cpu, self.began = running, machine.core_times(), running.cpu_seconds(), time.monotonic()

    def report(self, requests, **more):
        cpu, after, lasted = self.running.cpu_seconds() - self.cpu, machine.core_times(), time.monotonic() - self.began
        return {"requests": requests, "errors": 0, "status_errors": 0, "cpu_s": cpu, "cpu_us_per_request": cpu * 1e6 / requests,
                "requests_per_s": requests / lasted, "duration_us": lasted * 1e6, "idle_server_core": machine.idle_share(self.cores, after, machine.SERVER_CORE),
                "idle_load_core": machine.idle_share(self.cores, after, machine.LOAD_CORE),
                "foreign_share": machine.foreign_share(self.cores, after, machine.SERVER_CORE, cpu, lasted), **more}


def http2(running, scenario, seconds):
    process = machine.start(machine.pinned(machine.LOAD_CORE, [
        "h2load", "-t1", f"-c{scenario.connections}", f"-m{STREAMS}", f"-D{seconds}", running.url(running.path or scenario.requests[0].path)]),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    meter = Meter(running)
    try:
        output, _ = process.communicate(timeout=seconds + 60)
    finally:
        machine.end(process)
    return meter.report(**h2load_figures(output))


def h2load_figures(output):
    """What h2load counted. Requests that were under way at the end count neither as answered nor as failed."""
    found = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", output)
    codes = re.search(r"status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", output)
    if not found or not codes or int(found[1]) == 0:
        raise RuntimeError(f"no request was answered over HTTP/2: {output.strip().splitlines()[-1] if output.strip() else ''}")
    status = sum(int(codes[group]) for group in (1, 2, 3))
    socket = max(0, int(found[2]) - status)
    return {"requests": int(found[1]), "errors": socket, "status_errors": status, "timeout": int(found[4])}


def websocket(running, scenario, seconds, size=MESSAGE):
    process = machine.start(machine.pinned(machine.LOAD_CORE, [
        os.path.join(peers.RELEASE, "bench-ws-load"), "--port", str(running.port), "--connections", str(scenario.connections),
        "--size", str(size), "--seconds", str(seconds)]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    # A peer that does not answer the handshake would be waited for for ever.
    guard = threading.Timer(seconds + 60, process.kill)
    guard.start()
    try:
        first = process.stdout.readline()
        meter = Meter(running)
        output, _ = process.communicate(timeout=seconds + 60)
        if first.strip() != "connected" or process.returncode != 0:
            raise RuntimeError(f"WebSockets fail: {' '.join((first + output).split()) or 'no answer'}"[:300])
    finally:
        guard.cancel()
        machine.end(process)
    messages = json.loads(output.splitlines()[-1])["messages"]
    if messages == 0:
        raise RuntimeError("no message came back")
    return meter.report(messages)


def start(name, scenario, options, settle=1.0):
    """One start: exec until the first right answer, then the memory of the process that did nothing else."""
    cores, began = machine.core_times(), time.monotonic()
    with peers.Running(peers.PEERS[name], scenario.chain, 0, options.file, scenario.start_limit, poll=0.001) as running:
        check.verify(running, scenario)
        start_ms = (time.monotonic() - running.began) * 1000
        after = machine.core_times()
        cpu, lasted = running.cpu_seconds(), time.monotonic() - began
        time.sleep(settle)
        return {"requests": 1, "errors": 0, "status_errors": 0, "start_ms": start_ms, "start_cpu_ms": cpu * 1000,
                "pss": memory.of(running.pid), "points": [], "deployed_bytes": memory.deployed_bytes(running.command),
                "foreign_share": machine.foreign_share(cores, after, machine.SERVER_CORE, cpu, lasted)}
