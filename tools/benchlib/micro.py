"""The micro-benchmarks (weir_*_bench, Google Benchmark): the bars among them (BARS, RATIOS), and all of them.

Beside those a benchmark may state a bar of its own as a counter:
  state.counters["bar_ns"] = 400;        at most 400 ns an item (or an iteration, where no items are counted)
  state.counters["bar_heap_bytes"] = N;  at most N of the counter heap_bytes
  state.counters["floor_speedup"] = 3;   at least 3 of the counter speedup"""
import glob
import json
import os
import re
import subprocess

from . import machine, stats

UNIT_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}

# (row, program, benchmark, unit or counter, at most)
BARS = [
    ("router-random", "weir_router_bench", "random_lookup/1000000", "ns", 400),
    ("router-hot", "weir_router_bench", "hot_lookup/1000000", "ns", 40),
    ("router-build", "weir_router_bench", "build/1000000", "s", 1),
    ("router-heap", "weir_router_bench", "build/1000000", "heap_MB", 100),
    ("router-miss", "weir_router_bench", "crafted_miss", "us", 5),
]

# (row, program, slower benchmark, faster benchmark, at least)
RATIOS = [
    ("json-nlohmann", "weir_json_bench", "BM_Order_Nlohmann", "BM_Order_Weir", 3.0),
    ("json-rapidjson", "weir_json_bench", "BM_Order_RapidJson", "BM_Order_Weir", 1.0),
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


def bars_of(program, runs):
    """The rows of BARS and RATIOS that this program has to answer."""
    groups = group(runs)
    results = []
    for row, of_program, benchmark, unit, at_most in BARS:
        if program != of_program:
            continue
        what = f"{program} {benchmark}"
        if benchmark not in groups:
            results.append({"row": row, "what": what, "missing": f"there is no benchmark {benchmark}"})
            continue
        values = stats.summary(ns_per_item(run) / UNIT_NS[unit] if unit in UNIT_NS else run[unit] for run in groups[benchmark])
        results.append({"row": row, "what": what, "value": values["median"], "unit": unit,
                        "spread": (values["min"], values["max"]), "at_most": at_most, "detail": []})
    for row, of_program, slower, faster, at_least in RATIOS:
        if program != of_program:
            continue
        what = f"{program} {slower} / {faster}"
        if slower not in groups or faster not in groups:
            results.append({"row": row, "what": what, "missing": f"there is no benchmark {slower} or {faster}"})
            continue
        ratio = stats.ratios((ns_per_item(r) for r in groups[slower]), (ns_per_item(r) for r in groups[faster]))
        results.append({"row": row, "what": what, "value": ratio["median"], "unit": "x", "spread": (ratio["min"], ratio["max"]),
                        "at_least": at_least, "detail": []})
    return results


def filter_of(program):
    """The --benchmark_filter that runs what the bars of a program need, and nothing else."""
    names = [bar[2] for bar in BARS if bar[1] == program]
    names += [name for ratio in RATIOS if ratio[1] == program for name in ratio[2:4]]
    return "^(" + "|".join(sorted({re.escape(name).replace("\\/", "/") for name in names})) + ")$"


def _measure(path, options, *flags):
    command = [path, "--benchmark_format=json", f"--benchmark_repetitions={options.rounds}", *flags]
    if options.quick:
        command.append("--benchmark_min_time=0.05")
    process = machine.start(machine.pinned(machine.SERVER_CORE, command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        output, errors = process.communicate()
    finally:
        machine.end(process)
    if process.returncode != 0:
        raise RuntimeError(f"{os.path.basename(path)} ended with status {process.returncode}: {errors[-300:]}")
    return json.loads(output)["benchmarks"]


def run_bars(options):
    """The bars that are micro-benchmarks."""
    results = []
    for program in sorted({bar[1] for bar in BARS + RATIOS}):
        path = os.path.join(options.build, "bin", program)
        options.progress(program)
        if not os.path.exists(path):
            results.append({"row": program, "what": program, "missing": "it is not built"})
            continue
        try:
            # In turns, so that what disturbs one side of a ratio disturbs the other too.
            turns = ["--benchmark_enable_random_interleaving=true"] if any(r[1] == program for r in RATIOS) else []
            runs = _measure(path, options, f"--benchmark_filter={filter_of(program)}", *turns)
        except RuntimeError as error:
            results.append({"row": program, "what": program, "error": str(error)})
            continue
        results += bars_of(program, runs)
    return results


def run_all(options):
    """Every micro-benchmark, for a look around; those that state a bar are judged."""
    programs = sorted(glob.glob(os.path.join(options.build, "bin/weir_*_bench")))
    if not programs:
        raise machine.Missing("no weir_*_bench is built")
    results = []
    for path in programs:
        program = os.path.basename(path)
        options.progress(program)
        try:
            results += results_of(program, _measure(path, options))
        except RuntimeError as error:
            results.append({"row": program, "what": program, "error": str(error)})
    return results
