"""wrk, pinned to the load's core, and what one run of it cost the server."""
import json
import os
import shutil
import subprocess
import time

from . import machine

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.join(HERE, "../../bench/wrk")


def run(server, path, connections, seconds, script="report.lua", environment=None):
    """One run of wrk against a server: its own report, with the server's CPU and the idle share of both cores."""
    if not shutil.which("wrk"):
        raise machine.Missing("wrk is not installed")
    command = machine.pinned(machine.LOAD_CORE, ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s",
                                                 os.path.join(SCRIPTS, script), server.url(path)])
    cores, cpu, began = machine.core_times(), server.cpu_seconds(), time.monotonic()
    process = machine.start(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
    try:
        output, _ = process.communicate(timeout=seconds + 60)
    finally:
        machine.end(process)
    cpu, after, lasted = server.cpu_seconds() - cpu, machine.core_times(), time.monotonic() - began
    line = [line for line in output.splitlines() if line.startswith("@@")]
    if not line:
        raise RuntimeError(f"wrk said nothing to use:\n{output}")
    report = json.loads(line[0][2:])
    if report["requests"] == 0:
        raise RuntimeError(f"{server.name} answered no request for {path}:\n{output}")
    report["cpu_s"] = cpu
    report["cpu_us_per_request"] = cpu * 1e6 / report["requests"]
    report["cpu_s_per_gb"] = cpu * 1e9 / report["bytes"]
    report["requests_per_s"] = report["requests"] * 1e6 / report["duration_us"]
    report["bytes_per_s"] = report["bytes"] * 1e6 / report["duration_us"]
    report["idle_server_core"] = machine.idle_share(cores, after, machine.SERVER_CORE)
    report["idle_load_core"] = machine.idle_share(cores, after, machine.LOAD_CORE)
    report["foreign_share"] = machine.foreign_share(cores, after, machine.SERVER_CORE, cpu, lasted)
    return report


def interleaved(servers, path, connections, seconds, rounds, script="report.lua", progress=lambda text: None):
    """Rounds A B A B …: {server name: [report of each round]}. A short run beforehand warms each server up."""
    for server in servers:
        run(server, path, connections, 1, script)
    reports = {server.name: [] for server in servers}
    for number in range(rounds):
        for server in servers:
            progress(f"round {number + 1}/{rounds} {server.name}")
            reports[server.name].append(run(server, path, connections, seconds, script))
    return reports
