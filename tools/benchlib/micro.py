"""The micro-benchmarks (weir_*_bench, Google Benchmark), with the bars that they state themselves.

A benchmark states a bar as a counter:
  state.counters["bar_ns"] = 400;        at most 400 ns an item (or an iteration, where no items are counted)
  state.counters["bar_heap_bytes"] = N;  at most N of the counter heap_bytes
  state.counters["floor_speedup"] = 3;   at least 3 of the counter speedup
A ratio of two benchmarks is named in RATIOS."""
import glob
import json
import os
import re
import subprocess

from . import machine, stats

UNIT_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}

# (row, what, program, slower benchmark, faster benchmark, at least)
RATIOS = [
    ("json-nlohmann", "1 KB object in and out, nlohmann-json against ours", "weir_json_bench", r"(?i)nlohmann", r"(?i)weir", 3.0),
    ("json-rapidjson", "1 KB object in and out, rapidjson by hand against ours", "weir_json_bench", r"(?i)rapidjson", r"(?i)weir", 1.0),
]


def ns_per_item(run):
    """CPU time of one item in nanoseconds."""
    if run.get("items_per_second"):
        return 1e9 / run["items_per_second"]
    return run["cpu_time"] * UNIT_NS[run["time_unit"]]


def group(runs):
    """{benchmark name: its repetitions}, in order."""
    groups = {}
    for run in runs:
        if run.get("run_type", "iteration") == "iteration" and not run.get("error_occurred"):
            groups.setdefault(run.get("run_name", run["name"]), []).append(run)
    return groups


def results_of(program, runs):
    """The results of one program's benchmarks: a row each, and one for every further bar of it."""
    results = []
    for name, repetitions in group(runs).items():
        row = f"{program.removeprefix('weir_').removesuffix('_bench')}/{name}"
        times = stats.summary(ns_per_item(run) for run in repetitions)
        first = repetitions[0]
        results.append({"row": row, "what": row, "value": times["median"], "unit": "ns",
                        "spread": (times["min"], times["max"]), "at_most": first.get("bar_ns"), "detail": []})
        for key, bar in first.items():
            for prefix, kind in (("bar_", "at_most"), ("floor_", "at_least")):
                counter = key.removeprefix(prefix)
                if key.startswith(prefix) and key != "bar_ns" and counter in first:
                    values = stats.summary(run[counter] for run in repetitions)
                    results.append({"row": f"{row}:{counter}", "what": row, "value": values["median"], "unit": counter,
                                    "spread": (values["min"], values["max"]), kind: bar, "detail": []})
    return results


def ratios_of(program, runs):
    """The rows of RATIOS that this program has both sides of."""
    results = []
    groups = group(runs)
    for row, what, of_program, slower, faster, at_least in RATIOS:
        sides = [[r for name, r in groups.items() if re.search(pattern, name)] for pattern in (slower, faster)]
        if program != of_program or not all(sides):
            continue
        ratio = stats.ratios((ns_per_item(r) for r in sides[0][0]), (ns_per_item(r) for r in sides[1][0]))
        results.append({"row": row, "what": what, "value": ratio["median"], "unit": "x", "spread": (ratio["min"], ratio["max"]),
                        "at_least": at_least, "detail": []})
    return results


def run(options):
    programs = sorted(glob.glob(os.path.join(options.build, "bin/weir_*_bench")))
    if not programs:
        raise machine.Missing("no weir_*_bench is built")
    results = []
    for path in programs:
        program = os.path.basename(path)
        options.progress(program)
        command = [path, "--benchmark_format=json", f"--benchmark_repetitions={options.rounds}",
                   "--benchmark_enable_random_interleaving=true"]
        if options.quick:
            command.append("--benchmark_min_time=0.05")
        process = machine.start(machine.pinned(machine.SERVER_CORE, command), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        try:
            output, errors = process.communicate()
        finally:
            machine.end(process)
        if process.returncode != 0:
            results.append({"row": program, "what": program, "error": f"ended with status {process.returncode}: {errors[-300:]}"})
            continue
        runs = json.loads(output)["benchmarks"]
        results += results_of(program, runs) + ratios_of(program, runs)
    return results
