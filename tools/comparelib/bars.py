"""The bars that Weir has to meet, against each of the three frameworks of the article: what counts is the one that comes closest. A
median beyond the bar misses it; to pass it takes the whole 95 % interval of the rounds, and what is between is undecided."""
from . import figures, peers

AGAINST = ("gin", "echo", "fiber")
# (what, scenario, figure, at most)
BARS = (
    ("JSON reply: CPU per request", "json", "cpu_us_per_request", 0.5),
    ("Production chain: CPU per request", "production", "cpu_us_per_request", 0.33),
    ("Pss with 10,000 idle connections", "connections", "held_pss", 0.25),
    ("P99, both at half of the peer's maximum, production chain", "production", "beside_p99_us", 0.5),
    ("A million routes: CPU per request", "routes-1m", "cpu_us_per_request", 0.5),
)


def judge(run):
    """[{"what", "at_most", "value", "text", "verdict", "why"}]; without a value where it was not measured."""
    return [_judge(run, *bar) for bar in BARS]


def _text(value, at_most):
    """The value with as many digits as it takes to see on which side of the bar it is."""
    digits = next(digits for digits in (2, 3, 4) if digits == 4 or (round(value, digits) > at_most) == (value > at_most))
    return f"{value:.{digits}f} x"


def _pair(weir, peer, figure):
    """Weir's rounds and the peer's; empty where one of them was not measured."""
    if figure == "held_pss":
        return [[cell[figure]] if figure in cell else [] for cell in (weir, peer)]
    if figure == "beside_p99_us":
        sides = (weir.get("beside", {}).get(peer["peer"], {}), peer.get("open", {}))
        return [[report["p99_us"] for report in side.get("rounds", [])] for side in sides]
    return [[report[figure] for report in cell["rounds"] if figure in report] for cell in (weir, peer)]


def _judge(run, what, scenario, figure, at_most):
    cells = {cell["peer"]: cell for cell in run["cells"] if cell["scenario"] == scenario and cell["status"] == "ok"}
    pairs = {name: _pair(cells["weir"], cells[name], figure) for name in AGAINST if name in cells and "weir" in cells}
    pairs = {name: pair for name, pair in pairs.items() if any(a > 0 and b > 0 for a, b in zip(*pair))}
    result = {"what": what, "at_most": at_most}
    if not pairs:
        return {**result, "why": "not measured in this run"}
    ratios = {name: figures.paired(*pair) for name, pair in pairs.items()}
    nearest = max(ratios, key=lambda name: ratios[name]["ratio"])
    once = figure == "held_pss"  # what an idle process holds is read once, and is what it is
    if not once and ratios[nearest]["ratio"] <= at_most:  # then it is the interval that may reach beyond the bar
        nearest = max(ratios, key=lambda name: ratios[name]["high"])
    value = ratios[nearest]
    # What took part of the core changes what is measured of it at full load; not memory.
    disturbed = not once and any(cells[name].get("disturbed") for name in ("weir", nearest))
    verdict = ("NOISE" if disturbed else "MISS" if value["ratio"] > at_most else
               "PASS" if once or value["high"] <= at_most else "UNDECIDED")
    interval = "" if once else "; one round" if value["rounds"] < 2 else f"; 95 % interval {value['low']:.2f}–{value['high']:.2f}"
    variants = "".join(f"; {run['peers'][name]['title']}: {figures.paired(values, pairs[nearest][1])['ratio']:.2f} x" for name in cells
                       if name in peers.PEERS and peers.PEERS[name].kind == "variant" and (values := _pair(cells[name], cells[nearest], figure)[0]) and not once)
    return {**result, "value": value["ratio"], "text": _text(value["ratio"], at_most), "verdict": verdict, "why": f"against {run['peers'][nearest]['title']}{interval}{variants}"}
