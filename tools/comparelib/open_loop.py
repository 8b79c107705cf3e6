"""Latency at fixed rates: each peer at half of its own maximum, Weir beside the article's three at the rate of each, and one rate for
all. A request's time counts from the moment it was due (bench/load-rate), so a server that stalls pays for those that queue up."""
import json
import os
import statistics
import subprocess

from benchlib import machine

from . import bars, peers, plan, warmup

FIGURES = ("p50_us", "p90_us", "p99_us", "p999_us", "max_us", "requests_per_s")


def half_of(maximum):
    """Half of what a peer did at most, in round figures."""
    half = maximum / 2
    step = 10 ** max(0, len(str(int(half))) - 2)
    return max(1, int(half / step) * step)


def common_rate(maxima):
    """The one rate for all: half of the median peer's maximum (of two in the middle, the slower one's), so that one that is slow
    by far does not turn it into an idle load for the others."""
    return half_of(statistics.median_low(maxima))


def turns(most, common):
    """What a round asks: [(who, where it is kept, rate)] of {peer: its maximum}. Weir's turn beside a peer stands next to
    the peer's own; who never reached the common rate is not asked for it."""
    found = []
    for name, maximum in most.items():
        found.append((name, ("open",), half_of(maximum)))
        if name in bars.AGAINST and "weir" in most:
            found.append(("weir", ("beside", name), half_of(maximum)))
    return found + [(name, ("common",), common) for name, maximum in most.items() if maximum >= common]


def command(port, rate, connections, seconds, requests):
    return [os.path.join(peers.RELEASE, "bench-load-rate"), "--port", str(port), "--rate", str(rate), "--connections",
            str(connections), "--seconds", str(seconds), "--requests", requests]


def _once(running, rate, scenario, options, requests):
    seconds = plan.open_seconds(scenario, options)
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
    """Adds to the cells that have rounds: "open", "common", and Weir's "beside" {peer: …}, each with the rate, the rounds and
    their medians; "too_slow": the common rate, where a peer cannot reach it."""
    good = {name: (running, cell) for name, (running, cell) in live.items() if cell["status"] == "ok" and cell["rounds"]
            and not running.path and running.host == "127.0.0.1" and plan.at_fixed_rates(name, options)}
    if not good:
        return
    most = {name: statistics.median(report["requests_per_s"] for report in cell["rounds"]) for name, (_, cell) in good.items()}
    common = options.rate or common_rate(most.values())
    for name, (_, cell) in good.items():
        cell["command"] += f" --rate {common}"
        if most[name] < common:
            cell["too_slow"] = common
    try:
        rounds = plan.open_rounds(options)
        for number in range(rounds):
            for name, where, rate in plan.in_turns(turns(most, common), number):
                running, cell = good[name]
                if "open_error" not in cell:
                    progress(f"{scenario.name}: {rate:,} requests a second, round {number + 1}/{rounds} {name}")
                    warmup.until_quiet([other for other, _ in live.values() if other is not running])
                    _round(running, cell, where, rate, scenario, options, requests)
    finally:
        for _, cell in good.values():
            for measured in (cell.get("open"), cell.get("common"), *cell.get("beside", {}).values()):
                if measured:
                    finish(measured)


def _round(running, cell, where, rate, scenario, options, requests):
    try:
        report = _once(running, rate, scenario, options, requests)
    except (RuntimeError, OSError, ValueError, subprocess.TimeoutExpired, machine.Missing) as error:
        cell["open_error"] = str(error)[:200]
        return
    cell["asked"] += report["requests"]
    into = cell
    for key in where[:-1]:
        into = into.setdefault(key, {})
    into.setdefault(where[-1], {"rate": rate, "rounds": []})["rounds"].append(report)


def finish(measured):
    rounds = measured["rounds"]
    measured["figures"] = {figure: {"median": statistics.median(report[figure] for report in rounds),
                                    "min": min(report[figure] for report in rounds),
                                    "max": max(report[figure] for report in rounds)} for figure in FIGURES}
    # What the generator could not send in time is its own doing or the server's; either way the rate was not held.
    measured["held"] = all(report["requests_per_s"] >= 0.97 * measured["rate"] for report in rounds)


def rows(cells, key):
    """[(name, whether it is Weir beside the one above, measured)] of a table: key is "open" or "common"."""
    beside = next((cell["beside"] for cell in cells if "beside" in cell), {}) if key == "open" else {}
    found = []
    for cell in cells:
        if key in cell:
            found.append((cell["peer"], False, cell[key]))
        if cell["peer"] in beside:
            found.append(("weir", True, beside[cell["peer"]]))
    return found


# (key, title, what it is) of the tables.
TABLES = (("open", "At half of its own maximum", "Each is asked for half of what it did at most, so a faster one has more to do here; Weir also for "
           "half of what Gin, Echo and Fiber do, in turns with each of them"),
          ("common", "At one rate for all", "Half of what the median one of them did at most"))


def left_out(cells):
    """[(name, what it did at most)] of those that cannot reach the common rate."""
    return [(cell["peer"], cell["figures"]["requests_per_s"]["median"]) for cell in cells if "too_slow" in cell]
