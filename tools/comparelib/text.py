"""The tables of the terminal."""
import math

from benchlib import stats

from . import figures, measure, open_loop, peers, scenarios


def title(name):
    return peers.PEERS[name].title if name in peers.PEERS else "yours"


def _figure(cell, name, show):
    return show(cell["figures"][name]["median"]) if name in cell["figures"] else ""


def _ms(value):
    return f"{value / 1000:.2f}"


def _row(cell, weir, scenario):
    main = cell["figures"].get(scenario.figure)
    factor = ""
    if weir and cell is not weir:
        factor = measure.beside(cell, weir, scenario)
    failed = sum(cell["failures"].values())
    return (title(cell["peer"]), f"{main['median']:.2f}" if main else "", f"{main['min']:.2f}-{main['max']:.2f}" if main else "", factor,
            _figure(cell, "requests_per_s", stats.si), _figure(cell, "p50_us", _ms), _figure(cell, "p99_us", _ms),
            _figure(cell, "pss", figures.human_bytes),
            f"{_figure(cell, 'idle_server_core', '{:.0%}'.format)}/{_figure(cell, 'idle_load_core', '{:.0%}'.format)}".strip("/"), failed or "-",
            "noisy" if cell["noise"] else "")


def scenario_table(name, cells):
    """A scenario's table, what failed, and the verdict."""
    scenario = scenarios.SCENARIOS[name]
    of = [cell for cell in cells if cell["scenario"] == name]
    lines = [f"{scenario.title}  ({scenario.what})"]
    good = [cell for cell in of if cell["rounds"] and "figures" in cell]
    weir = next((cell for cell in good if cell["peer"] == "weir" and cell["status"] == "ok"), None)
    good.sort(key=lambda cell: cell["figures"].get(scenario.figure, {"median": math.inf})["median"])
    if good:
        heads = ("", f"{'CPU ' if scenario.figure.startswith('cpu') else ''}{scenario.unit}", "spread", "vs Weir", "req/s", "p50 ms",
                 "p99 ms", "Pss", "idle srv/load", "failed", "")
        lines.append(stats.table([_row(cell, weir, scenario) for cell in good], heads))
    for key, heading, _ in open_loop.TABLES:
        rows = [(title(peer) + (" at the same rate" if beside else ""), f"{of_rate['rate']:,}" + ("" if of_rate["held"] else " NOT HELD"),
                 *(_ms(of_rate["figures"]["p99_us"][which]) for which in ("median", "min", "max"))) for peer, beside, of_rate in open_loop.rows(good, key)]
        if rows:
            lines += ["", f"{heading} (an open loop)", stats.table(rows, ("", "req/s", "p99 ms", "least", "most"))]
    slow = open_loop.left_out(good)
    if slow:
        lines.append("Left out, since at most they did less: " + ", ".join(f"{title(peer)} ({most:,.0f}/s)" for peer, most in slow))
    for cell in of:
        if "open_error" in cell:
            lines.append(f"{title(cell['peer'])} at a fixed rate: FAILED: {cell['open_error']}")
        if cell["status"] != "ok":
            lines.append(f"{title(cell['peer'])}: {cell['status'].upper()}: {cell['why']}")
    lines.append("Result: " + measure.verdict(name, cells)[1])
    return "\n".join(lines)


def changes(before, after, cells):
    """What a second revision changed, scenario by scenario."""
    lines = []
    for name, scenario in scenarios.SCENARIOS.items():
        of = {cell["peer"]: cell for cell in cells if cell["scenario"] == name and cell["status"] == "ok"}
        if before in of and after in of:
            word, why = figures.change(*(measure.values_of(of[peer], scenario) for peer in (before, after)))
            shaken = [cell["noise"] for cell in (of[before], of[after]) if cell.get("disturbed")]
            if shaken:
                word, why = "undecided", f"{why}; {shaken[0]}"
            lines.append(f"  {name:<12} {word:<10} {scenario.figure_name}: {why}")
    return f"{after} against {before}:\n" + "\n".join(lines or ["  nothing was measured"])


def commands(cells):
    """How to run one cell again: a line for a scenario, where its cells differ by the peer alone."""
    patterns = measure.rerun_patterns(cells)
    lines = [f"  {pattern}" + (f"   # PEER: {' '.join(names)}" if "PEER" in pattern else "") for pattern, names in patterns.items()]
    return "One cell again" + (", with one of the peers for PEER:\n" if any("PEER" in pattern for pattern in patterns) else ":\n") + "\n".join(lines)
