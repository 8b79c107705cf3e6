"""The decision tree: questions from bench/compare/features.toml, recommendations from what was measured."""
import os
import statistics
import tomllib

from . import figures

FEATURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench/compare/features.toml")


def read(path=FEATURES):
    """The data, checked: every answer leads somewhere, and no way goes in a circle."""
    with open(path, "rb") as file:
        data = tomllib.load(file)
    for name, peer in data["peers"].items():
        missing = set(data["questions"]) - set(peer)
        if missing:
            raise ValueError(f"{name} says nothing about {', '.join(sorted(missing))}")
        for question in data["questions"]:
            if peer[question] not in ("in", "module", "no"):
                raise ValueError(f"{name}: {question} is {peer[question]!r}")
        if not peer.get("sources"):
            raise ValueError(f"{name} names no sources")
    _walk(data, data["tree"]["root"], ())
    return data


def _walk(data, name, above):
    if name in above:
        raise ValueError(f"the tree goes in a circle at {name}")
    if name in data["nodes"]:
        for answer in ("yes", "no"):
            _walk(data, data["nodes"][name][answer], (*above, name))
    elif name not in data["leaves"]:
        raise ValueError(f"the tree leads to {name}, which is not there")


def recommend(leaf, data, cells):
    """(peer or None, sentence) of a leaf, from the cells of a run."""
    if "pick" in leaf:
        return leaf["pick"], leaf["why"]
    scenario, figure, *rate = leaf["by"]
    able = [name for name in leaf["among"] if all(data["peers"][name][need] == "in" for need in leaf.get("needs", []))]
    if len(able) == 1:
        return able[0], f"the only one of them that {leaf['why']}"
    of = [cell for cell in cells if cell["scenario"] == scenario and cell["peer"] in able and cell["status"] == "ok"]
    measured = {cell["peer"]: cell.get(rate[0], {}).get("rounds", []) if rate else cell["rounds"] for cell in of}
    values = {name: [report[figure] for report in reports if figure in report] for name, reports in measured.items()}
    rounds = {name: of_rounds for name, of_rounds in values.items() if of_rounds and min(of_rounds) > 0}
    if not rounds:
        return None, "not measured in this run"
    # What took a part of the core at full load says nothing about memory, or about the rounds at another rate.
    shaken = [cell["peer"] for cell in of if (cell.get("disturbed") or cell.get("cold")) and not rate and figure != "pss"]
    if figures.in_the_way(rounds, shaken):
        return None, "this run was too noisy to say"
    best, sentence = figures.winner(rounds)
    if best is None:
        return None, sentence
    missing = [name for name in able if name not in rounds]
    return best, f"{leaf['why']}: {_shown(statistics.median(rounds[best]), figure)}" + (f" (not measured: {', '.join(missing)})" if missing else "")


def _shown(value, figure):
    if figure == "pss":
        return figures.human_bytes(value)
    return f"{value:.4g} µs" + (" a request" if figure.startswith("cpu") else "")


def resolve(data, cells, name=None):
    """The tree with its recommendations: {"question", "yes", "no"} or {"peer", "why"}."""
    name = name or data["tree"]["root"]
    if name in data["nodes"]:
        node = data["nodes"][name]
        return {"question": node["question"], "yes": resolve(data, cells, node["yes"]), "no": resolve(data, cells, node["no"])}
    peer, why = recommend(data["leaves"][name], data, cells)
    return {"peer": peer, "why": why}
