"""The report: one HTML file that needs nothing else. Conclusions first, then figures, then everything to check them by."""
import html
import json
import math
import os
import re

from benchlib import stats

from . import bars, decide, figures, measure, open_loop, peers, plots, scenarios

HERE = os.path.dirname(os.path.abspath(__file__))
MARK = {"in": "✓", "module": "module", "no": "–"}


def e(text):
    return html.escape(str(text))


def kind_of(name):
    if name in ("weir", "yours"):
        return name
    return name.replace("-", " ") if peers.competes(name) else "reference"


def titles(run):
    """Of the peers of the run, and of those that a decision names without having been measured."""
    return {**{name: peer.title for name, peer in peers.PEERS.items()}, **{name: peer["title"] for name, peer in run["peers"].items()}}


def with_titles(sentence, names):
    """A sentence about peers with their names as people write them."""
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"(?<![\w-])({pattern})(?![\w-])", lambda found: names[found[0]], sentence)


def by_figure(cells, figure):
    good = [cell for cell in cells if "figures" in cell]
    return sorted(good, key=lambda cell: cell["figures"].get(figure, {"median": math.inf})["median"])


def table(heads, rows, kind=""):
    head = "".join(f"<th>{e(text)}</th>" for text in heads)
    return f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def conclusions(run, names):
    items = []
    for scenario in names:
        cells = [cell for cell in run["cells"] if cell["scenario"] == scenario]
        best, sentence = measure.verdict(scenario, cells)
        sentence = with_titles(sentence, titles(run))
        head = titles(run)[best] if best else "No winner"
        of = scenarios.SCENARIOS[scenario]
        kind = "none" if best is None else "" if best == "weir" else "other"
        items.append(f'<li class="{kind}"><span class="small soft">{e(of.title)}</span>'
                     f"<b>{e(head)}</b><span class=small>{e(sentence).replace(' x', '&nbsp;x')}.</span></li>")
    hours = [(titles(run).get(verdict["peer"], verdict["peer"]), verdict["verdict"]) for verdict in (run.get("soak") or {}).get("verdicts", [])]
    if hours:
        growing = [title for title, verdict in hours if verdict == "grows"]
        items.append(f'<li class="none"><span class="small soft">Memory, hours under load</span><b>{e("Grows: " + ", ".join(growing) if growing else "None is seen to grow")}</b>'
                     f'<span class=small><a href="#soak">{e("; ".join(f"{title}: {verdict}" for title, verdict in hours))}</a>.</span></li>')
    return f'<ul class="conclusions">{"".join(items)}</ul>' if items else ""


def summary(run, names):
    """One sentence of all verdicts."""
    won, other, unclear = [], [], []
    for scenario in names:
        best, _ = measure.verdict(scenario, run["cells"])
        title = scenarios.SCENARIOS[scenario].title
        (unclear if best is None else won if best == "weir" else other).append(title if best in (None, "weir") else f"{title}: {titles(run)[best]}")
    said = f"Weir is ahead in {len(won)} of {len(names)} scenarios" if any(cell["peer"] == "weir" for cell in run["cells"]) else "Weir was not measured"
    said += f"; another one is in {len(other)} ({', '.join(other)})" if other else ""
    return said + (f"; no winner could be named in {len(unclear)} ({', '.join(unclear)})" if unclear else "") + "."


def bars_table(run):
    rows = []
    for bar in bars.judge(run):
        if "value" not in bar:
            rows.append(f"<tr><td class=what>{e(bar['what'])}</td><td>≤ {bar['at_most']:g} x</td><td>-</td><td class=wrap>{e(bar['why'])}</td></tr>")
            continue
        verdict = bar["verdict"]
        rows.append(f"<tr><td class=what>{e(bar['what'])}</td><td>≤ {bar['at_most']:g} x</td><td class={verdict.lower()}>{bar['text']} {verdict}</td>"
                    f"<td class=wrap>{e(bar['why'])}</td></tr>")
    return table(("Weir against the best of Gin, Echo and Fiber", "bar", "measured", ""), rows, "bars")


def bar_rows(cells, figure, factor, names):
    return [(names[cell["peer"]], kind_of(cell["peer"]), *(cell["figures"][figure][key] * factor for key in ("median", "min", "max")))
            for cell in cells if figure in cell["figures"]]


PERCENTILES = ((50, "p50_us"), (90, "p90_us"), (99, "p99_us"), (99.9, "p999_us"))


def latency_points(of):
    return [(p, of[key]["median"] / 1000) for p, key in PERCENTILES if key in of]


def scenario_section(scenario, run):
    names = titles(run)
    cells = [cell for cell in run["cells"] if cell["scenario"] == scenario.name]
    good = by_figure(cells, scenario.figure)
    loaded = "" if scenario.load == "start" else f"; {scenario.connections:,} connections"
    out = [f"<h2 id={scenario.name}>{e(scenario.title)}</h2><p>{e(scenario.what)}{loaded}. {e(measure.told(cells, scenario))}</p>"]
    for cell in cells:
        if cell["status"] != "ok":
            out.append(f'<p class="trouble"><b>{e(names[cell["peer"]])}: {e(cell["status"])}.</b> {e(cell["why"])}</p>')
    out += [f'<p class="trouble"><b>{e(names[cell["peer"]])} at a fixed rate: failed.</b> {e(cell["open_error"])}</p>' for cell in cells if "open_error" in cell]
    noisy = [f"{names[cell['peer']]} ({cell['noise']})" for cell in good if cell["noise"]]
    if noisy:
        out.append(f'<p class="note">Noise: {e("; ".join(noisy))}.</p>')
    if good:
        rows = bar_rows(good, scenario.figure, 1, names)
        cut = "; two slashes: it goes on beyond the plot" if plots.is_cut(rows) else ""
        out.append(f"<figure><figcaption>{e(scenario.figure_name)}, {scenario.unit} (less is better; lines: spread of the rounds{cut})</figcaption>"
                   f"{plots.bars(scenario.figure_name, rows, scenario.unit)}</figure>")
        points = [(names[cell["peer"]], kind_of(cell["peer"]), latency_points(cell["figures"]))
                  for cell in good if kind_of(cell["peer"]) != "reference"]
        plot = plots.latency("Latency", points)
        out.append(f"<figure><figcaption>Latency at saturation, ms</figcaption>{plot}</figure>" if plot else "")
        out.append(figures_table(good, names, scenario) + logged(good, names) + at_rest(good, names, scenario) + fixed_rates(good, names))
        over = [(names[cell["peer"]], kind_of(cell["peer"]), [(at, pss / 1e6) for at, pss in cell.get("memory", [])]) for cell in good]
        plot = plots.lines("Memory", over, "seconds since its first round", "MB", logarithmic=True)
        more = runtime_table(good, names) + memory_table(good, names) + (f"<figure><figcaption>Memory over time (Pss in its rounds, MB)</figcaption>{plot}</figure>" if plot else "")
        out.append(f"<details><summary>Garbage collection, and memory over time</summary>{more}</details>" if more else "")
    return "".join(out)


OPEN_HEADS = ("", "requests/s", "P50 ms", "P90", "P99", "P99.9", "max", "spread of P99", "failed")


def open_values(of, dash="–"):
    """A row of a table of fixed rates, behind the name."""
    figures_of = of["figures"]
    failed = sum(report["errors"] + report["status_errors"] + report["unanswered"] for report in of["rounds"])
    return (f"{of['rate']:,}" + ("" if of["held"] else " (not held)"),
            *(f"{figures_of[name]['median'] / 1000:.2f}" for name in ("p50_us", "p90_us", "p99_us", "p999_us", "max_us")),
            f"{figures_of['p99_us']['min'] / 1000:.2f}{dash}{figures_of['p99_us']['max'] / 1000:.2f}", failed or "none")


def fixed_rates(cells, names):
    """Latency at fixed rates."""
    out = []
    for key, title, what in open_loop.TABLES:
        some = open_loop.rows(cells, key)
        if not some:
            continue
        slow = [f"{names[name]} ({most:,.0f}/s)" for name, most in open_loop.left_out(cells)] if key == "common" else []
        points = [(names[name], kind_of(name), latency_points(of["figures"])) for name, beside, of in some if not beside]
        rows = []
        for name, beside, of in some:
            title_of = f"{names[name]}, at the same rate" if beside else names[name]
            rows.append(f'<tr class="{kind_of(name)}"><td>{e(title_of)}</td>' + "".join(f"<td>{e(value)}</td>" for value in open_values(of)) + "</tr>")
        out.append(f"<h3>{title}</h3><p class=small>{e(what)}. A request's time counts from the moment it was due, so a server that stalls pays for "
                   f"those that queue up.{e(' Left out, since at most they did less: ' + ', '.join(slow) + '.') if slow else ''}</p>"
                   f"<figure><figcaption>{title}: latency, ms</figcaption>{plots.latency(title, points)}</figure>" + table(OPEN_HEADS, rows))
    return "".join(out)


def runtime_table(cells, names):
    """Garbage collection and allocations, where the runtime tells."""
    heads = (("gc_per_s", "collections/s"), ("gc_ms_per_s", "pauses, ms/s"), ("gc_max_ms", "longest pause, ms"),
             ("allocations_per_request", "allocations/request"))
    some = [cell for cell in cells if any(key in cell["figures"] for key, _ in heads)]
    rows = [f'<tr class="{kind_of(cell["peer"])}"><td>{e(names[cell["peer"]])}</td>' + "".join(
        f"<td>{plots.number_text(cell['figures'][key]['median']) if key in cell['figures'] else ''}</td>" for key, _ in heads) + "</tr>" for cell in some]
    return table(("What the runtime tells", *(title for _, title in heads)), rows) if rows else ""


def memory_table(cells, names):
    """Pss at rest, under load, and whether it grew in the time of its rounds."""
    rows = []
    for cell in cells:
        growth = cell.get("pss_growth")
        if growth:
            rest = figures.human_bytes(cell["idle_pss"]) if "idle_pss" in cell else ""
            load = figures.human_bytes(cell["figures"]["pss"]["median"]) if "pss" in cell["figures"] else ""
            rows.append(f'<tr class="{kind_of(cell["peer"])}"><td>{e(names[cell["peer"]])}</td><td>{rest}</td><td>{load}</td>'
                        f"<td>{growth['mb_per_min']:+.2f} ± {growth['half_width']:.2f}</td></tr>")
    return table(("Pss", "at rest", "under load", "growth, MB/min (95 %)"), rows) if rows else ""


def at_rest(cells, names, scenario):
    """What is known beside the load, where the scenario is about it: start-up, size, memory at rest."""
    columns = [("start-up", lambda cell: f"{cell['start_ms']:.0f} ms" if "start_ms" in cell else ""),
               ("program", lambda cell: figures.human_bytes(cell["binary_bytes"]) if "binary_bytes" in cell else "")] if scenario.load == "start" else []
    columns += [("Pss at rest", lambda cell: figures.human_bytes(cell["idle_pss"]) if "idle_pss" in cell else "")] if columns or scenario.hold else []
    columns += [("Pss, idle connections held", lambda cell: figures.human_bytes(cell["held_pss"]) if "held_pss" in cell else "")] if scenario.hold else []
    rows = [f'<tr class="{kind_of(cell["peer"])}"><td>{e(names[cell["peer"]])}</td>' + "".join(f"<td>{show(cell)}</td>" for _, show in columns) + "</tr>"
            for cell in cells if any(show(cell) for _, show in columns)]
    return table(("", *(title for title, _ in columns)), rows) if rows else ""


def logged(cells, names):
    """Whether each request is in the log of the production chain."""
    shares = {names[cell["peer"]]: min(1.0, cell["log_lines"] / cell["asked"]) for cell in cells if cell.get("asked") and "log_lines" in cell}
    if not shares:
        return ""
    short = [f"{name} {share:.1%}" for name, share in shares.items() if share < 0.9995]
    return f"<p class=small>Requests that are in the log afterwards: {e(', '.join(short) + '; the others all' if short else 'all of them, with everybody')}.</p>"


def figures_table(cells, names, scenario):
    weir = next((cell for cell in cells if cell["peer"] == "weir"), None)
    rows = []
    for cell in cells:
        of = cell["figures"]
        main = of.get(scenario.figure)

        def show(figure, how, of=of):
            return how(of[figure]["median"]) if figure in of else ""
        factor = ""
        if weir and cell is not weir:
            factor = measure.beside(cell, weir, scenario)
        failed = ", ".join(f"{count:,} {what}" for what, count in cell["failures"].items() if count) or "none"
        values = (names[cell["peer"]], f"{main['median']:.2f}" if main else "", f"{main['min']:.2f}–{main['max']:.2f}" if main else "", factor,
                  show("requests_per_s", stats.si), *(show(key, lambda us: f"{us / 1000:.2f}") for _, key in PERCENTILES),
                  show("pss", figures.human_bytes), failed,
                  f"{show('idle_server_core', '{:.0%}'.format)} / {show('idle_load_core', '{:.0%}'.format)}".strip("/ "))
        rows.append(f'<tr class="{kind_of(cell["peer"])}">' + "".join(f"<td>{e(value)}</td>" for value in values) + "</tr>")
    return table(("", f"{'CPU ' if scenario.figure.startswith('cpu') else ''}{scenario.unit}", "spread", "vs Weir", "req/s", "P50 ms", "P90", "P99", "P99.9",
                  "Pss", "failed", "idle srv / load"), rows)


def tree_html(node, names):
    if "question" not in node:
        return f'<span class="leaf">{e(names.get(node["peer"], node["peer"]) if node["peer"] else "no recommendation")}</span> <span class="small soft">{e(with_titles(node["why"], names))}</span>'
    answers = "".join(f'<li><span class="answer">{answer}</span>{tree_html(node[answer], names)}</li>' for answer in ("yes", "no"))
    return f"<b>{e(node['question'])}</b><ul>{answers}</ul>"


def matrix(data, names):
    columns = list(data["peers"])
    rows = ["<tr><td>" + e(text) + "</td>" + "".join(f"<td>{MARK[data['peers'][name][key]]}</td>" for name in columns) + "</tr>"
            for key, text in data["questions"].items()]
    sources = "".join(f"<li>{e(names.get(name, name))}: {e(sentence(data['peers'][name].get('notes', '')))}"
                      f"{', '.join(link(source) for source in data['peers'][name]['sources'])}</li>" for name in columns)
    return (table(["", *(names.get(name, name) for name in columns)], rows) + '<p class="small soft">✓ part of the package; module: a module of its '
            f'ecosystem; – not to be had.</p><details><summary>Notes and sources</summary><ul class="small soft">{sources}</ul></details>')


def sentence(text):
    return text[:1].upper() + text[1:] + ". " if text else ""


def link(source):
    return f'<a href="{e(source)}">{e(source.removeprefix("https://"))}</a>' if source.startswith("https://") else e(source)


def cores(machine):
    return f"server and load share what they run on ({machine['shared']})" if machine.get("shared") else "server and load have a core each"


def provenance(run):
    machine = run["machine"]
    facts = [("Date", run["started"]), ("Processor", f"{machine['processor']}, {machine['cores']} cores"),
             ("Memory", figures.human_bytes(machine["memory_bytes"])), ("System", f"{machine['system']}, Linux {machine['kernel']}"),
             ("Load", machine["wrk"]), ("Compiler", machine["compiler"]),
             ("Environment", machine.get("environment")), ("Command", "./dev compare " + " ".join(run["arguments"]))]
    rows = [f"<tr><td>{e(name)}</td><td class=wrap>{e(value)}</td></tr>" for name, value in facts if value]
    versions = [f"<tr><td>{e(peer['title'])}</td><td>{e(peer['language'])}</td><td class=wrap>{e(peer['version'])}</td></tr>" for peer in run["peers"].values()]
    return table(("Machine", ""), rows, "facts") + table(("Peer", "language", "version"), versions, "facts")


def commands(run, names):
    rows = [f"<tr><td>{e(cell['scenario'])}</td><td>{e(names[cell['peer']])}</td><td class=wrap><code>{e(cell['command'])}</code></td></tr>" for cell in run["cells"]]
    return table(("scenario", "peer", "one cell again"), rows, "facts")


def soak_section(run, names):
    """Hours under load, where some were measured."""
    state = run.get("soak")
    if not state:
        return ""
    rows, series = [], []
    for verdict in state["verdicts"]:
        peer = verdict["peer"]
        slope = "" if verdict["mb_per_hour"] is None else f"{verdict['mb_per_hour']:+.2f} ± {verdict['half_width']:.2f}"
        failed = ", ".join(f"{count:.3g} {kind}" for kind, count in verdict["per_million"].items()) or "none"
        kind = {"steady": "pass", "undecided": "", "too short": ""}.get(verdict["verdict"], "miss")
        rows.append(f'<tr class="{kind_of(peer)}"><td>{e(names.get(peer, peer))}</td><td class="{kind}">{e(verdict["verdict"])}</td><td>{slope}</td><td>{failed}</td>'
                    f"<td>{verdict['requests']:,}</td><td>{verdict['hours']:.2f}</td><td>{verdict['lives']}</td><td class=wrap>{e(verdict['why'])}</td></tr>")
        points = [(at / 3600, pss / 1e6) for life in state["peers"][peer]["lives"] for at, pss in life]
        series.append((names.get(peer, peer), kind_of(peer), points))
    plot = plots.lines("Memory over hours", series, "hours of load", "MB")
    return (f'<h2 id="soak">Hours under load</h2><p>{figures.human_time(state["spent_s"])} of {figures.human_time(state["wanted_s"])}, begun {e(state["started"])}: '
            f"the production chain under {state['connections']:,} connections, the peers in turns. Growth is the least-squares slope of Pss over a peer's own hours of "
            f"load, with its 95 % interval, for which samples that hang together count as fewer; a server that was started again begins at a level of its own.</p>"
            + table(("", "verdict", "growth, MB/h", "failures per million", "requests", "hours of load", "starts", ""), rows)
            + (f"<figure><figcaption>Memory over hours of load (Pss, MB)</figcaption>{plot}</figure>" if plot else ""))


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
<p class="soft">Measured on {e(run['machine']['processor'])} at {e(run['started'])}. What is compared is the server's CPU time for a request (0.5 x: half of it): {e(cores(run['machine']))}, the peers take turns.</p>
{unfinished}<p><b>{e(summary(run, measured) if measured else 'No scenario was measured in this run.')}</b></p>
{conclusions(run, measured)}
<p class="small soft">{e(figures.RULE)}</p>
{bars_table(run)}
<h2 id="decide">Which one for you?</h2>
<p>Recommendations come from this run's figures and from the matrix below; where the figures do not decide, the tree says so.</p>
<ul class="tree"><li>{tree_html(decide.resolve(data, run['cells']), names)}</li></ul>
{''.join(scenario_section(scenarios.SCENARIOS[name], run) for name in measured)}
{soak_section(run, names)}
<h2 id="features">What they bring</h2>{matrix(data, names)}
<h2 id="how">How this was measured</h2>{provenance(run)}
<details><summary>The command that measures one cell again, for each</summary>{commands(run, names)}</details>
<details class="raw" ontoggle="this.lastChild.textContent = document.getElementById('results').textContent"><summary>Raw figures (JSON, as in results.json)</summary><pre></pre></details>
<script type="application/json" id="results">{raw}</script>
</body></html>
"""
