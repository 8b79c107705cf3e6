"""The tables of the terminal."""
from benchlib import stats

from . import figures, measure, peers, scenarios


def title(name):
    return peers.PEERS[name].title if name in peers.PEERS else "yours"


def _row(cell, weir):
    of = cell["figures"]
    cpu = of["cpu_us_per_request"]
    factor = ""
    if weir and cell is not weir:
        factor = f"{figures.ratio([r['cpu_us_per_request'] for r in cell['rounds']], [r['cpu_us_per_request'] for r in weir['rounds']])['median']:.2f} x"
    failed = sum(cell["failures"].values())
    return (title(cell["peer"]), f"{cpu['median']:.2f}", f"{cpu['min']:.2f}-{cpu['max']:.2f}", factor,
            stats.si(of["requests_per_s"]["median"]), f"{of['p50_us']['median'] / 1000:.2f}",
            f"{of['p99_us']['median'] / 1000:.2f}", figures.human_bytes(of["pss"]["median"]),
            f"{of['idle_server_core']['median']:.0%}/{of['idle_load_core']['median']:.0%}", failed or "-",
            "noisy" if cell["noise"] else "")


HEADS = ("", "CPU µs/req", "spread", "vs Weir", "req/s", "p50 ms", "p99 ms", "Pss", "idle srv/load", "failed", "")


def scenario_table(name, cells):
    """A scenario's table, what failed, and the verdict."""
    of = [cell for cell in cells if cell["scenario"] == name]
    lines = [f"{scenarios.SCENARIOS[name].title}  ({scenarios.SCENARIOS[name].what})"]
    good = [cell for cell in of if cell["rounds"] and "figures" in cell]
    weir = next((cell for cell in good if cell["peer"] == "weir" and cell["status"] == "ok"), None)
    good.sort(key=lambda cell: cell["figures"]["cpu_us_per_request"]["median"])
    if good:
        lines.append(stats.table([_row(cell, weir) for cell in good], HEADS))
    for cell in of:
        if cell["status"] != "ok":
            lines.append(f"{title(cell['peer'])}: {cell['status'].upper()}: {cell['why']}")
    lines.append("Result: " + measure.verdict(name, cells)[1])
    return "\n".join(lines)


def commands(cells):
    return "One cell again:\n" + "\n".join(f"  {cell['scenario'] + '/' + cell['peer']:<22} {cell['command']}" for cell in cells)
