"""The bars that Weir has to meet, against the best of the three frameworks of the article."""
import statistics

from . import figures

AGAINST = ("gin", "echo", "fiber")
# (what, scenario, figure, at most)
BARS = (
    ("JSON reply: CPU per request", "json", "cpu_us_per_request", 0.5),
    ("Production chain: CPU per request", "production", "cpu_us_per_request", 0.33),
    ("Pss with 10,000 idle connections", "connections", "held_pss", 0.25),
    ("P99 at half of each one's own maximum, production chain", "production", "open_p99_us", 0.5),
    ("P99 at one rate for all, production chain", "production", "common_p99_us", 0.5),
    ("A million routes: CPU per request", "routes-1m", "cpu_us_per_request", 0.5),
)


def judge(run):
    """[{"what", "at_most", "value", "verdict", "why"}]; without a value where it was not measured."""
    return [_judge(run, *bar) for bar in BARS]


def _values(cell, figure):
    if figure == "held_pss":
        return [cell[figure]] if figure in cell else []
    for key in ("open", "common"):
        if figure.startswith(key + "_"):
            return [report[figure.removeprefix(key + "_")] for report in cell.get(key, {}).get("rounds", [])]
    return [report[figure] for report in cell["rounds"] if figure in report]


def _judge(run, what, scenario, figure, at_most):
    rounds = {cell["peer"]: _values(cell, figure) for cell in run["cells"]
              if cell["scenario"] == scenario and cell["status"] == "ok" and _values(cell, figure)}
    others = {name: values for name, values in rounds.items() if name in AGAINST and values}
    result = {"what": what, "at_most": at_most}
    if "weir" not in rounds or not others:
        return {**result, "why": "not measured in this run"}
    best = min(others, key=lambda name: statistics.median(others[name]))
    value = figures.ratio(rounds["weir"], others[best])
    pair = [cell for cell in run["cells"] if cell["scenario"] == scenario and cell["peer"] in ("weir", best)]
    noisy = any(figures.spread(rounds[name]) > figures.NOISY_SPREAD for name in ("weir", best))
    # Rounds that differ decide nothing where some of them are on this side of the bar and some on the other.
    undecided = noisy and value["min"] <= at_most < value["max"]
    verdict = "NOISE" if undecided or any(cell.get("disturbed") for cell in pair) else "PASS" if value["median"] <= at_most else "MISS"
    return {**result, "value": value["median"], "verdict": verdict,
            "why": f"against {run['peers'][best]['title']}; rounds {value['min']:.2f}–{value['max']:.2f}"}
