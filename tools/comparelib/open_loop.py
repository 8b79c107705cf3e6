"""Latency at a fixed rate: half of each one's own maximum, and one rate for all. A request's time counts from the moment it was
due (bench/load-rate), so a server that stalls pays for those that queue up behind."""
import json
import os
import statistics
import subprocess

from benchlib import machine

from . import peers, plan

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
    seconds = plan.seconds(scenario, options)
    process = machine.start(machine.pinned(machine.LOAD_CORE, command(running.port, rate, scenario.connections, seconds, requests)),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        output, errors = process.communicate(timeout=seconds + 30)
    finally:
        machine.end(process)
    running.check_alive()
    if process.returncode != 0:
        raise RuntimeError(errors.strip()[-200:] or f"the generator ended with status {process.returncode}")
    return json.loads(output)


def run(live, requests, scenario, options, progress):
    """Adds "open" (at half of the peer's own maximum) and "common" (at one rate for all, half of what the slowest can do) to
    the cells that have rounds: the rate, the rounds, their medians."""
    good = [(running, cell) for running, cell in live.values() if cell["status"] == "ok" and cell["rounds"]
            and not running.path and running.host == "127.0.0.1"]
    if not good:
        return
    most = {running.name: statistics.median(report["requests_per_s"] for report in cell["rounds"]) for running, cell in good}
    common = rate_of(most.values())
    for number in range(plan.OPEN_ROUNDS):
        for key, of in (("open", lambda name: rate_of([most[name]])), ("common", lambda name: common)):
            for running, cell in good:
                if "open_error" not in cell:
                    progress(f"{scenario.name}: {of(running.name):,} requests a second, round {number + 1}/{plan.OPEN_ROUNDS} {running.name}")
                    _round(running, cell, key, of(running.name), scenario, options, requests)
    for _, cell in good:
        for key in ("open", "common"):
            if key in cell:
                finish(cell[key])


def _round(running, cell, key, rate, scenario, options, requests):
    try:
        report = _once(running, rate, scenario, options, requests)
    except (RuntimeError, OSError, ValueError, subprocess.TimeoutExpired, machine.Missing) as error:
        cell["open_error"] = str(error)[:200]
        return
    cell["asked"] += report["requests"]
    cell.setdefault(key, {"rate": rate, "rounds": []})["rounds"].append(report)


def finish(measured):
    rounds = measured["rounds"]
    measured["figures"] = {figure: {"median": statistics.median(report[figure] for report in rounds),
                                    "min": min(report[figure] for report in rounds),
                                    "max": max(report[figure] for report in rounds)} for figure in FIGURES}
    # What the generator could not send in time is its own doing or the server's; either way the rate was not held.
    measured["held"] = all(report["requests_per_s"] >= 0.97 * measured["rate"] for report in rounds)
