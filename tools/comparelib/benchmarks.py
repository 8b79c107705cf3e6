"""docs/benchmarks.md from the results of a run: tables, plots as SVG files beside it, the article's claims, how to run it again.
Every figure and every verdict in its text is computed."""
import json
import os
import re

from benchlib import stats

from . import bars, claims, figures, html, measure, open_loop, plots, scenarios, soak as soaking

FOLDER = "benchmarks"
STYLE = """text{fill:#1c2430;font:14px system-ui,"DejaVu Sans",sans-serif}.tick{fill:#5b6675;font-size:12px}.paper{fill:#fff}
.bar{fill:#8a97a8}.bar.weir{fill:#0b7285}.bar.reference{fill:#c9d0d9}.bar.yours{fill:#d9480f}
.cut{stroke:#fff;stroke-width:3.5;fill:none}.spread{stroke:#1c2430;stroke-width:1.5;fill:none;opacity:.75}.grid{stroke:#d8dee6;fill:none}.line{fill:none;stroke:#8a6d1d;stroke-width:2.2}
.line.weir{stroke:#0b7285;stroke-width:3.2}.line.gin{stroke:#2f6fde}.line.echo{stroke:#2b9348}.line.fiber{stroke:#c2410c}
.line.nethttp{stroke:#7c5cbf}.line.axum{stroke:#b5179e}.line.fastify{stroke:#3a3a3a}.line.spring{stroke:#7a9a01}.line.latest{stroke-dasharray:6 4}"""


def write(results, target):
    """Writes the page and its plots; gives the paths."""
    run = read(results)
    soak = os.path.join(os.path.dirname(os.path.abspath(results)), "soak.json")
    if "soak" not in run and os.path.exists(soak):
        run["soak"] = soaking.load_state(soak)
    pictures = {}
    text = page(run, pictures)
    folder = os.path.join(os.path.dirname(os.path.abspath(target)), FOLDER)
    os.makedirs(folder, exist_ok=True)
    for old in os.listdir(folder):
        if old.endswith(".svg"):
            os.remove(os.path.join(folder, old))
    for name, svg in pictures.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(svg)
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)
    return [target, *(os.path.join(folder, name) for name in pictures)]


def read(path):
    """The run of a results.json; raises ValueError where it is something else."""
    with open(path, encoding="utf-8") as file:
        try:
            run = json.load(file)
        except ValueError as error:
            raise ValueError(f"{path} is no JSON: {error}") from error
    if not isinstance(run, dict) or not {"lab", "started", "arguments", "complete", "machine", "peers", "cells"} <= set(run):
        raise ValueError(f"{path} is no results.json of the lab")
    return run


def standalone(svg, entries=()):
    """A plot as a file of its own: with its style, on white, its legend below."""
    svg = svg[:svg.index("</svg>") + 6]
    width, height = (float(number) for number in re.search(r'viewBox="0 0 (\S+) (\S+)"', svg).groups())
    legend, x, y = [], 12.0, height + 14
    for name, kind in entries:
        wide = 34 + 8.2 * len(name)
        if x + wide > width:
            x, y = 12.0, y + 22
        legend.append(f'<path d="M{x:.0f} {y - 4:.0f}h18" class="line {kind}"/><text x="{x + 24:.0f}" y="{y:.0f}">{html.e(name)}</text>')
        x += wide
    if legend:
        height = y + 10
    svg = re.sub(r'viewBox="[^"]*"', f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"', svg, count=1)
    head = svg.index(">") + 1
    return svg[:head] + f'<style>{STYLE}</style><rect width="100%" height="100%" class="paper"/>' + svg[head:-6] + "".join(legend) + "</svg>\n"


def _table(heads, rows):
    def line(values):
        return "| " + " | ".join(str(value).replace("|", "\\|") for value in values) + " |"
    return "\n".join([line(heads), "|" + "---|" * len(heads), *map(line, rows)]) + "\n"


def _picture(pictures, name, title, svg, entries=()):
    if not svg:
        return ""
    pictures[f"{name}.svg"] = standalone(svg, entries)
    return f"![{title}]({FOLDER}/{name}.svg)\n\n"


def page(run, pictures):
    names = html.titles(run)
    measured = [scenario for name, scenario in scenarios.SCENARIOS.items() if any(cell["scenario"] == name for cell in run["cells"])]
    parts = [_head(run), _conclusions(run, names, measured), _bars(run), _claims(run)]
    parts += [_scenario(scenario, run, names, pictures) for scenario in measured]
    parts += [_soak(run, names), _versions(run), _again(run, names)]
    return "\n".join(parts)


def _cores(machine):
    return f"Server and load share what they run on ({machine['shared']})" if machine.get("shared") else "The server has one core, the load the other"


def _head(run):
    machine = run["machine"]
    took = f" It took {figures.human_time(run['took_s'])}." if run.get("took_s") else ""
    unfinished = "" if run["complete"] else "\n**This run was interrupted: what is missing below was not measured.**\n"
    command = re.sub(r" --report \S+", "", " ".join(["./dev compare", *run["arguments"]]))
    return f"""# Benchmarks

One run of `{command}` at {run['started']} on a machine of {machine['cores']} cores
({machine['processor']}, {figures.human_bytes(machine['memory_bytes'])}, {machine['system']}, Linux {machine['kernel']}).{took} Your machine says something else:
the same command runs there, and [the last section](#run-it-again) says how to repeat a single cell.

{_cores(machine)}, and the peers take turns. What is compared is the server's CPU time for a request; throughput and
latency at saturation are shown beside it. Medians of the rounds, and their spread. The same service, written for each framework as its own users would, is in
`bench/peers`. This page is written from the results by `tools/compare --benchmarks-page`, text and verdicts included.
{unfinished}"""


def _conclusions(run, names, measured):
    lines = []
    for scenario in measured:
        best, sentence = measure.verdict(scenario.name, run["cells"])
        lines.append((f"[{scenario.title}](#{_anchor(scenario.title)})", names[best] if best else "nobody", html.with_titles(sentence, names)))
    said = html.summary(run, [scenario.name for scenario in measured])
    return (f"## Conclusions\n\n{said}\n\n" + _table(("scenario", "ahead", "why"), lines)
            + f"\n{figures.RULE}\n")


def _anchor(title):
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _bars(run):
    rows = []
    for bar in bars.judge(run):
        value = bar.get("text", "-")
        rows.append((bar["what"], f"≤ {bar['at_most']:g} x", value, bar.get("verdict", "not measured"), bar["why"] if "value" in bar else ""))
    return "## Weir against the best of Gin, Echo and Fiber\n\n" + _table(("", "bar", "measured", "", ""), rows)


def _claims(run):
    rows = claims.judge(run)
    asked = [row for row in rows if row[3] in ("yes", "no")]
    holding = sum(row[3] == "yes" for row in asked)
    return (f"## The article's figures\n\nWeir started from an article about Gin, Echo and Fiber. Of its {len(rows)} figures {len(asked)} can be held beside "
            f"this run: {holding} are within {claims.CLOSE:.0%} of it or agree with it, {len(asked) - holding} do not.\n\n"
            + _table(("claim", "article", "here", "holds here", "why not"), rows))


def _scenario(scenario, run, names, pictures):
    cells = [cell for cell in run["cells"] if cell["scenario"] == scenario.name]
    good = html.by_figure(cells, scenario.figure)
    good = [cell for cell in good if cell["status"] == "ok"]
    out = [f"## {scenario.title}\n\n{scenario.what}" + ("" if scenario.load == "start" else f"; {scenario.connections:,} connections") + ".\n"]
    out += [f"- **{names[cell['peer']]}: {cell['status']}.** {cell['why']}\n" for cell in cells if cell["status"] != "ok"]
    out += [f"- **{names[cell['peer']]} at a fixed rate: failed.** {cell['open_error']}\n" for cell in good if "open_error" in cell]
    noisy = "; ".join(f"{names[cell['peer']]}: {cell['noise']}" for cell in good if cell["noise"])
    out.append(f"\nNoise: {noisy}.\n" if noisy else "")
    out.append("\n")
    if not good:
        return "".join(out)
    rows = html.bar_rows(good, scenario.figure, 1, names)
    out.append("Bars with two slashes go on beyond the plot.\n\n" if plots.is_cut(rows) else "")
    out.append(_picture(pictures, scenario.name, f"{scenario.figure_name}, {scenario.title}", plots.bars(scenario.figure_name, rows, scenario.unit)))
    out.append(_figures(good, scenario, names) + _memory(good, scenario, names, pictures) + _rates(good, scenario, names, pictures) + _runtimes(good, names))
    return "".join(out)


def _show(cell, figure, how):
    return how(cell["figures"][figure]["median"]) if figure in cell["figures"] else ""


def _figures(good, scenario, names):
    weir = next((cell for cell in good if cell["peer"] == "weir"), None)
    columns = [("requests/s", "requests_per_s", stats.si)] + [
        (title, key, lambda us: f"{us / 1000:.2f}") for title, key in (("P50 ms", "p50_us"), ("P90", "p90_us"), ("P99", "p99_us"), ("P99.9", "p999_us"))]
    columns += [("bytes/s", "bytes_per_s", lambda v: figures.human_bytes(v) + "/s")] if scenario.name == "file" else []
    columns += [("Pss", "pss", figures.human_bytes)]
    columns += [(title, key, "{:.0%}".format) for title, key in (("idle: server", "idle_server_core"), ("load", "idle_load_core"))]
    columns = [column for column in columns if any(column[1] in cell["figures"] for cell in good)]
    rows = []
    for cell in good:
        main = cell["figures"].get(scenario.figure)
        factor = ""
        if weir and cell is not weir:
            factor = measure.beside(cell, weir, scenario)
        failed = ", ".join(f"{count:,} {what}" for what, count in cell["failures"].items() if count)
        rows.append((f"**{names[cell['peer']]}**" if cell is weir else names[cell["peer"]], f"{main['median']:.2f}" if main else "",
                     f"{main['min']:.2f}-{main['max']:.2f}" if main else "", factor, *(_show(cell, key, how) for _, key, how in columns), failed or "none"))
    unit = ("CPU " if scenario.figure.startswith("cpu") else "") + scenario.unit
    return _table(("", unit, "spread", "vs Weir", *(title for title, _, _ in columns), "failed"), rows) + "\n"


def _memory(good, scenario, names, pictures):
    if scenario.hold:
        some = sorted((cell for cell in good if "held_pss" in cell), key=lambda cell: cell["held_pss"])
        rows = [(names[cell["peer"]], html.kind_of(cell["peer"]), *[cell["held_pss"] / 1e6] * 3) for cell in some]
        return _picture(pictures, "memory-held", "Pss with 10,000 idle connections", plots.bars("Pss with idle connections", rows, "MB")) + _table(
            ("Pss", "at rest", f"{scenario.hold:,} idle connections", "under load"),
            [(names[cell["peer"]], figures.human_bytes(cell["idle_pss"]), figures.human_bytes(cell["held_pss"]), _show(cell, "pss", figures.human_bytes))
             for cell in some]) + "\n"
    if scenario.load == "start":
        some = sorted((cell for cell in good if "idle_pss" in cell), key=lambda cell: cell["idle_pss"])
        rows = [(names[cell["peer"]], html.kind_of(cell["peer"]), *[cell["idle_pss"] / 1e6] * 3) for cell in some]
        return _picture(pictures, "memory-idle", "Pss at rest", plots.bars("Pss at rest", rows, "MB")) + _table(
            ("", "what is deployed (stripped, without a runtime)", "Pss at rest"),
            [(names[cell["peer"]], figures.human_bytes(cell["binary_bytes"]), figures.human_bytes(cell["idle_pss"])) for cell in some]) + "\n"
    return ""


def _rates(good, scenario, names, pictures):
    out = []
    for key, title, what in open_loop.TABLES:
        some = open_loop.rows(good, key)
        if not some:
            continue
        points = [(names[name], html.kind_of(name), html.latency_points(of["figures"])) for name, beside, of in some if not beside]
        out.append(f"### {title}\n\n{what}. An open loop: a request's time counts from the moment it was due. Milliseconds.\n\n")
        slow = [f"{names[name]} ({most:,.0f}/s)" for name, most in open_loop.left_out(good)] if key == "common" else []
        out.append(f"Left out, since at most they did less: {', '.join(slow)}.\n\n" if slow else "")
        out.append(_picture(pictures, f"{scenario.name}-{key}", f"{title}: latency", plots.latency(title, points), [(name, kind) for name, kind, _ in points]))
        rows = [(f"*{names[name]}, at the same rate*" if beside else names[name], *html.open_values(of, "-")) for name, beside, of in some]
        out.append(_table(html.OPEN_HEADS, rows) + "\n")
    return "".join(out)


def _runtimes(good, names):
    heads = (("gc_per_s", "collections/s"), ("gc_ms_per_s", "pauses, ms/s"), ("gc_max_ms", "longest pause, ms"), ("allocations_per_request", "allocations/request"))
    some = [cell for cell in good if any(key in cell["figures"] for key, _ in heads)]
    rows = [(names[cell["peer"]], *(_show(cell, key, plots.number_text) for key, _ in heads)) for cell in some]
    return _table(("What the runtime tells", *(title for _, title in heads)), rows) + "\n" if rows else ""


def _soak(run, names):
    state = run.get("soak")
    if not state:
        return ""
    rows = [(names.get(verdict["peer"], verdict["peer"]), verdict["verdict"], soaking.sentence(verdict)) for verdict in state["verdicts"]]
    return (f"## Hours under load\n\n{figures.human_time(state['spent_s'])} of {figures.human_time(state['wanted_s'])}, begun {state['started']}: the production "
            f"chain under {state['connections']:,} connections, the peers in turns.\n\n" + _table(("", "verdict", ""), rows))


def _versions(run):
    return "## Versions\n\n" + _table(("", "language", "version"), [(peer["title"], peer["language"], peer["version"]) for peer in run["peers"].values()])


def _again(run, names):
    rows = []
    for scenario in scenarios.SCENARIOS.values():
        for pattern, taking in measure.rerun_patterns([cell for cell in run["cells"] if cell["scenario"] == scenario.name]).items():
            rows.append((scenario.title, f"`{pattern}`", " ".join(taking) if "PEER" in pattern else ""))
    return f"""## Run it again

```sh
./dev compare --quick        # the main peers in three scenarios
./dev compare                # this page's run
./dev compare --soak 72h     # hours: growth of memory and failures
tools/compare --benchmarks-page docs/benchmarks.md report/results.json
```

One cell again, beside Weir: the scenario's command with one of its peers for PEER. The report (`report/index.html`) has each of them in full.

{_table(("scenario", "command", "PEER"), rows)}"""
