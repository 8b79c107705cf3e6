"""The soak mode: hours under 1,000 connections. Whether memory grows, by regression, and which requests fail, by kind.

The peers take turns, a slice each; all of them live until the end. After each slice the state goes to soak.json, from which a
run that was interrupted or killed goes on: its servers are started again, so growth is one slope through the servers' lives, each
with a level of its own. A life's first slice is its warm-up and counts for nothing."""
import json
import os
import re
import statistics
import subprocess
import tempfile
import time

from benchlib import load, machine

from . import check, figures, memory, peers, scenarios

CONNECTIONS = 1000
WARM_UP_S = 60
SLICE_S = 60
GROWS_MB = 1.0  # an hour of load: more is growth, less is none
LEAST_S = 180  # of load that a verdict needs: in a few seconds not even a page comes to what would be megabytes in an hour
KINDS = (("connect", "connecting"), ("read", "reading"), ("write", "writing"), ("timeout", "time-out"), ("status_errors", "status"))
SCENARIO = scenarios.SCENARIOS["production"]


def blank(names, seconds):
    return {"soak": 1, "started": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()), "wanted_s": seconds, "spent_s": 0.0,
            "connections": CONNECTIONS, "turn": 0,
            "peers": {name: {"status": "ok", "why": "", "lives": [], "loaded_s": 0.0, "requests": 0,
                             "failures": {kind: 0 for kind, _ in KINDS}, "p99_us": []} for name in names}}


def resume(path, names, seconds):
    """(the state of a run that was not finished, True), or a new one. What a new one would overwrite is kept beside it: days of
    measuring are not lost to another duration or another list of peers."""
    state = _read(path)
    if state is None:
        if os.path.exists(path):
            os.replace(path, kept(path, {"started": f"unreadable {time.strftime('%Y%m%d%H%M%S', time.gmtime())}"}))
        return blank(names, seconds), False
    for of in state["peers"].values():
        if not of["lives"]:  # it could not be built or started: perhaps what was missing is there by now
            of["status"], of["why"] = "ok", ""
    over = state["spent_s"] >= state["wanted_s"] or all(of["status"] != "ok" for of in state["peers"].values())
    if list(state["peers"]) != list(names) or state["wanted_s"] != seconds or over:
        os.replace(path, kept(path, state))
        return blank(names, seconds), False
    return state, True


def _read(path):
    """The state in a file; None where it holds none."""
    try:
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        return state if state["soak"] == 1 and set(blank([], 0)) <= set(state) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def kept(path, state):
    """Where a state goes that is not gone on with: soak-20261128012954.json."""
    return os.path.join(os.path.dirname(path), f"soak-{re.sub('[^0-9]', '', state['started'])}.json")


def save(state, path):
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(state, file)
    os.replace(path + ".new", path)


def load_state(path):
    """A state with its verdicts, for the reports; None where there is none."""
    state = _read(path)
    if state is None:
        return None
    state["verdicts"] = [judge(name, state["peers"][name]) for name in state["peers"]]
    return state


def judge(name, of):
    """What a peer's hours say: growth of Pss with its 95 % interval, failures per million, a verdict."""
    slope, width = figures.common_slope([[(at / 3600, pss / 1e6) for at, pss in life] for life in of["lives"]])
    told = width != float("inf")
    watched = sum(life[-1][0] - life[0][0] for life in of["lives"] if life)
    asked = of["requests"] + sum(of["failures"][kind] for kind, _ in KINDS if kind != "status_errors")
    per_million = {title: of["failures"][kind] * 1e6 / asked for kind, title in KINDS if of["failures"][kind]} if asked else {}
    if of["status"] != "ok":
        verdict = of["status"]
    elif watched < LEAST_S:
        verdict = "too short"
    elif not told:
        verdict = "undecided"
    elif slope - width > GROWS_MB:
        verdict = "grows"
    elif slope + width < GROWS_MB:
        verdict = "steady"
    else:
        verdict = "undecided"
    return {"peer": name, "verdict": verdict, "why": of["why"], "mb_per_hour": slope if told else None, "half_width": width if told else None,
            "hours": of["loaded_s"] / 3600, "requests": of["requests"], "per_million": per_million,
            "failed_per_million": sum(per_million.values()), "lives": len(of["lives"]),
            "p99_ms": statistics.median(of["p99_us"]) / 1000 if of["p99_us"] else None}


def sentence(verdict):
    what = {"grows": f"memory grows by {verdict['mb_per_hour'] or 0:+.2f} MB an hour of load", "steady": "memory does not grow",
            "undecided": "the interval holds both growth and none: a longer run would tell", "too short": f"too short to say whether memory grows (that takes {LEAST_S} s of load)"}
    if verdict["verdict"] == "undecided" and verdict["mb_per_hour"] is None:
        what["undecided"] = "its samples hang together too much to tell growth from none: a longer run would"
    text = what.get(verdict["verdict"], f"{verdict['verdict']}: {verdict['why']}")
    if verdict["mb_per_hour"] is not None:
        text += f" ({verdict['mb_per_hour']:+.2f} ± {verdict['half_width']:.2f} MB/h)"
    failed = ", ".join(f"{count:.3g} {kind}" for kind, count in verdict["per_million"].items()) or "none"
    return f"{text}; failures per million requests: {failed}; {verdict['requests']:,} requests in {verdict['hours']:.2f} h of load"


class Soak:
    def __init__(self, state, path, options, say):
        self.state, self.path, self.options, self.say, self.running = state, path, options, say, {}

    def run(self):
        with tempfile.NamedTemporaryFile("w", prefix="weir-lab-requests-", suffix=".txt") as requests:
            requests.write("".join(request.line() + "\n" for request in SCENARIO.requests))
            requests.flush()
            try:
                while self.state["spent_s"] < self.state["wanted_s"]:
                    names = [name for name, of in self.state["peers"].items() if of["status"] == "ok"]
                    if not names:
                        break
                    self._slice(names[self.state["turn"] % len(names)], requests.name)
                    self.state["turn"] += 1
                    self._save()
            finally:
                for running in self.running.values():
                    running.close()
                self._save()

    def _save(self):
        """A disk that is full now may have room after the next slice; what was saved before stays."""
        try:
            save(self.state, self.path)
        except OSError as error:
            self.say(f"[soak] {self.path} cannot be written: {error.strerror}; it is tried again after the next slice")

    def _slice(self, name, requests):
        of = self.state["peers"][name]
        left = self.state["wanted_s"] - self.state["spent_s"]
        began = time.monotonic()
        try:
            fresh = name not in self.running
            if fresh:
                self.running[name] = self._start(name)
            running = self.running[name]
            seconds = max(1, round(min(self.options.warm_up if fresh else self.options.slice, left)))
            self.say(f"[soak {figures.human_time(self.state['spent_s'])} of {figures.human_time(self.state['wanted_s'])}] "
                     f"{name}: {'warming up' if fresh else 'loaded'} for {seconds} s")
            report = load.run(running, SCENARIO.requests[0].path, CONNECTIONS, seconds, SCENARIO.script, {"LAB_REQUESTS": requests})
            running.check_alive()
            if fresh:
                of["lives"].append([])
            else:
                self._count(of, report, running)
        except (check.Wrong, peers.Died, machine.Missing, RuntimeError, OSError, ValueError, subprocess.TimeoutExpired) as error:
            of["status"] = "wrong" if isinstance(error, check.Wrong) else "crashed" if isinstance(error, peers.Died) else "failed"
            of["why"] = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
            if name in self.running:
                self.running.pop(name).close()
        self.state["spent_s"] += time.monotonic() - began

    def _start(self, name):
        if name in self.options.unbuilt:
            raise machine.Missing(self.options.unbuilt[name])
        # The log goes nowhere: days of it would fill the disk.
        running = peers.Running(peers.PEERS[name], SCENARIO.chain, 0, self.options.file, SCENARIO.start_limit, log=os.devnull)
        try:
            check.verify(running, SCENARIO, log=False)
        except BaseException:
            running.close()
            raise
        return running

    @staticmethod
    def _count(of, report, running):
        of["loaded_s"] += report["duration_us"] / 1e6
        of["lives"][-1].append((round(of["loaded_s"], 1), memory.of(running.pid)))
        of["requests"] += report["requests"]
        of["p99_us"].append(report["p99_us"])
        for kind, _ in KINDS:
            of["failures"][kind] += report[kind]
