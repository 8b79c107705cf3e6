"""Measures the scenarios: all peers of one run side by side, rounds in turns, what goes wrong is kept beside the figures."""
import math
import statistics
import subprocess
import tempfile
import time

from benchlib import idle, machine

from . import check, figures, http2check, loads, memory, open_loop, peers, plan, runtime, scenarios, warmup, websocketcheck


def rerun_command(scenario, name, options):
    """What measures this cell again, beside Weir."""
    more = ""
    if name == "yours":
        names, more = "weir", f" --url {options.url}" + (f" --pid {options.pid}" if getattr(options, "pid", None) else "")
    else:
        names = name if name == "weir" else f"{name},weir"
    if getattr(options, "asked_warm_up", None):
        more += f" --warm-up {options.asked_warm_up}"
    if scenario.open_loop and options.no_rate:
        more += " --no-rate"
    rounds, seconds = plan.rounds(scenario, options), plan.seconds(scenario, options)
    again = getattr(options, "again", "") or "./dev compare"  # compare-revisions is called again by its own name
    if again != "./dev compare":
        return f"{again} --only {scenario.name} --seconds {seconds} --rounds {rounds}{more}"
    # What --binary added is a peer only where it is added again.
    added = "".join(f" --binary {named}" for named in getattr(options, "binary", ()) if named.partition("=")[0] == name)
    return f"{again} --only {scenario.name} --peers {names} --seconds {seconds} --rounds {rounds}{added}{more}"


def rerun_patterns(cells):
    """{command: [peers]}: the cells' commands, with PEER for the name where they differ by that alone."""
    found = {}
    for cell in cells:
        name = cell["peer"]
        names = name if name == "weir" else f"{name},weir"
        pattern = cell["command"] if name == "yours" else cell["command"].replace(f"--peers {names} ", "--peers PEER,weir ")
        found.setdefault(pattern, []).append(name)
    return found


def blank_cell(scenario, name, options):
    return {"scenario": scenario.name, "peer": name, "status": "ok", "why": "", "rounds": [],
            "memory": [], "asked": 0, "command": rerun_command(scenario, name, options)}


def _fail(cell, status, why):
    cell["status"], cell["why"] = status, str(why)[:400]


def _open(cell, name, scenario, options):
    """The running peer, verified; None with the reason in the cell."""
    running = None
    try:
        running = options.own if name == "yours" else peers.Running(peers.PEERS[name], scenario.chain, scenario.routes,
                                                                    options.file, scenario.start_limit)
        if name == "yours":
            running.check_alive()
        if running.verify:
            check.verify(running, scenario)
            if scenario.need == "http2":
                http2check.verify(running, scenario)
            if scenario.need == "websocket":
                websocketcheck.verify(running)
        return running
    except check.Wrong as error:
        _fail(cell, "wrong", error)
    except machine.Missing as error:
        _fail(cell, "missing", error)
    except peers.Late as error:
        _fail(cell, "too slow", error)
    except peers.Died as error:
        _fail(cell, "crashed", error)
    except OSError as error:
        _blame(cell, running, error)
    if running is not None:
        running.close()
    return None


def _blame(cell, running, error):
    """A round that failed: the server died, or it does not answer."""
    try:
        if running is not None:
            time.sleep(0.3)  # a process that is dying has closed its connections before it can be seen to be dead
            running.check_alive()
    except peers.Died as death:
        _fail(cell, "crashed", death)
        return
    _fail(cell, "hung", f"no answer: {error or type(error).__name__}")


def run_scenario(scenario, names, options, cells, progress):
    """Measures one scenario; the cells are appended to `cells` at once, so that an interrupted run keeps them."""
    taking = [name for name in names if plan.takes_part(name, scenario, options)]
    with tempfile.NamedTemporaryFile("w", prefix="weir-lab-requests-", suffix=".txt") as requests:
        requests.write("".join(request.line() + "\n" for request in scenario.requests))
        requests.flush()
        alone = scenario.together > machine.available_memory()
        for group in [[name] for name in taking] if alone else [taking]:
            _run_group(scenario, group, requests.name, options, cells, progress, {"alone": True} if alone else {"order": "back and forth"})


SPARE_FILES = 200  # beside the connections: libraries, logs, listeners


def _beyond_the_limit(scenario):
    """Why a scenario's connections cannot be had here; empty where they can. It is no peer's fault."""
    needed, limit = max(scenario.connections, scenario.hold) + SPARE_FILES, machine.open_files()
    return f"{needed:,} open files are needed, and the limit is {limit:,} (ulimit -Hn)" if needed > limit else ""


def _run_group(scenario, names, requests, options, cells, progress, how):
    live = {}
    try:
        for name in names:
            cell = {**blank_cell(scenario, name, options), **how}
            cells.append(cell)
            if name in options.unbuilt:
                _fail(cell, "missing", options.unbuilt[name])
            elif (why := _beyond_the_limit(scenario)):
                _fail(cell, "missing", why)
            elif scenario.load == "start":
                live[name] = (None, cell)
            else:
                progress(f"{scenario.name}: starting {name} and checking its answers")
                running = _open(cell, name, scenario, options)
                if running is not None:
                    live[name] = (running, cell)
                    _at_rest(running, cell, scenario, progress)
        if scenario.load == "start":
            _starts(scenario, live, options, progress)
            return
        _rounds(scenario, live, requests, options, progress)
        if scenario.open_loop and not options.no_rate:
            open_loop.run(live, requests, scenario, options, progress)
    finally:
        if scenario.chain == "production" and live:
            time.sleep(memory.PATIENCE)
        for running, cell in live.values():
            if running is not None:
                if scenario.chain == "production" and cell["rounds"] and isinstance(running, peers.Running):
                    cell["log_lines"] = memory.lines_of(running.log, 0)
                running.close()
            finish_cell(cell, scenario)


def _starts(scenario, live, options, progress):
    for number in range(plan.rounds(scenario, options)):
        for name, (_, cell) in plan.in_turns(live.items(), number):
            if cell["status"] != "ok":
                continue
            progress(f"{scenario.name}: {number + 1}/{plan.rounds(scenario, options)} {name}")
            try:
                report = loads.start(name, scenario, options)
            except check.Wrong as error:
                _fail(cell, "wrong", error)
            except machine.Missing as error:
                _fail(cell, "missing", error)
            except peers.Late as error:
                _fail(cell, "too slow", error)
            except (peers.Died, RuntimeError) as error:
                _fail(cell, "crashed", error)
            except OSError as error:
                _fail(cell, "hung", f"no answer: {error or type(error).__name__}")
            else:
                cell["rounds"].append(report)
                cell["idle_pss"], cell["binary_bytes"] = report["pss"], report["deployed_bytes"]
                cell["start_ms"] = report["start_ms"]
                report.pop("points")


def _at_rest(running, cell, scenario, progress):
    """What a peer costs before anybody loads it; start-up and size where it is one of ours to start."""
    if not running.pid:
        return
    try:
        cell["idle_pss"] = memory.of(running.pid)
        if isinstance(running, peers.Running):
            cell["start_ms"] = running.start_ms
            cell["binary_bytes"] = memory.deployed_bytes(running.command)
        if scenario.hold:
            progress(f"{scenario.name}: {scenario.hold} idle connections to {running.name}")
            clients = idle.open_connections(running, scenario.hold, running.path or scenario.requests[0].path)
            try:
                cell["held_pss"] = memory.of(running.pid)
            finally:
                for client in clients:
                    client.close()
    except (RuntimeError, OSError) as error:
        _blame(cell, running, error)


def _rounds(scenario, live, requests, options, progress):
    for name, (running, cell) in live.items():
        warmup.until_quiet(_others(live, name))
        _warm_up(running, cell, name, scenario, requests, options, progress)
    rounds = plan.rounds(scenario, options)
    for number in range(rounds):
        for name, (running, cell) in plan.in_turns(live.items(), number):
            if cell["status"] != "ok":
                continue
            progress(f"{scenario.name}: round {number + 1}/{rounds} {name}")
            # And itself: what the round before left unanswered is not this one's work.
            warmup.until_quiet(running for running, _ in live.values())
            before = runtime.read(running) if cell.get("tells", True) else None
            cell.setdefault("tells", before is not None)
            report = _load(running, cell, scenario, plan.seconds(scenario, options), requests)
            if report is None:
                continue
            if before is not None:
                report.update(runtime.between(before, runtime.read(running), report["duration_us"] / 1e6, report["requests"]))
                cell["asked"] += 2
            cell["memory"] += report.pop("points")
            cell["rounds"].append(report)


def _others(live, name):
    """The running peers beside one."""
    return [running for other, (running, _) in live.items() if other != name]


def _warm_up(running, cell, name, scenario, requests, options, progress):
    def load(seconds):
        progress(f"{scenario.name}: warming up {name}")
        report = _load(running, cell, scenario, seconds, requests)
        return report and report["requests_per_s"]
    if cell["status"] != "ok":
        return
    if not plan.compiles_itself(name):
        load(options.warm_up)
        return
    cell["warm_up_s"], settled = warmup.run(load, options.warm_up)
    cell["cold"] = settled is False


def _load(running, cell, scenario, seconds, requests):
    """The report of some seconds of load; None where they failed, with the reason in the cell."""
    try:
        report = loads.round_of(running, scenario, seconds, requests)
        running.check_alive()
    except peers.Died as error:
        _fail(cell, "crashed", error)
    except (RuntimeError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        _blame(cell, running, str(error).splitlines()[0] if str(error) else error)
    except machine.Missing as error:
        _fail(cell, "missing", error)
    else:
        cell["asked"] += report["requests"]
        return report
    return None


AT_LEAST = 4  # requests of a round to each connection
FIGURES = ("cpu_us_per_request", "requests_per_s", "p50_us", "p90_us", "p99_us", "p999_us", "max_us", "pss",
           "idle_server_core", "idle_load_core", "foreign_share", "start_ms", "start_cpu_ms", "bytes_per_s", "gc_per_s", "gc_ms_per_s",
           "gc_max_ms", "allocations_per_request")


def finish_cell(cell, scenario=None):
    """Medians and spread of the rounds; what is noise; failures."""
    rounds = cell["rounds"]
    if not rounds:
        if cell["status"] == "ok":
            _fail(cell, "interrupted", "the run ended before the first round")
        return
    cell["figures"] = {}
    for figure in FIGURES:
        values = [report[figure] for report in rounds if figure in report]
        if values:
            cell["figures"][figure] = {"median": statistics.median(values), "min": min(values), "max": max(values)}
    started = min((at for at, _ in cell["memory"]), default=0)
    cell["memory"] = [(round(at - started, 2), pss) for at, pss in cell["memory"]]
    growth, width = figures.common_slope([[(at / 60, pss / 1e6) for at, pss in cell["memory"]]])
    if width != math.inf:
        cell["pss_growth"] = {"mb_per_min": growth, "half_width": width}
    scenario = scenario or scenarios.SCENARIOS[cell["scenario"]]
    requests = sum(report["requests"] for report in rounds)
    cell["requests"] = requests
    cell["failures"] = failures_of(rounds)
    if cell["failures"]["status"] > requests / 100:
        _fail(cell, "wrong", f"{cell['failures']['status']} of {requests} answers under load were not 2xx")
    foreign = [report["foreign_share"] for report in rounds if "foreign_share" in report] if scenario.load != "start" else []
    cell["disturbed"] = figures.disturbed(foreign)
    reasons = [figures.noise(values_of(cell, scenario) or [report["requests_per_s"] for report in rounds], foreign)]
    fewest = min(report["requests"] for report in rounds)
    if scenario.load == "wrk" and fewest < AT_LEAST * scenario.connections:
        reasons.append(f"a round has {fewest:,} requests beside the {scenario.connections:,} that are under way at its end and count for nothing: a request looks "
                       "dearer than it is")
    if cell.get("cold"):
        reasons.append(f"still getting faster after {cell['warm_up_s']} s of load")
    cell["noise"] = "; ".join(filter(None, reasons))


def failures_of(rounds):
    """How many requests of the rounds failed, by kind; "socket" is what the load generator does not tell apart."""
    found = {title: sum(report.get(kind, 0) for report in rounds)
             for kind, title in (("connect", "connecting"), ("read", "reading"), ("write", "writing"), ("timeout", "time-out"))}
    found["socket"] = max(0, sum(report["errors"] for report in rounds) - sum(found.values()))
    found["status"] = sum(report["status_errors"] for report in rounds)
    return found


def values_of(cell, scenario):
    """What is compared, round by round; nothing where it is not known: of a server elsewhere, of a process that is not the one that works."""
    values = [report[scenario.figure] for report in cell["rounds"] if scenario.figure in report]
    return values if all(value > 0 for value in values) else []


def beside(cell, weir, scenario):
    """What a cell's figure is of Weir's; empty where one of them has none."""
    both = values_of(cell, scenario), values_of(weir, scenario)
    return figures.factor(*both) if all(both) else ""


def told(cells, scenario):
    """How a scenario's rounds were taken."""
    counts = [len(cell["rounds"]) for cell in cells if cell["rounds"]]
    lengths = [report["duration_us"] / 1e6 for cell in cells for report in cell["rounds"] if "duration_us" in report]
    if not counts:
        return ""
    if scenario.load == "start":
        return f"{max(counts)} starts of each, in turns."
    of = f"{max(counts)} rounds of {statistics.median(lengths):.0f} s each" if lengths else f"{max(counts)} rounds each"
    if any(cell.get("alone") for cell in cells):
        return (f"{of}, one peer after the other, since all at once would not fit into memory: what the machine's speed did in between is in the ratios, "
                f"so that less than {ALONE:.0%} names no winner.")
    return f"{of}, in turns" + (", every second time in the opposite order." if any(cell.get("order") for cell in cells) else ".")


# Where the peers did not take turns, the speed of the machine came between them, and no pairing takes that out. Machines that
# are shared change theirs by a quarter for minutes.
ALONE = 0.25


def verdict(name, cells):
    """Who is ahead in a scenario by what it compares, references and variants left out: (name or None, sentence)."""
    best, sentence = _verdict(name, cells)
    failed = [f"{cell['peer']} ({cell['status']})" for cell in cells if cell["scenario"] == name and cell["status"] != "ok" and peers.competes(cell["peer"])]
    return best, sentence + (f"; without {', '.join(failed)}" if failed else "")


def _verdict(name, cells):
    scenario = scenarios.SCENARIOS[name]
    of = [cell for cell in cells if cell["scenario"] == name and cell["status"] == "ok" and values_of(cell, scenario)
          and peers.competes(cell["peer"])]
    rounds = {cell["peer"]: values_of(cell, scenario) for cell in of}
    unknown = [cell["peer"] for cell in cells if cell["scenario"] == name and cell["status"] == "ok" and cell["peer"] not in rounds and peers.competes(cell["peer"])]
    if unknown and len(rounds) < 2:
        return None, f"what {', '.join(unknown)} spent is not known: not a process of this machine, or not the one that works"
    trouble = figures.in_the_way(rounds, [cell["peer"] for cell in of if cell.get("disturbed") or cell.get("cold")])
    if trouble:
        return None, f"too noisy to name a winner ({', '.join(trouble)}: {next(c['noise'] for c in of if c['peer'] in trouble)})"
    best, sentence = figures.winner(rounds, ALONE if any(cell.get("alone") for cell in of) else 0.0)
    disturbed = [f"{cell['peer']}: {cell['noise']}" for cell in of if cell.get("disturbed")]
    return best, sentence + (_set_up_alike(scenario, cells, rounds) if best == "weir" else "") + (f"; though {disturbed[0]}" if disturbed else "")


def _set_up_alike(scenario, cells, rounds):
    """Where Weir is ahead and does less than the others by default: what it is of the nearest one when it is set up to do the same."""
    told = ""
    for cell in cells:
        values = values_of(cell, scenario) if cell["scenario"] == scenario.name and cell["status"] == "ok" else []
        if values and cell["peer"] in peers.PEERS and peers.PEERS[cell["peer"]].kind == "variant":
            of = {name: figures.paired(values, others) for name, others in rounds.items() if name != "weir"}
            nearest = max(of, key=lambda name: of[name]["ratio"])
            told += f"; {cell['peer']}: {figures.factor(values, rounds[nearest])} of {nearest}"
    return told
