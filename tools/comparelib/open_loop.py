"""Latency at a fixed rate, the same for all: half of what the slowest of them can do at most."""
import json
import os
import statistics
import subprocess

from benchlib import machine

from . import peers

ROUNDS = 3
FIGURES = ("p50_us", "p90_us", "p99_us", "p999_us", "max_us", "requests_per_s")


def rate_of(maxima):
    """Requests a second, in round figures."""
    half = min(maxima) / 2
    step = 10 ** max(0, len(str(int(half))) - 2)
    return max(1, int(half / step) * step)


def command(port, rate, connections, seconds, requests):
    return [os.path.join(peers.RELEASE, "bench-load-rate"), "--port", str(port), "--rate", str(rate), "--connections",
            str(connections), "--seconds", str(seconds), "--requests", requests]


def _once(running, rate, scenario, options, requests):
    process = machine.start(machine.pinned(machine.LOAD_CORE, command(running.port, rate, scenario.connections, options.seconds,
                                                                      requests)), stdout=subprocess.PIPE, text=True)
    try:
        output, _ = process.communicate(timeout=options.seconds + 30)
    finally:
        machine.end(process)
    running.check_alive()
    return json.loads(output)


def run(live, requests, scenario, options, progress):
    """Adds "rate" and "open" (rounds and their medians) to the cells that have rounds."""
    good = [(running, cell) for running, cell in live.values() if cell["status"] == "ok" and cell["rounds"] and not running.path]
    if not good:
        return
    rate = rate_of([statistics.median(report["requests_per_s"] for report in cell["rounds"]) for _, cell in good])
    for number in range(ROUNDS):
        for running, cell in good:
            progress(f"{scenario.name}: {rate} requests a second, round {number + 1}/{ROUNDS} {running.name}")
            try:
                report = _once(running, rate, scenario, options, requests)
            except (RuntimeError, OSError, ValueError, subprocess.TimeoutExpired, machine.Missing) as error:
                cell["open_error"] = str(error)[:200]
                continue
            cell["asked"] += report["requests"]
            cell.setdefault("open", {"rate": rate, "rounds": []})["rounds"].append(report)
    for _, cell in good:
        if "open" in cell:
            rounds = cell["open"]["rounds"]
            cell["open"]["figures"] = {figure: {"median": statistics.median(report[figure] for report in rounds),
                                                "min": min(report[figure] for report in rounds),
                                                "max": max(report[figure] for report in rounds)} for figure in FIGURES}
