"""Measures the scenarios: all peers of one run side by side, rounds in turns, what goes wrong is kept beside the figures."""
import os
import subprocess
import tempfile
import time

from benchlib import idle, load, machine

from . import check, figures, memory, open_loop, peers, scenarios


class Progress:
    """Says what runs and how long it will still take."""

    def __init__(self, total, say):
        self.total, self.say, self.started = max(total, 1.0), say, time.monotonic()

    def __call__(self, text):
        spent = time.monotonic() - self.started
        left = max(0.0, self.total - spent)
        self.say(f"[{figures.human_time(spent)}, about {figures.human_time(left)} to go] {text}")


def rerun_command(scenario, name, options):
    """What measures this cell again, beside Weir."""
    names = name if name == "weir" else f"{name},weir"
    more = f" --url {options.url}" if name == "yours" else ""
    names = "weir" if name == "yours" else names
    return f"./dev compare --only {scenario} --peers {names} --seconds {options.seconds} --rounds {options.rounds}{more}"


def estimate(chosen, names, options):
    cells = sum(1 for scenario in chosen for name in names if takes_part(name, scenario))
    rates = 0 if options.no_rate else sum(len(names) for scenario in chosen if scenario.open_loop) * 3
    return cells * (options.rounds * options.seconds + options.warm_up + 1) + rates * (options.seconds + 1)


def takes_part(name, scenario):
    peer = peers.PEERS.get(name)
    return peer is None or not peer.only or scenario.name in peer.only


def blank_cell(scenario, name, options):
    return {"scenario": scenario.name, "peer": name, "status": "ok", "why": "", "rounds": [],
            "memory": [], "asked": 0, "command": rerun_command(scenario.name, name, options)}


def _fail(cell, status, why):
    cell["status"], cell["why"] = status, str(why)[:400]


def _open(cell, name, scenario, options):
    """The running peer, verified; None with the reason in the cell."""
    running = None
    try:
        running = options.own if name == "yours" else peers.Running(peers.PEERS[name], scenario.chain, scenario.routes,
                                                                    options.file)
        if name == "yours":
            running.check_alive()
        if running.verify:
            check.verify(running, scenario)
        return running
    except check.Wrong as error:
        _fail(cell, "wrong", error)
    except machine.Missing as error:
        _fail(cell, "missing", error)
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
    live = {}
    try:
        for name in names:
            if not takes_part(name, scenario):
                continue
            cell = blank_cell(scenario, name, options)
            cells.append(cell)
            if name in options.unbuilt:
                _fail(cell, "missing", options.unbuilt[name])
                continue
            progress(f"{scenario.name}: checking the answers of {name}")
            running = _open(cell, name, scenario, options)
            if running is not None:
                live[name] = (running, cell)
                _at_rest(running, cell, scenario, progress)
        with tempfile.NamedTemporaryFile("w", prefix="weir-lab-requests-", suffix=".txt") as requests:
            requests.write("".join(request.line() + "\n" for request in scenario.requests))
            requests.flush()
            _rounds(scenario, live, requests.name, options, progress)
            if scenario.open_loop and not options.no_rate:
                open_loop.run(live, requests.name, scenario, options, progress)
    finally:
        for running, cell in live.values():
            if scenario.chain == "production" and cell["rounds"]:
                cell["log_lines"] = memory.lines_of(running.log)
            running.close()
            finish_cell(cell)


def _at_rest(running, cell, scenario, progress):
    """What a peer costs before anybody loads it; start-up and size where it is one of ours to start."""
    if not running.pid:
        return
    try:
        cell["idle_pss"] = machine.user_memory(running.pid)
        if isinstance(running, peers.Running):
            cell["start_ms"] = running.start_ms
            cell["binary_bytes"] = os.path.getsize(running.command[0])
        if scenario.hold:
            progress(f"{scenario.name}: {scenario.hold} idle connections to {running.name}")
            clients = idle.open_connections(running, scenario.hold, scenario.requests[0].path)
            try:
                cell["held_pss"] = machine.user_memory(running.pid)
            finally:
                for client in clients:
                    client.close()
    except (RuntimeError, OSError) as error:
        _blame(cell, running, error)


def _rounds(scenario, live, requests, options, progress):
    for number in range(-1, options.rounds):
        for name, (running, cell) in live.items():
            if cell["status"] != "ok":
                continue
            progress(f"{scenario.name}: {'warming up' if number < 0 else f'round {number + 1}/{options.rounds}'} {name}")
            try:
                path = running.path or scenario.requests[0].path
                seconds = options.seconds if number >= 0 else options.warm_up
                with memory.Watch(running.pid) as watch:
                    report = load.run(running, path, scenario.connections, seconds, scenario.script, {"LAB_REQUESTS": requests})
                running.check_alive()
            except peers.Died as error:
                _fail(cell, "crashed", error)
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
                _blame(cell, running, str(error).splitlines()[0] if str(error) else error)
            else:
                report["pss"] = watch.most
                cell["asked"] += report["requests"]
                if number >= 0:
                    cell["memory"] += watch.points
                    cell["rounds"].append(report)


FIGURES = ("cpu_us_per_request", "requests_per_s", "p50_us", "p90_us", "p99_us", "p999_us", "max_us", "pss",
           "idle_server_core", "idle_load_core", "foreign_share")


def finish_cell(cell):
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
            cell["figures"][figure] = {"median": figures.percentile(values, 0.5), "min": min(values), "max": max(values)}
    started = min((at for at, _ in cell["memory"]), default=0)
    cell["memory"] = [(round(at - started, 2), pss) for at, pss in cell["memory"]]
    requests = sum(report["requests"] for report in rounds)
    cell["requests"] = requests
    cell["failures"] = {"socket": sum(report["errors"] for report in rounds),
                        "status": sum(report["status_errors"] for report in rounds)}
    if cell["failures"]["status"] > requests / 100:
        _fail(cell, "wrong", f"{cell['failures']['status']} of {requests} answers under load were not 2xx")
    cell["noise"] = figures.noise([report["cpu_us_per_request"] for report in rounds],
                                  [report["foreign_share"] for report in rounds])


def verdict(scenario, cells):
    """Who is ahead in a scenario by server CPU per request, references left out: (name or None, sentence)."""
    of = [cell for cell in cells if cell["scenario"] == scenario and cell["status"] == "ok" and cell["rounds"]
          and not (cell["peer"] in peers.PEERS and peers.PEERS[cell["peer"]].kind == "reference")]
    noisy = [cell["peer"] for cell in of if cell["noise"]]
    if noisy:
        return None, f"too noisy to name a winner ({', '.join(noisy)}: {next(c['noise'] for c in of if c['noise'])})"
    return figures.winner({cell["peer"]: [report["cpu_us_per_request"] for report in cell["rounds"]] for cell in of})


# ---- a server of the user's own ----

class Own:
    """The server behind --url. With a path, only that is asked for; its CPU and memory are known if it runs here."""
    name = "yours"
    peer_kind = "peer"

    def __init__(self, url):
        rest = url.removeprefix("http://")
        address, slash, path = rest.partition("/")
        host, _, port = address.partition(":")
        if url == rest or host not in ("127.0.0.1", "localhost") or not port.isdigit():
            raise ValueError("--url takes http://127.0.0.1:PORT or http://127.0.0.1:PORT/PATH")
        self.port, self.path = int(port), slash + path if path else ""
        self.verify = not self.path
        self.pid = _listener(self.port)

    def check_alive(self):
        if self.pid and not os.path.exists(f"/proc/{self.pid}"):
            raise peers.Died("it ended while it was measured")

    def cpu_seconds(self):
        self.check_alive()
        return machine.tree_cpu_seconds(self.pid) if self.pid else 0.0

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self):
        """It is not ours to end."""


def _listener(port):
    """The process that listens on a port of IPv4 or IPv6; 0 where it cannot be found."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as file:
                for line in list(file)[1:]:
                    fields = line.split()
                    if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                        inodes.add(f"socket:[{fields[9]}]")
        except OSError:
            continue
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for name in os.listdir(f"/proc/{pid}/fd"):
                if os.readlink(f"/proc/{pid}/fd/{name}") in inodes:
                    return int(pid)
        except OSError:
            continue
    return 0


def chosen_scenarios(options):
    names = options.only or [name for name, scenario in scenarios.SCENARIOS.items() if scenario.quick or not options.quick]
    return [scenarios.SCENARIOS[name] for name in names]
