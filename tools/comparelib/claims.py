"""The figures of the article that the project started from, each beside what a run measured. No figure of a run is written here."""
from . import figures, scenarios

NAMES = {"gin": "Gin", "echo": "Echo", "fiber": "Fiber"}
QPS = {"gin": 42850, "echo": 39160, "fiber": 51320}
P99_MS = {"gin": 12.3, "echo": 14.8, "fiber": 8.6}
GROWTH_MB = {"gin": 18.2, "echo": 21.5, "fiber": 14.1}
FAILED_PERCENT = {"gin": 0.017, "echo": 0.009, "fiber": 0.023}
ROUTES_P99_MS = {"routes-10k": 0.6, "routes-100k": 0.7, "routes-1m": 0.9}
GARBAGE_MB = 1.68  # 1.2 MB for authentication and 480 KB for the log, a request
CLOSE = 0.25


def judge(run):
    """[(claim, the article's figure, this run's, "yes" / "no" / "not measured", why)]."""
    cells = {(cell["scenario"], cell["peer"]): cell for cell in run["cells"] if cell["status"] == "ok" and "figures" in cell}
    rows = []
    for maker in (_throughput, _order, _tail, _growth, _failures, _connections, _routes, _files, _garbage):
        rows += maker(cells, run)
    return rows


def _of(cells, scenario, peer, figure):
    cell = cells.get((scenario, peer))
    return cell["figures"][figure]["median"] if cell and figure in cell["figures"] else None


def close(here, claimed):
    return abs(here - claimed) <= CLOSE * claimed


def _compared(claim, claimed, here, show, why):
    """A row; `why` gets the ratio of here to claimed where they differ."""
    if here is None:
        return (claim, show(claimed), "-", "not measured", "")
    same = close(here, claimed)
    return (claim, show(claimed), show(here), "yes" if same else "no", "" if same else why(here / claimed))


def _more_or_less(ratio):
    return f"{ratio:.2g} x the article's" if ratio >= 0.01 else "under a hundredth of the article's"


def _throughput(cells, _):
    return [_compared(f"{NAMES[name]}: requests a second", QPS[name], _of(cells, "json", name, "requests_per_s"), lambda v: f"{v:,.0f}",
                      lambda ratio: f"{_more_or_less(ratio)}; the article names neither processor nor cores, and here the server has one core")
            for name in NAMES]


def _order(cells, _):
    rows = []
    for what, scenario, figure, order, sign in (("requests a second: Fiber, Gin, Echo in this order", "json", "requests_per_s", ("fiber", "gin", "echo"), -1),
                                                ("P99: Fiber, Gin, Echo in this order", "json", "p99_us", ("fiber", "gin", "echo"), 1)):
        values = {name: _of(cells, scenario, name, figure) for name in order}
        if None in values.values():
            rows.append((what, "", "-", "not measured", ""))
            continue
        here = sorted(order, key=lambda name: sign * values[name])
        same = list(order) == here
        near = max(values["gin"], values["echo"]) / min(values["gin"], values["echo"])
        why = "" if same else f"Gin and Echo are {near:.2f} x apart in this run" if here[0] == "fiber" else f"{NAMES[here[0]]} is ahead in this run"
        rows.append((what, ", ".join(NAMES[name] for name in order), ", ".join(NAMES[name] for name in here), "yes" if same else "no", why))
    return rows


def _tail(cells, _):
    return [_compared(f"{NAMES[name]}: P99", P99_MS[name], None if (us := _of(cells, "json", name, "p99_us")) is None else us / 1000,
                      lambda v: f"{v:.3g} ms", lambda ratio: f"{_more_or_less(ratio)}; at saturation P99 is the queue of {scenarios.SCENARIOS['json'].connections} "
                      "connections (the article: 1,000) and says more about the load than about the framework: see the fixed rates")
            for name in NAMES]


def _growth(_, run):
    measured = {peer["peer"]: peer for peer in (run.get("soak") or {}).get("verdicts", [])}
    rows = []
    for name in NAMES:
        claim = f"{NAMES[name]}: growth of memory in 1 h"
        if name not in measured or measured[name].get("mb_per_hour") is None:
            rows.append((claim, f"+{GROWTH_MB[name]} MB", "-", "not measured", "needs `./dev compare --soak 1h` or longer"))
            continue
        here, width = measured[name]["mb_per_hour"], measured[name]["half_width"]
        inside = abs(here - GROWTH_MB[name]) <= max(width, CLOSE * GROWTH_MB[name])
        rows.append((claim, f"+{GROWTH_MB[name]} MB", f"{here:+.2f} ± {width:.2f} MB/h", "yes" if inside else "no",
                     "" if inside else "the slope's interval does not hold the article's figure"))
    return rows


def _failures(cells, _):
    rows = []
    for name in NAMES:
        own = [cell for (scenario, peer), cell in cells.items() if peer == name and "requests" in cell and scenario != "start"]
        claim, asked = f"{NAMES[name]}: failed requests", sum(cell["requests"] for cell in own)
        if not asked:
            rows.append((claim, f"{FAILED_PERCENT[name]} %", "-", "not measured", ""))
            continue
        failed = sum(sum(cell["failures"].values()) for cell in own)
        percent = 100 * failed / asked
        same = close(percent, FAILED_PERCENT[name])
        why = "" if same else (f"{failed:,} of {asked:,} requests on one machine; the article's come from 7 days, and a healthy server on a healthy network fails none"
                               if percent < FAILED_PERCENT[name] else f"{failed:,} of {asked:,} requests: see the scenarios where they happened")
        rows.append((claim, f"{FAILED_PERCENT[name]} %", f"{percent:.3g} %", "yes" if same else "no", why))
    return rows


def _connections(cells, _):
    rows = []
    for peer, title, p99, memory in (("nethttp", "Go", 18, 920e6), ("fastify", "Node", 42, 1.8e9)):
        us = _of(cells, "connections", peer, "p99_us")
        rows.append(_compared(f"{title}, 10,000 connections at 4 KB: P99", p99, None if us is None else us / 1000, lambda v: f"{v:.3g} ms",
                              lambda ratio: f"{_more_or_less(ratio)}; with all connections busy at once it is the time that 10,000 requests take on one core"))
        rows.append(_compared(f"{title}, 10,000 connections at 4 KB: memory", memory, _of(cells, "connections", peer, "pss"), figures.human_bytes,
                              lambda ratio: f"{_more_or_less(ratio)} (Pss under load)"))
    return rows


def _routes(cells, _):
    rows = []
    for scenario, claimed in ROUTES_P99_MS.items():
        us = _of(cells, scenario, "weir", "p99_us")
        rows.append(_compared(f"{scenarios.SCENARIOS[scenario].title}: P99 (here: Weir, at saturation)", claimed, None if us is None else us / 1000,
                              lambda v: f"{v:.3g} ms", lambda ratio: f"{_more_or_less(ratio)}, whole requests under full load; what the router itself costs is the "
                              "growth of CPU per request with the routes"))
    return rows


def _files(cells, _):
    rate, us = _of(cells, "file", "weir", "bytes_per_s"), _of(cells, "file", "weir", "p99_us")
    return [_compared("12 MB files: throughput (here: Weir)", 382e6, rate, lambda v: f"{figures.human_bytes(v)}/s",
                      lambda ratio: f"{_more_or_less(ratio)}; sendfile on loopback"),
            _compared("12 MB files: P99 (here: Weir)", 42, None if us is None else us / 1000, lambda v: f"{v:.3g} ms",
                      lambda ratio: f"{_more_or_less(ratio)}; 8 connections")]


def _garbage(cells, _):
    claim, rate = "Gin, JWT and log: 1.2 MB + 480 KB of garbage a request", _of(cells, "production", "gin", "requests_per_s")
    count = _of(cells, "production", "gin", "allocations_per_request")
    if rate is None:
        return [(claim, "1.68 MB", "-", "not measured", "")]
    here = f"{count:.0f} allocations a request" if count is not None else "its size is not told"
    flood = GARBAGE_MB * 1e6 * rate
    holds = "no" if flood > 5e9 else "not measured"
    return [(claim, "1.68 MB", here, holds, f"at the {rate:,.0f} requests a second measured here it would be {figures.human_bytes(flood)} of garbage a second"
             + (", more than one core can even write" if holds == "no" else ""))]
