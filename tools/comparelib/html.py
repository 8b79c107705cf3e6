"""The report: one HTML file that needs nothing else. Conclusions first, then figures, then everything to check them by."""
import html
import json
import os

from benchlib import stats

from . import bars, decide, figures, measure, peers, plots, scenarios

HERE = os.path.dirname(os.path.abspath(__file__))
MARK = {"in": "✓", "module": "module", "no": "–"}


def e(text):
    return html.escape(str(text))


def kind_of(name):
    if name in ("weir", "yours"):
        return name
    return "reference" if name in peers.PEERS and peers.PEERS[name].kind == "reference" else name.partition("-")[0]


def titles(run):
    """Of the peers of the run, and of those that a decision names without having been measured."""
    return {**{name: peer.title for name, peer in peers.PEERS.items()}, **{name: peer["title"] for name, peer in run["peers"].items()}}


def by_cpu(cells):
    good = [cell for cell in cells if "figures" in cell]
    return sorted(good, key=lambda cell: cell["figures"]["cpu_us_per_request"]["median"])


def table(heads, rows):
    head = "".join(f"<th>{e(text)}</th>" for text in heads)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def conclusions(run, names):
    items = []
    for scenario in names:
        cells = [cell for cell in run["cells"] if cell["scenario"] == scenario]
        best, sentence = measure.verdict(scenario, cells)
        for name, title in titles(run).items():
            sentence = sentence.replace(f"{name} ", f"{title} ")
        head = titles(run)[best] if best else "No winner"
        items.append(f'<li class="{"" if best else "none"}"><span class="small soft">{e(scenarios.SCENARIOS[scenario].title)}</span>'
                     f"<b>{e(head)}</b><span class=small>{e(sentence)}.</span></li>")
    return f'<ul class="conclusions">{"".join(items)}</ul>'


def bars_table(run):
    rows = []
    for bar in bars.judge(run):
        if "value" not in bar:
            rows.append(f"<tr><td>{e(bar['what'])}</td><td>≤ {bar['at_most']:g} x</td><td>-</td><td class=wrap>{e(bar['why'])}</td></tr>")
            continue
        verdict = bar["verdict"]
        rows.append(f"<tr><td>{e(bar['what'])}</td><td>≤ {bar['at_most']:g} x</td><td class={verdict.lower()}>{bar['value']:.2f} x {verdict}</td>"
                    f"<td class=wrap>{e(bar['why'])}</td></tr>")
    return table(("Weir against the best of Gin, Echo and Fiber", "bar", "measured", ""), rows)


def _bar_rows(cells, figure, factor, names):
    return [(names[cell["peer"]], kind_of(cell["peer"]), *(cell["figures"][figure][key] * factor for key in ("median", "min", "max")))
            for cell in cells if figure in cell["figures"]]


def scenario_section(scenario, run):
    names = titles(run)
    cells = [cell for cell in run["cells"] if cell["scenario"] == scenario.name]
    good = by_cpu(cells)
    out = [f"<h2 id={scenario.name}>{e(scenario.title)}</h2><p>{e(scenario.what)}; {scenario.connections} connections.</p>"]
    for cell in cells:
        if cell["status"] != "ok":
            out.append(f'<p class="trouble"><b>{e(names[cell["peer"]])}: {e(cell["status"])}.</b> {e(cell["why"])}</p>')
    noisy = [names[cell["peer"]] for cell in good if cell["noise"]]
    if noisy:
        out.append(f'<p class="note">Noise: {e(", ".join(noisy))}: {e(next(cell["noise"] for cell in good if cell["noise"]))}.</p>')
    if good:
        out.append(f"<figure><figcaption>Server CPU per request, µs (less is better; lines: spread of the rounds)</figcaption>"
                   f"{plots.bars('Server CPU per request', _bar_rows(good, 'cpu_us_per_request', 1, names), 'µs')}</figure>")
        points = [(names[cell["peer"]], kind_of(cell["peer"]),
                   [(p, cell["figures"][key]["median"] / 1000) for p, key in ((50, "p50_us"), (90, "p90_us"), (99, "p99_us"), (99.9, "p999_us"))])
                  for cell in good if kind_of(cell["peer"]) != "reference"]
        out.append(f"<figure><figcaption>Latency at saturation, ms</figcaption>{plots.latency('Latency', points)}</figure>")
        out.append(figures_table(good, names) + at_rest(good, names) + open_loop(good, names))
        over = [(names[cell["peer"]], kind_of(cell["peer"]), [(at, pss / 1e6) for at, pss in cell.get("memory", [])]) for cell in good]
        plot = plots.lines("Memory", over, "seconds since its first round", "MB")
        out.append(f"<figure><figcaption>Memory over time (Pss in its rounds, MB)</figcaption>{plot}</figure>" if plot else "")
    return "".join(out)


def open_loop(cells, names):
    """Latency at a fixed rate."""
    cells = [cell for cell in cells if "open" in cell]
    if not cells:
        return ""
    rate = cells[0]["open"]["rate"]
    points = [(names[cell["peer"]], kind_of(cell["peer"]), [(p, cell["open"]["figures"][key]["median"] / 1000) for p, key in
               ((50, "p50_us"), (90, "p90_us"), (99, "p99_us"), (99.9, "p999_us"))]) for cell in cells]
    rows = [f'<tr class="{kind_of(cell["peer"])}"><td>{e(names[cell["peer"]])}</td>'
            + "".join(f"<td>{cell['open']['figures'][key]['median'] / 1000:.2f}</td>" for key in ("p50_us", "p90_us", "p99_us", "p999_us", "max_us"))
            + f"<td>{cell['open']['figures']['p99_us']['min'] / 1000:.2f}–{cell['open']['figures']['p99_us']['max'] / 1000:.2f}</td>"
            + f"<td>{sum(r['errors'] + r['status_errors'] + r['unanswered'] for r in cell['open']['rounds'])}</td></tr>" for cell in cells]
    return (f"<h3>At {rate:,} requests a second</h3><p class=small>The same rate for all, half of what the slowest can do at most; a request's "
            f"time counts from the moment it was due, so a server that stalls pays for those that queue up.</p>"
            f"<figure><figcaption>Latency at a fixed rate, ms</figcaption>{plots.latency('Latency at a fixed rate', points)}</figure>"
            + table(("", "P50 ms", "P90", "P99", "P99.9", "max", "spread of P99", "failed"), rows))


def at_rest(cells, names):
    """Start-up, size and memory before the load; the log's completeness."""
    rows = []
    for cell in cells:
        if "idle_pss" not in cell:
            continue
        logged = f"{cell['log_lines'] / cell['asked']:.1%}" if cell.get("log_lines") and cell.get("asked") else ""
        rows.append(f'<tr class="{kind_of(cell["peer"])}"><td>{e(names[cell["peer"]])}</td><td>{cell.get("start_ms", 0):.0f} ms</td>'
                    f'<td>{figures.human_bytes(cell.get("binary_bytes", 0))}</td><td>{figures.human_bytes(cell["idle_pss"])}</td>'
                    f'<td>{figures.human_bytes(cell["held_pss"]) if "held_pss" in cell else ""}</td><td>{logged}</td></tr>')
    return table(("", "start-up", "program", "Pss at rest", "Pss, idle connections held", "requests that are in the log"), rows) if rows else ""


def figures_table(cells, names):
    weir = next((cell for cell in cells if cell["peer"] == "weir"), None)
    rows = []
    for cell in cells:
        of = cell["figures"]
        cpu = of["cpu_us_per_request"]
        factor = ""
        if weir and cell is not weir:
            pairs = figures.ratio(*([r["cpu_us_per_request"] for r in c["rounds"]] for c in (cell, weir)))
            factor = f"{pairs['median']:.2f} x"
        failed = ", ".join(f"{count} {what}" for what, count in cell["failures"].items() if count) or "none"
        values = (names[cell["peer"]], f"{cpu['median']:.2f}", f"{cpu['min']:.2f}–{cpu['max']:.2f}", factor,
                  stats.si(of["requests_per_s"]["median"]),
                  *(f"{of[key]['median'] / 1000:.2f}" for key in ("p50_us", "p90_us", "p99_us", "p999_us")),
                  figures.human_bytes(of["pss"]["median"]), failed,
                  f"{of['idle_server_core']['median']:.0%} / {of['idle_load_core']['median']:.0%}")
        rows.append(f'<tr class="{kind_of(cell["peer"])}">' + "".join(f"<td>{e(value)}</td>" for value in values) + "</tr>")
    return table(("", "CPU µs", "spread", "vs Weir", "req/s", "P50 ms", "P90", "P99", "P99.9", "Pss", "failed", "idle server / load core"), rows)


def tree_html(node, names):
    if "question" not in node:
        return f'<span class="leaf">{e(names.get(node["peer"], node["peer"]) if node["peer"] else "no recommendation")}</span> <span class="small soft">{e(node["why"])}</span>'
    answers = "".join(f'<li><span class="answer">{answer}</span>{tree_html(node[answer], names)}</li>' for answer in ("yes", "no"))
    return f"<b>{e(node['question'])}</b><ul>{answers}</ul>"


def matrix(data, names):
    columns = list(data["peers"])
    rows = ["<tr><td>" + e(text) + "</td>" + "".join(f"<td>{MARK[data['peers'][name][key]]}</td>" for name in columns) + "</tr>"
            for key, text in data["questions"].items()]
    sources = "".join(f"<li>{e(names.get(name, name))}: {', '.join(e(source) for source in data['peers'][name]['sources'])}</li>" for name in columns)
    return table(["", *(names.get(name, name) for name in columns)], rows) + f'<p class="small soft">✓ part of the package; module: a module of its ecosystem; – not to be had.</p><ul class="small soft">{sources}</ul>'


def provenance(run):
    machine = run["machine"]
    facts = [("Date", run["started"]), ("Processor", f"{machine['processor']}, {machine['cores']} cores"),
             ("Memory", figures.human_bytes(machine["memory_bytes"])), ("System", f"{machine['system']}, Linux {machine['kernel']}"),
             ("Load", machine["wrk"]), ("Compiler", machine["compiler"]), ("Rounds", f"{run['rounds']} of {run['seconds']} s"),
             ("Command", "./dev compare " + " ".join(run["arguments"]))]
    rows = [f"<tr><td>{e(name)}</td><td class=wrap>{e(value)}</td></tr>" for name, value in facts if value]
    versions = [f"<tr><td>{e(peer['title'])}</td><td>{e(peer['language'])}</td><td class=wrap>{e(peer['version'])}</td></tr>" for peer in run["peers"].values()]
    return table(("Machine", ""), rows) + table(("Peer", "language", "version"), versions)


def commands(run, names):
    rows = [f"<tr><td>{e(cell['scenario'])}</td><td>{e(names[cell['peer']])}</td><td class=wrap><code>{e(cell['command'])}</code></td></tr>" for cell in run["cells"]]
    return table(("scenario", "peer", "one cell again"), rows)


def page(run):
    names = titles(run)
    measured = [name for name in scenarios.SCENARIOS if any(cell["scenario"] == name for cell in run["cells"])]
    data = decide.read()
    with open(os.path.join(HERE, "style.css"), encoding="utf-8") as file:
        style = file.read()
    unfinished = "" if run["complete"] else '<p class="note">This run was interrupted or is still going on: what is missing was not measured.</p>'
    raw = json.dumps(run, indent=1).replace("<", "\\u003c")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Which framework survives production?</title><style>{style}</style></head><body>
<h1>Which framework survives production?</h1>
<p class="soft">Measured on {e(run['machine']['processor'])} at {e(run['started'])}. What is compared is the server's CPU time for a request: server and load have a core each, the peers take turns.</p>
{unfinished}{conclusions(run, measured)}
{bars_table(run)}
<h2 id="decide">Which one for you?</h2>
<p>Recommendations come from this run's figures and from the matrix below; where the figures do not decide, the tree says so.</p>
<ul class="tree"><li>{tree_html(decide.resolve(data, run['cells']), names)}</li></ul>
{''.join(scenario_section(scenarios.SCENARIOS[name], run) for name in measured)}
<h2 id="features">What they bring</h2>{matrix(data, names)}
<h2 id="how">How this was measured</h2>{provenance(run)}
<h3>Commands</h3>{commands(run, names)}
<details class="raw"><summary>Raw figures (JSON)</summary><pre>{e(json.dumps(run['cells'], indent=1)[:200000])}</pre></details>
<script type="application/json" id="results">{raw}</script>
</body></html>
"""
