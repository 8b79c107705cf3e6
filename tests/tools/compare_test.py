#!/usr/bin/env python3
"""compare_test.py ROOT: the arithmetic of the comparison lab, its decisions, and what it makes of peers that misbehave."""
import contextlib
import dataclasses
import http.server
import importlib.machinery
import importlib.util
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
import unittest
import xml.etree.ElementTree
from random import Random

ROOT = sys.argv.pop(1)
sys.path.insert(0, os.path.join(ROOT, "tools"))

from benchlib import machine  # noqa: E402
from comparelib import (about, bars, benchmarks, builders, check, claims, decide, figures, html, jwt, loads, measure, open_loop, own, peers,  # noqa: E402
                        plan, plots, profile, runtime, scenarios, soak, text, warmup)


def rounds(*cpu, **more):
    return [{"cpu_us_per_request": value, "requests_per_s": 1e6 / value, "requests": 1000, "errors": 0, "status_errors": 0,
             "p50_us": 100, "p90_us": 200, "p99_us": 300, "p999_us": 400, "max_us": 500, "pss": 1e6, "idle_server_core": 0.0,
             "idle_load_core": 0.5, "foreign_share": 0.0, **more} for value in cpu]


def cell(peer, *cpu, scenario="production", **more):
    made = {"scenario": scenario, "peer": peer, "status": "ok", "why": "", "rounds": rounds(*cpu, **more), "command": "again", "memory": []}
    measure.finish_cell(made)
    return made


def run_of(*cells):
    names = {made["peer"] for made in cells}
    return {"lab": 1, "started": "today", "arguments": [], "mode": "quick", "seconds": 1, "rounds": 3, "complete": True,
            "machine": {"processor": "p", "cores": 2, "memory_bytes": 1, "system": "s", "kernel": "k", "wrk": "w", "compiler": "c"},
            "peers": {name: {"title": peers.PEERS[name].title, "language": "", "kind": "peer", "version": "1"} for name in names},
            "cells": list(cells)}


class Figures(unittest.TestCase):
    def test_percentiles_are_of_the_nearest_rank(self):
        values = list(range(100, 0, -1))
        self.assertEqual([figures.percentile(values, share) for share in (0, 0.5, 0.99, 0.999, 1)], [1, 50, 99, 100, 100])
        self.assertEqual(figures.percentile([7], 0.5), 7)
        with self.assertRaises(ValueError):
            figures.percentile([], 0.5)
        with self.assertRaises(ValueError):
            figures.percentile([1], 50)

    def test_percentiles_of_a_histogram_are_those_of_its_values(self):
        counts = [(1, 50), (2, 49), (90, 1)]
        flat = [value for value, count in counts for _ in range(count)]
        for share in (0, 0.5, 0.51, 0.99, 0.991, 1):
            self.assertEqual(figures.percentile_of_counts(counts, share), figures.percentile(flat, share))

    def test_noise_is_named(self):
        self.assertEqual(figures.noise([10, 10.5, 9.8], [0, 0, 0.9]), "")  # one disturbed round of three
        self.assertIn("differ", figures.noise([10, 17, 9]))
        self.assertIn("core", figures.noise([10, 10, 10], [0.4, 0.3, 0.5]))
        self.assertIn("one round", figures.noise([10]))

    def test_what_is_shaken_counts_only_where_it_could_decide(self):
        near = {"a": [4, 4, 4], "b": [40, 40, 40], "c": [5, 5, 5]}
        self.assertEqual(figures.in_the_way(near, ["a"]), ["a"])  # somebody was beside the best
        self.assertEqual(figures.in_the_way(near, ["b", "c"]), ["c"])
        self.assertEqual(figures.in_the_way({"a": [4, 4, 4], "b": [40, 40, 40]}, ["a", "b"]), [])  # nothing makes ten times of it
        self.assertEqual(figures.in_the_way({"a": [4, 4, 4], "b": [7.9, 40, 40]}, ["a", "b"]), ["a", "b"])  # in one round it was near
        self.assertEqual(figures.in_the_way(near, []), [])
        self.assertEqual(figures.in_the_way({}, ["a"]), [])

    def test_the_interval_of_paired_rounds(self):
        # By hand: the logarithms of 1/2, 1/2 and 1/4 are -ln 2 times 1, 1, 2: mean 4/3, deviation 1/sqrt(3), t(2) = 4.303.
        pair = figures.paired([1, 10, 1], [2, 20, 4])
        self.assertEqual((pair["ratio"], pair["below"], pair["rounds"]), (0.5, 3, 3))
        self.assertAlmostEqual(pair["low"], 2 ** -(4 / 3 + 4.303 / 3))
        self.assertAlmostEqual(pair["high"], 2 ** -(4 / 3 - 4.303 / 3))
        self.assertEqual(figures.paired([1], [2])["high"], float("inf"))  # one round tells no interval
        self.assertEqual(figures.factor([1, 1], [2, 2]), "0.50 x")
        self.assertEqual(figures.factor([1, 1, 1], [2, 2, 2]), "0.50 x (0.50–0.50)")
        with self.assertRaises(ValueError):
            figures.paired([], [1])

    def test_what_slows_the_machine_down_for_a_while_does_not_hide_who_is_ahead(self):
        speed = (1, 1, 1, 1.25, 1.25, 1.25, 1.25)
        a, b = [4 * s for s in speed], [4.4 * s for s in speed]
        self.assertGreater(max(a), min(b))  # not told apart by the figures themselves
        self.assertEqual(figures.winner({"a": a, "b": b})[0], "a")

    def test_equal_ones_are_seldom_told_apart(self):
        random, named = Random(7), 0
        for _ in range(1000):
            cells, speed = {"a": [], "b": []}, 1
            for _ in range(7):
                for values in cells.values():
                    speed = 2.25 - speed if random.random() < 0.02 else speed  # a quarter slower for a while
                    values.append(speed * random.gauss(1, 0.03))
            named += figures.winner(cells)[0] is not None
        self.assertLess(named, 60)  # 5 % of them are what the interval allows

    def test_a_change_is_told_by_pairs_of_rounds(self):
        self.assertEqual(figures.change([10, 10, 10], [9, 9.2, 9.1])[0], "faster")
        self.assertEqual(figures.change([10, 10, 10], [11, 11, 11.5])[0], "slower")
        self.assertEqual(figures.change([10, 10, 10], [9, 11, 9])[0], "undecided")
        self.assertEqual(figures.change([10] * 5, [9, 9, 9, 9, 11])[0], "undecided")  # so many agree in three of eight runs by chance
        self.assertEqual(figures.change([10, 10, 10], [9.99, 9.98, 9.99])[0], "undecided")  # too little to be a change
        self.assertEqual(figures.change([10, 10], [5, 5])[0], "undecided")
        self.assertEqual(figures.change([], [])[0], "undecided")
        self.assertIn("-9.0% in the median of 3 rounds, 95 % interval -11.5% to -6.5%", figures.change([10, 10, 10], [9, 9.2, 9.1])[1])
        said = text.changes("weir", "gin", [cell("weir", 4, 4, 4), cell("gin", 8, 8, 8)])
        self.assertIn("slower", said)

    def test_one_slope_through_servers_that_were_started_again(self):
        steep, width = figures.common_slope([[(x, 2 * x + 5) for x in range(10)], [(x, 2 * x + 90) for x in range(10, 20)]])
        self.assertAlmostEqual(steep, 2)
        self.assertAlmostEqual(width, 0)
        shaken = [(x, 100 + (1 if x % 2 else -1)) for x in range(40)]
        steep, width = figures.common_slope([shaken])
        self.assertLess(abs(steep), width)  # nothing grows, and it says so
        # By hand: y = 0, 1, 1 at x = 0, 1, 2 has the slope 1/2, residuals -1/6, 1/3, -1/6 and t(1) = 12.706.
        steep, width = figures.common_slope([[(0, 0), (1, 1), (2, 1)]])
        self.assertAlmostEqual(steep, 0.5)
        self.assertAlmostEqual(width, 12.706 * (1 / 6 / 2) ** 0.5, places=3)
        self.assertEqual(figures.common_slope([[(0, 1), (1, 2)]])[1], float("inf"))
        self.assertEqual(figures.common_slope([]), (0.0, float("inf")))

    def test_samples_that_hang_together_count_as_fewer(self):
        random, inside, beside = Random(5), 0, 0
        for _ in range(200):
            level, points = random.gauss(0, 1), []
            for minute in range(240):  # memory that sways and does not grow, each sample near the one before it
                level = 0.95 * level + 0.31 * random.gauss(0, 1)
                points.append((minute, level))
            steep, width = figures.common_slope([points[:100], points[100:]])
            inside += abs(steep) <= width
            steep, width = figures.common_slope([[(x, random.gauss(0, 1)) for x, _ in points]])
            beside += abs(steep) <= width
        self.assertGreater(inside, 180)  # 95 % of 200; as if each told something of its own it would be some 50
        self.assertGreater(beside, 180)
        # Alone they are what they are: the interval of samples without a memory is no wider than least squares makes it.
        even = [(x, (1, -1, -1, 1)[x % 4]) for x in range(40)]
        self.assertLess(figures.common_slope([even])[1], 0.03)
        self.assertEqual(figures.common_slope([[(x, x * x) for x in range(10)]])[1], float("inf"))  # nothing but one bow

    def test_rates_are_round_and_half(self):
        self.assertEqual([open_loop.half_of(most) for most in (111372, 15700, 9, 1)], [55000, 7800, 4, 1])

    def test_one_that_is_slow_by_far_does_not_dictate_the_common_rate(self):
        self.assertEqual(open_loop.common_rate([200_000, 30_000, 46_000, 28_000, 1_000]), 15_000)
        self.assertEqual(open_loop.common_rate([200_000, 28_000]), 14_000)  # beside one other, as in the command of a cell
        self.assertEqual(open_loop.common_rate([28_000]), 14_000)

    def test_weir_is_asked_for_what_each_of_the_three_is_asked_for_right_after_it(self):
        most = {"weir": 200_000, "gin": 28_000, "axum": 64_000, "fiber": 46_000, "spring": 1_000}
        asked = open_loop.turns(most, 20_000)
        self.assertEqual(asked, [("weir", ("open",), 100_000), ("gin", ("open",), 14_000), ("weir", ("beside", "gin"), 14_000), ("axum", ("open",), 32_000),
                                 ("fiber", ("open",), 23_000), ("weir", ("beside", "fiber"), 23_000), ("spring", ("open",), 500),
                                 *((name, ("common",), 20_000) for name in ("weir", "gin", "axum", "fiber"))])
        self.assertEqual(open_loop.turns({"gin": 28_000}, 14_000), [("gin", ("open",), 14_000), ("gin", ("common",), 14_000)])
        self.assertFalse(plan.at_fixed_rates("weir-uncached", options(quick=True)))
        self.assertTrue(plan.at_fixed_rates("weir-uncached", options()) and plan.at_fixed_rates("weir", options(quick=True)))
        self.assertEqual(sum(plan.fixed_rates(name) for name in most), len(asked) + 1)  # the estimate does not know who is slow

    def test_a_runtime_is_loaded_until_it_stops_getting_faster(self):
        self.assertFalse(warmup.settled([100, 101, 99]))
        self.assertFalse(warmup.settled([50, 100, 200, 400]))
        self.assertFalse(warmup.settled([100, 60, 101, 110]))  # a dip while it compiles is no end
        self.assertFalse(warmup.settled([100, 130, 99, 98]))
        self.assertTrue(warmup.settled([200, 205, 190, 201]))
        # Spring's production chain, in windows of 3 s: the first half, then a stand of two windows before the last jump.
        spring = [273, 604, 644, 1141, 1299, 1453, 1536, 1624, 1711, 1819, 1872, 2092, 2283, 2408, 2617, 2978, 3719, 4705, 5554, 6245, 6704, 6950,
                  7777, 8059, 7891, 9988, 9983, 9781, 9826]
        self.assertEqual([warmup.settled(spring[:n]) for n in (25, 26, 28, 29)], [False, False, False, True])

        def warmed(*rates, at_least=1):
            left = iter(rates)
            return warmup.run(lambda seconds: next(left), at_least)
        self.assertEqual(warmed(50, 100, 195, 200, 201, 199, 1e9), (18, True))
        self.assertEqual(warmed(*(2 ** n for n in range(60))), (120, False))
        self.assertEqual(warmed(*[100] * 60, at_least=150), (150, True))
        self.assertEqual(warmed(100, None), (3, None))

    def test_a_round_waits_for_what_the_others_still_do(self):
        clock = [0.0]

        def busy_until(end):  # a server that works on until then, as its CPU time is told
            return types.SimpleNamespace(pid=1, cpu=lambda: min(clock[0], end))
        self.addCleanup(setattr, warmup, "_worked", warmup._worked)
        warmup._worked = lambda running: running.cpu()

        def waited(*others):
            clock[0] = 0.0
            quiet = warmup.until_quiet(others, 10, lambda: clock[0], lambda seconds: clock.__setitem__(0, clock[0] + seconds))
            return quiet, round(clock[0], 1)
        self.assertEqual(waited(), (True, 0.1))
        self.assertEqual(waited(busy_until(0)), (True, 0.1))
        self.assertEqual(waited(busy_until(0), busy_until(3)), (True, 3.1))
        self.assertEqual(waited(busy_until(99))[0], False)

    def test_what_h2load_says(self):
        said = ("requests: 1050 total, 1060 started, 1050 done, 1000 succeeded, 50 failed, 0 errored, 0 timeout\n"
                "status codes: 1000 2xx, 0 3xx, 30 4xx, 10 5xx\n")
        self.assertEqual(loads.h2load_figures(said), {"requests": 1000, "errors": 10, "status_errors": 40, "timeout": 0})
        with self.assertRaises(RuntimeError):
            loads.h2load_figures("requests: 0 total, 0 started, 0 done, 0 succeeded, 0 failed, 0 errored, 0 timeout")

    def test_what_the_runtime_told(self):
        before = {"gc_pauses": 10, "gc_pause_total_ms": 5.0, "gc_pause_max_ms": 1.0, "allocations": 1000}
        after = {"gc_pauses": 18, "gc_pause_total_ms": 9.0, "gc_pause_max_ms": 2.5, "allocations": 21000}
        self.assertEqual(runtime.between(before, after, 4, 1000),
                         {"gc_per_s": 2, "gc_ms_per_s": 1, "gc_max_ms": 2.5, "allocations_per_request": 20})
        self.assertEqual(runtime.between(before, {"gc_pauses": 18}, 4, 1000), {"gc_per_s": 2})
        self.assertEqual(runtime.between(None, after, 4, 1000), {})

    def test_a_winner_is_one_that_the_rounds_show(self):
        self.assertEqual(figures.winner({"a": [1, 2, 3], "b": [2, 4, 6]})[0], "a")
        best, sentence = figures.winner({"a": [5, 5.02, 4.97], "b": [10, 10.1, 10], "c": [11, 10.9, 11]})
        self.assertEqual((best, sentence), ("a", "a is ahead of b: 0.50 x, 95 % interval 0.49–0.50; in 3 of 3 rounds"))
        # In 3 of 3 rounds, as two that are alike are in one of four runs; and as far apart as these differ from round to round.
        self.assertEqual(figures.winner({"a": [4, 5, 6], "b": [4.4, 7, 6.4]}), (None, "a and b cannot be told apart: 0.91 x, 95 % interval 0.59–1.23"))
        self.assertEqual(figures.winner({"a": [4, 4, 4], "b": [4.01, 4.01, 4.01]})[0], None)  # that is nothing
        self.assertEqual(figures.winner({"a": [4] * 3, "b": [4.4, 7, 6.4], "c": [4, 4.1, 4.1]})[1].partition("; ")[2], "nor can b")
        # In rounds as these of a run, the median of c is below that of a, which is ahead of it in four of five.
        self.assertIn("a and c cannot", figures.winner({"a": [5.675, 5.450, 6.594, 6.293, 6.695], "c": [6.011, 6.208, 5.942, 6.958, 7.123]})[1])
        self.assertIsNone(figures.winner({"a": [1, 1], "b": [2, 2]})[0])
        self.assertIsNone(figures.winner({"a": [1, 1, 1]})[0])
        self.assertIsNone(figures.winner({})[0])

    def test_where_they_took_no_turns_it_takes_more_than_the_machine_changes(self):
        self.assertEqual(figures.winner({"a": [4, 4, 4], "b": [5, 5, 5]})[0], "a")
        self.assertIsNone(figures.winner({"a": [4, 4, 4], "b": [5, 5, 5]}, measure.ALONE)[0])
        self.assertEqual(figures.winner({"a": [4, 4, 4], "b": [6, 6, 6]}, measure.ALONE)[0], "a")
        cells = [{**cell(name, cost, cost, cost, scenario="routes-1m"), "alone": True} for name, cost in (("weir", 4), ("gin", 5))]
        self.assertIsNone(measure.verdict("routes-1m", cells)[0])
        self.assertNotIn("opposite", measure.told([cell("weir", 4, 4, 4)], scenarios.SCENARIOS["production"]))
        self.assertIn("opposite", measure.told([{**cell("weir", 4, 4, 4), "order": "back and forth"}], scenarios.SCENARIOS["production"]))
        self.assertIn("one peer after the other", measure.told(cells, scenarios.SCENARIOS["routes-1m"]))

    def test_every_second_round_goes_backwards(self):
        self.assertEqual([plan.in_turns("abc", number) for number in (0, 1, 2)], [["a", "b", "c"], ["c", "b", "a"], ["a", "b", "c"]])

    def test_durations(self):
        self.assertEqual([figures.duration(text) for text in ("90", "90s", "15m", "72h", "3d")], [90, 90, 900, 259200, 259200])
        for text in ("", "x", "-1h", "0"):
            with self.assertRaises(ValueError):
                figures.duration(text)
        self.assertEqual([figures.human_time(t) for t in (5, 75, 3720)], ["5 s", "1 min 15 s", "1 h 2 min"])


class Decisions(unittest.TestCase):
    def test_the_data_is_whole(self):
        data = decide.read()
        self.assertTrue(set(data["peers"]) <= set(peers.PEERS))
        for leaf in data["leaves"].values():
            for name in leaf.get("among", [leaf.get("pick")]):
                self.assertIn(name, data["peers"])
            self.assertIn(leaf.get("by", ["json"])[0], scenarios.SCENARIOS)

    def test_the_figures_decide_and_not_the_name(self):
        data = decide.read()
        leaf = data["leaves"]["leaf-cpu"]
        self.assertEqual(decide.recommend(leaf, data, [cell("weir", 4, 4, 4), cell("gin", 40, 40, 40)])[0], "weir")
        self.assertEqual(decide.recommend(leaf, data, [cell("weir", 40, 40, 40), cell("gin", 4, 4, 4)])[0], "gin")

    def test_no_recommendation_without_good_figures(self):
        data = decide.read()
        leaf = data["leaves"]["leaf-cpu"]
        self.assertIn("not measured", decide.recommend(leaf, data, [])[1])
        self.assertIsNone(decide.recommend(leaf, data, [cell("weir", 4, 4, 4), cell("gin", 4.5, 9, 3)])[0])
        wrong = cell("gin", 1, 1, 1)
        wrong["status"] = "wrong"
        self.assertEqual(decide.recommend(leaf, data, [cell("weir", 4, 4, 4), cell("echo", 9, 9, 9), wrong])[0], "weir")

    def test_the_tail_is_compared_at_one_rate_for_all(self):
        data = decide.read()
        leaf = data["leaves"]["leaf-tail"]
        weir, gin = cell("weir", 4, 4, 4), cell("gin", 40, 40, 40)
        self.assertIn("not measured", decide.recommend(leaf, data, [weir, gin])[1])  # at saturation each has another rate
        weir["common"], gin["common"] = ({"rounds": [{"p99_us": us}] * 3} for us in (900, 400))
        self.assertEqual(decide.recommend(leaf, data, [weir, gin]), ("gin", f"{leaf['why']}: 400 µs (not measured: echo, fiber, nethttp)"))

    def test_memory_is_compared_as_memory(self):
        data = decide.read()
        cells = [cell(name, 4, 4, 4, scenario="connections", pss=pss, foreign_share=0.5) for name, pss in (("weir", 20e6), ("gin", 300e6))]
        self.assertIn("20 MB", decide.recommend(data["leaves"]["leaf-memory"], data, cells)[1])

    def test_what_a_leaf_needs_leaves_peers_out(self):
        data = decide.read()
        leaf = {"among": ["gin", "fiber", "echo"], "needs": ["http2"], "by": ["production", "cpu_us_per_request"], "why": "w"}
        self.assertEqual(decide.recommend(leaf, data, [cell("gin", 9, 9, 9), cell("echo", 10, 10, 10), cell("fiber", 1, 1, 1)])[0], "gin")

    def test_some_ways_do_not_lead_to_weir(self):
        cells = [cell(name, cost, cost, cost) for name, cost in (("weir", 4), ("gin", 40), ("echo", 39), ("fiber", 29), ("nethttp", 34))]

        def ends(node):
            return {node["peer"]} if "question" not in node else ends(node["yes"]) | ends(node["no"])
        found = ends(decide.resolve(decide.read(), cells))
        self.assertIn("weir", found)
        self.assertGreaterEqual(len(found - {None}), 4)

    def test_bars_take_the_best_of_the_three(self):
        judged = bars.judge(run_of(cell("weir", 4, 4, 4), cell("gin", 40, 40, 40), cell("fiber", 10, 10, 10), cell("nethttp", 5, 5, 5)))
        production = next(bar for bar in judged if bar["what"].startswith("Production"))
        self.assertAlmostEqual(production["value"], 0.4)
        self.assertEqual(production["verdict"], "MISS")
        self.assertNotIn("value", next(bar for bar in judged if bar["what"].startswith("JSON")))


def options(**more):
    return types.SimpleNamespace(**{"quick": False, "seconds": None, "rounds": None, "warm_up": 1, "no_rate": False, "peers": None,
                                    "only": None, "rate": None, "unbuilt": {}, **more})


class Plans(unittest.TestCase):
    def test_a_full_run_ends_within_the_hour(self):
        names = list(peers.PEERS)
        self.assertLess(plan.estimate(plan.chosen_scenarios(options()), names, options()), 50 * 60)
        quick = [name for name in names if peers.PEERS[name].quick]
        self.assertLess(plan.estimate(plan.chosen_scenarios(options(quick=True)), quick, options(quick=True)), 6 * 60)

    def test_the_latest_releases_take_part_where_it_matters_or_when_asked(self):
        param, json_reply = scenarios.SCENARIOS["param"], scenarios.SCENARIOS["json"]
        for latest in ("gin-latest", "echo-latest", "fiber-latest"):
            self.assertFalse(plan.takes_part(latest, param, options()))
            self.assertTrue(plan.takes_part(latest, json_reply, options()))
            self.assertTrue(plan.takes_part(latest, param, options(peers=[latest])))
        self.assertFalse(plan.takes_part("ceiling", param, options()))
        self.assertTrue(plan.takes_part("ceiling", scenarios.SCENARIOS["websocket"], options()))
        self.assertFalse(plan.takes_part("fiber", scenarios.SCENARIOS["http2"], options()))
        self.assertFalse(plan.takes_part("yours", scenarios.SCENARIOS["start"], options()))

    def test_what_is_left_follows_how_long_it_took_so_far(self):
        clock = [0.0]
        chosen = [scenarios.SCENARIOS[name] for name in ("json", "bind")]
        progress = plan.Progress(chosen, ["weir", "gin", "echo"], options(), lambda line: None, lambda: clock[0])
        total = progress.total
        self.assertAlmostEqual(progress.left(), total)
        progress.begin("json")
        planned = progress.planned["json"]
        clock[0] = 1.5 * planned
        progress.end("json")
        self.assertAlmostEqual(progress.left(), 1.5 * (total - planned))
        progress.begin("bind")
        clock[0] += 10
        self.assertAlmostEqual(progress.left(), 1.5 * (total - planned) - 10)

    def test_every_cell_can_be_run_again_as_it_was(self):
        again = measure.rerun_command(scenarios.SCENARIOS["json"], "gin", options())
        self.assertEqual(again, "./dev compare --only json --peers gin,weir --seconds 1 --rounds 9")
        again = measure.rerun_command(scenarios.SCENARIOS["json"], "yours", options(url="http://127.0.0.1:1", pid=7))
        self.assertEqual(again, "./dev compare --only json --peers weir --seconds 1 --rounds 9 --url http://127.0.0.1:1 --pid 7")
        again = measure.rerun_command(scenarios.SCENARIOS["json"], "mine", options(binary=["mine=/x/mine", "old=/x/old"]))
        self.assertEqual(again, "./dev compare --only json --peers mine,weir --seconds 1 --rounds 9 --binary mine=/x/mine")
        again = measure.rerun_command(scenarios.SCENARIOS["json"], "A", options(binary=["A=/x/a", "B=/x/b"], again="./dev compare-revisions A B"))
        self.assertEqual(again, "./dev compare-revisions A B --only json --seconds 1 --rounds 9")
        again = measure.rerun_command(scenarios.SCENARIOS["production"], "weir", options(asked_warm_up=4, no_rate=True))
        self.assertEqual(again, "./dev compare --only production --peers weir --seconds 1 --rounds 9 --warm-up 4 --no-rate")

    def test_commands_that_differ_by_the_peer_are_one_pattern(self):
        json_reply = scenarios.SCENARIOS["json"]
        cells = [measure.blank_cell(json_reply, name, options(url="http://127.0.0.1:1")) for name in ("weir", "gin", "gin-latest", "yours")]
        self.assertEqual(measure.rerun_patterns(cells), {
            "./dev compare --only json --peers PEER,weir --seconds 1 --rounds 9": ["weir", "gin", "gin-latest"],
            "./dev compare --only json --peers weir --seconds 1 --rounds 9 --url http://127.0.0.1:1": ["yours"]})
        self.assertIn("PEER: weir gin gin-latest", text.commands(cells))

    def test_an_address_of_ones_own(self):
        mine = own.Own("http://192.0.2.7:8080/x?y=1")
        self.assertEqual((mine.host, mine.port, mine.path, mine.pid), ("192.0.2.7", 8080, "/x?y=1", 0))
        self.assertEqual(own.Own("http://127.0.0.1:1/").path, "")
        self.assertEqual(own.Own("http://[2001:db8::1]:80").url("/json"), "http://[2001:db8::1]:80/json")
        for url in ("https://127.0.0.1:1", "http://127.0.0.1", "http://127.0.0.1:x", "127.0.0.1:80"):
            with self.assertRaises(ValueError):
                own.Own(url)


class Verdicts(unittest.TestCase):
    def test_noise_names_no_winner(self):
        self.assertEqual(measure.verdict("production", [cell("weir", 4, 4, 4), cell("gin", 40, 41, 40)])[0], "weir")
        best, sentence = measure.verdict("production", [cell("weir", 4, 4, 4, foreign_share=0.6), cell("gin", 7, 7, 7)])
        self.assertIsNone(best)
        self.assertIn("noisy", sentence)
        best, sentence = measure.verdict("production", [cell("weir", 4, 4, 4, foreign_share=0.6), cell("gin", 40, 41, 40)])
        self.assertEqual(best, "weir")
        self.assertIn("; though weir: something else took 60% of the server's core", sentence)

    def test_the_median_of_an_even_number_of_rounds_lies_between_those_in_the_middle(self):
        self.assertEqual(cell("gin", 4, 10, 6, 40)["figures"]["cpu_us_per_request"], {"median": 8, "min": 4, "max": 40})

    def test_references_win_nothing(self):
        cells = [cell(name, cost, cost, cost, scenario="json") for name, cost in (("ceiling", 1), ("weir", 4), ("gin", 40))]
        self.assertEqual(measure.verdict("json", cells)[0], "weir")

    def test_what_weir_does_less_of_by_default_is_told_where_it_is_ahead(self):
        cells = [cell("weir", 4, 4, 4), cell("weir-uncached", 6, 6, 6), cell("axum", 12, 12, 12), cell("fiber", 20, 20, 20)]
        self.assertEqual(measure.verdict("production", cells), ("weir", "weir is ahead of axum: 0.33 x, 95 % interval 0.33–0.33; in 3 of 3 rounds; weir-uncached: 0.50 x "
                                                                "(0.50–0.50) of axum"))
        page = html.page(run_of(*cells))
        self.assertIn("Weir, every token verified: 0.50", page)
        self.assertIn("against Fiber; 95 % interval 0.20–0.20; Weir, every token verified: 0.30 x", page)
        behind = [cell("weir", 14, 14, 14), cells[1], cells[2]]
        self.assertEqual(measure.verdict("production", behind)[0], "axum")
        self.assertNotIn("weir-uncached", measure.verdict("production", behind)[1])

    def test_a_process_that_does_not_work_has_no_cpu_to_compare(self):
        idle = cell("gin", 4, 4, 4)
        for report in idle["rounds"]:
            report["cpu_us_per_request"] = 0.0
        self.assertEqual(measure.verdict("production", [cell("weir", 4, 4, 4), idle]), (None, "what gin spent is not known: not a process of this machine, or not the one that works"))
        self.assertIn("Gin", html.page(run_of(cell("weir", 4, 4, 4), idle)))

    def test_rounds_of_few_requests_say_so(self):
        slow = cell("fiber", 60000, 60000, 60000, scenario="routes-1m", requests=40)
        self.assertIn("a round has 40 requests beside the 64 that are under way at its end", slow["noise"])
        self.assertEqual(cell("gin", 4, 4, 4, scenario="routes-1m")["noise"], "")

    def test_failures_of_a_cell_are_told_by_kind(self):
        of_wrk = cell("gin", 4, 4, 4, errors=7, connect=1, read=2, write=0, timeout=4, status_errors=1)
        self.assertEqual({kind: count for kind, count in of_wrk["failures"].items() if count},
                         {"connecting": 3, "reading": 6, "time-out": 12, "status": 3})
        self.assertIn("3 connecting, 6 reading, 12 time-out, 3 status", benchmarks.page(run_of(of_wrk), {}))
        self.assertIn("3 connecting, 6 reading, 12 time-out, 3 status", html.page(run_of(of_wrk)))
        self.assertEqual({kind: count for kind, count in cell("gin", 4, errors=5)["failures"].items() if count}, {"socket": 5})

    def test_who_failed_is_told_with_the_verdict(self):
        crashed = cell("gin", 4, 4, 4)
        crashed.update(status="crashed", why="signal 11")
        cells = [cell("weir", 4, 4, 4), cell("echo", 40, 40, 40), crashed]
        self.assertEqual(measure.verdict("production", cells)[0], "weir")
        self.assertIn("; without gin (crashed)", measure.verdict("production", cells)[1])

    def test_a_page_of_hours_alone_begins_with_them(self):
        state = soak.blank(["weir", "gin"], 100)
        state["verdicts"] = [soak.judge(name, of) for name, of in state["peers"].items()]
        page = html.page({**run_of(), "soak": state})
        self.assertIn("No scenario was measured", page)
        self.assertLess(page.index("None is seen to grow"), page.index("Which one for you?"))

    def test_refusals_under_load_are_wrong_answers(self):
        self.assertEqual(cell("gin", 4, 4, 4, status_errors=500)["status"], "wrong")

    def test_the_page_needs_nothing_else(self):
        text = html.page(run_of(cell("weir", 4, 4, 4), cell("gin", 40, 40, 40)))
        self.assertNotIn("<link", text)
        self.assertNotIn("src=", text)
        self.assertEqual(text.count("<svg"), text.count("</svg>"))
        raw = text.partition('id="results">')[2].partition("</script>")[0]
        self.assertEqual(json.loads(raw)["lab"], 1)

    def test_a_server_elsewhere_has_no_cpu_and_still_stands_in_the_tables(self):
        far = cell("gin", 4, 4, 4)
        for report in far["rounds"]:
            for figure in ("cpu_us_per_request", "foreign_share", "pss"):
                del report[figure]
        measure.finish_cell(far)
        cells = [cell("weir", 4, 4, 4), far]
        self.assertIn("Gin", text.scenario_table("production", cells))
        self.assertIn("<td>Gin</td>", html.page(run_of(*cells)))

    def test_bars_need_rounds_on_one_side(self):
        def judged(*weir):
            return next(bar for bar in bars.judge(run_of(cell("weir", *weir), cell("gin", *[10] * len(weir)))) if bar["what"].startswith("Production"))
        self.assertEqual([judged(*weir)["verdict"] for weir in ((1, 1, 2, 1, 2), (1, 1, 2), (3, 3.1, 3.4), (4, 4, 8))], ["PASS", "UNDECIDED", "UNDECIDED", "MISS"])
        self.assertIn("95 % interval 0.27–0.37", judged(3, 3.1, 3.4)["why"])

    def fixed(self, *p99_ms, rate=10_000, held=True):
        measured = {"rate": rate, "rounds": [{figure: ms * 1000 for figure in open_loop.FIGURES} | {"requests_per_s": rate if held else rate / 2,
                                              "errors": 0, "status_errors": 0, "unanswered": 0} for ms in p99_ms]}
        open_loop.finish(measured)
        return measured

    def test_a_bar_missed_by_little_is_not_rounded_onto_it(self):
        def text(weir):
            return next(bar for bar in bars.judge(run_of(cell("weir", *[weir] * 5), cell("gin", *[10] * 5))) if bar["what"].startswith("Production"))["text"]
        self.assertEqual([text(3.31), text(3.302), text(3.3), text(3.0), text(4.126)], ["0.331 x", "0.3302 x", "0.33 x", "0.30 x", "0.41 x"])

    def test_the_tail_is_judged_at_the_peers_rate_against_the_one_that_comes_closest(self):
        weir, gin, echo = cell("weir", 4, 4, 4), cell("gin", 40, 40, 40), cell("echo", 40, 40, 40)
        weir["open"] = self.fixed(9, 9, 9, rate=100_000)  # its own half says nothing about the bar
        weir["beside"] = {"gin": self.fixed(1, 1, 1), "echo": self.fixed(1, 1, 1)}
        gin["open"], echo["open"] = self.fixed(4, 4, 4), self.fixed(2.5, 2.5, 2.5)

        def judged():
            return next(bar for bar in bars.judge(run_of(weir, gin, echo)) if bar["what"].startswith("P99"))
        self.assertEqual((judged()["value"], judged()["verdict"]), (0.4, "PASS"))
        self.assertIn("against Echo", judged()["why"])
        echo["open"] = self.fixed(1.5, 1.5, 1.5)
        self.assertEqual(judged()["verdict"], "MISS")
        del weir["beside"]
        self.assertNotIn("value", judged())

    def test_memory_is_not_disturbed_by_what_takes_the_core(self):
        weir, gin = (cell(name, 4, 4, 4, scenario="connections", foreign_share=0.5) for name in ("weir", "gin"))
        weir["held_pss"], gin["held_pss"] = 10e6, 100e6
        judged = next(bar for bar in bars.judge(run_of(weir, gin)) if bar["what"].startswith("Pss"))
        self.assertEqual((judged["value"], judged["verdict"]), (0.1, "PASS"))

    def test_what_was_measured_before_an_interruption_is_shown(self):
        cells = self.interrupted()
        self.assertEqual(len(cells[1]["open"]["rounds"]), 1)
        self.assertIn("--rate 12000", cells[0]["command"])
        self.assertIn("At half of its own maximum", html.page(run_of(*cells)))

    def test_the_rate_that_was_asked_for_is_asked_for_again(self):
        self.assertIn("--rate 9000", self.interrupted(rate=9000)[0]["command"])

    def interrupted(self, **more):
        """The cells of two peers, where Ctrl-C came in the second round at the fixed rates."""
        live = {name: (types.SimpleNamespace(name=name, path="", host="127.0.0.1", pid=0), {**cell(name, cost, cost, cost), "asked": 0}) for name, cost in (("weir", 4), ("gin", 40))}
        reports = iter([{**dict.fromkeys(open_loop.FIGURES, 1000), "requests": 9, "errors": 0, "status_errors": 0, "unanswered": 0}] * 2)

        def once(*_):
            if (report := next(reports, None)) is None:
                raise KeyboardInterrupt
            return report
        self.addCleanup(setattr, open_loop, "_once", open_loop._once)
        open_loop._once = once
        with self.assertRaises(KeyboardInterrupt):
            open_loop.run(live, "", scenarios.SCENARIOS["production"], options(**more), lambda text: None)
        return [made for _, made in live.values()]

    def test_fixed_rates_are_shown_with_weir_beside_and_without_who_is_too_slow(self):
        weir, gin, spring = cell("weir", 4, 4, 4), cell("gin", 40, 40, 40), cell("spring", 900, 900, 900)
        weir["open"], weir["common"], weir["beside"] = self.fixed(2, 2, 2), self.fixed(1, 1, 1), {"gin": self.fixed(0.5, 0.5, 0.5)}
        gin["open"], gin["common"] = self.fixed(4, 4, 4), self.fixed(3, 3, 3, held=False)
        spring["open"], spring["too_slow"] = self.fixed(9, 9, 9), 10_000
        cells = [weir, gin, spring]
        self.assertEqual([(name, beside) for name, beside, _ in open_loop.rows(cells, "open")],
                         [("weir", False), ("gin", False), ("weir", True), ("spring", False)])
        self.assertEqual([name for name, *_ in open_loop.rows(cells, "common")], ["weir", "gin"])
        for shown in (html.page(run_of(*cells)), benchmarks.page(run_of(*cells), {}), text.scenario_table("production", cells)):
            self.assertIn("at the same rate", shown)
            self.assertIn("Left out, since at most they did less: Spring WebFlux (1,111/s)", shown)
            self.assertRegex(shown.lower(), "not held")

    def test_memory_under_load_has_a_slope(self):
        grows = cell("gin", 4, 4, 4)
        grows["memory"] = [(at, 50e6 + at / 60 * 3e6) for at in range(0, 30, 2)]
        measure.finish_cell(grows)
        self.assertAlmostEqual(grows["pss_growth"]["mb_per_min"], 3)
        self.assertAlmostEqual(grows["pss_growth"]["half_width"], 0)
        self.assertIn("<td>+3.00 ± 0.00</td>", html.page(run_of(cell("weir", 4, 4, 4), grows)))
        self.assertNotIn("pss_growth", cell("weir", 4, 4, 4))

    def test_one_that_was_still_getting_faster_is_noisy(self):
        slow = cell("spring", 40, 40, 40)
        slow.update(cold=True, warm_up_s=60)
        measure.finish_cell(slow)
        self.assertIn("still getting faster after 60 s", slow["noise"])

    def test_it_is_told_where_server_and_load_are_not_apart(self):
        run = run_of(cell("weir", 4, 4, 4))
        self.assertIn("server and load have a core each", html.page(run))
        run["machine"].update(shared="there is one core for both", environment=about.tuning({"GOGC": "400", "HOME": "/"}))
        self.assertIn("share what they run on (there is one core for both)", html.page(run))
        self.assertIn("share what they run on (there is one core for both)", benchmarks.page(run, {}))
        self.assertIn("<td class=wrap>GOGC=400</td>", html.page(run))

    def test_what_peers_say_cannot_break_the_page(self):
        bad = cell("gin", 4, 4, 4)
        bad["status"], bad["why"] = "wrong", "</script><script>alert(1)</script>"
        self.assertNotIn("<script>alert", html.page(run_of(cell("weir", 4, 4, 4), bad)))

    def test_peers_are_called_by_their_titles(self):
        names = {"gin": "Gin", "gin-latest": "Gin (latest)", "nethttp": "Go net/http"}
        self.assertEqual(html.with_titles("gin-latest is ahead of nethttp: gin, begin", names),
                         "Gin (latest) is ahead of Go net/http: Gin, begin")

    def test_a_bar_far_beyond_the_others_is_cut(self):
        rows = [(name, name, value, value * 0.9, value * 1.1) for name, value in (("a", 4), ("b", 10), ("c", 11), ("d", 250))]
        self.assertTrue(plots.is_cut(rows))
        widths = [float(text.split('"')[0]) for text in plots.bars("t", rows, "µs").split('<rect ')[1:] for text in [text.split('width="')[1]]]
        self.assertGreater(widths[0], 0.3 * widths[2])  # the small ones can be told apart
        self.assertIn("250 µs", plots.bars("t", rows, "µs"))
        self.assertEqual(plots.bars("t", rows, "µs").count('class="cut"'), 1)
        self.assertFalse(plots.is_cut(rows[:3]))
        self.assertFalse(plots.is_cut([]))

    def test_plots_stand_empty_rounds(self):
        self.assertEqual(plots.bars("t", [], "µs"), "")
        self.assertEqual(plots.lines("t", [("a", "a", [(1, 1)])], "x", "y"), "")


class BenchmarksPage(unittest.TestCase):
    def written(self, *cells):
        pictures = {}
        return benchmarks.page(run_of(*cells), pictures), pictures

    def test_its_verdicts_come_from_the_figures(self):
        ahead, _ = self.written(cell("weir", 4, 4, 4), cell("gin", 40, 40, 40))
        behind, _ = self.written(cell("weir", 40, 40, 40), cell("gin", 4, 4, 4))
        self.assertIn("Weir is ahead in 1 of 1 scenarios", ahead)
        self.assertIn("Weir is ahead in 0 of 1 scenarios; another one is in 1", behind)
        self.assertIn("10.00 x | MISS", behind)

    def test_its_pictures_stand_alone_and_are_all_shown(self):
        text_of, pictures = self.written(cell("weir", 4, 4, 4), cell("gin", 40, 40, 40))
        self.assertEqual(sorted(pictures), ["production.svg"])
        for name, svg in pictures.items():
            self.assertIn(f"(benchmarks/{name})", text_of)
            self.assertEqual(xml.etree.ElementTree.fromstring(svg).tag, "{http://www.w3.org/2000/svg}svg")

    def test_no_path_of_a_report_gets_into_it(self):
        run = run_of(cell("weir", 4, 4, 4))
        run["arguments"] = ["--only", "json", "--report", "/somewhere/else"]
        self.assertNotIn("/somewhere", benchmarks.page(run, {}))

    def test_claims_are_held_beside_the_figures(self):
        def of(*cells):
            return {row[0]: row for row in claims.judge(run_of(*cells))}
        fast, near = cell("gin", 4, 4, 4, scenario="json"), cell("gin", 23, 23, 23, scenario="json")
        self.assertEqual(of(near)["Gin: requests a second"][3], "yes")
        self.assertEqual(of(fast)["Gin: requests a second"][3], "no")
        self.assertIn("5.8 x", of(fast)["Gin: requests a second"][4])
        self.assertEqual(of()["Gin: requests a second"][3], "not measured")
        order = [cell(name, cost, cost, cost, scenario="json") for name, cost in (("fiber", 10), ("gin", 20), ("echo", 30))]
        what = "requests a second: Fiber, Gin, Echo in this order"
        self.assertEqual(of(*order)[what][3], "yes")
        self.assertEqual(of(cell("fiber", 50, 50, 50, scenario="json"), *order[1:])[what][2:4], ("Gin, Echo, Fiber", "no"))


class Soaks(unittest.TestCase):
    @staticmethod
    def hours(*lives, **more):
        state = soak.blank(["gin"], 3600)["peers"]["gin"]
        state.update(lives=[list(life) for life in lives], requests=2_000_000, loaded_s=3600.0, **more)
        return soak.judge("gin", state)

    def test_the_verdict_is_that_of_the_interval(self):
        flat = [(minute * 60, 50e6 + (1e5 if minute % 2 else -1e5)) for minute in range(60)]
        self.assertEqual(self.hours(flat)["verdict"], "steady")
        growing = self.hours([(at, pss + at / 3600 * 20e6) for at, pss in flat])
        self.assertEqual(growing["verdict"], "grows")
        self.assertAlmostEqual(growing["mb_per_hour"], 20, places=0)
        self.assertEqual(self.hours([(at, pss + (9e6 if minute % 2 else 0)) for minute, (at, pss) in enumerate(flat[:8])])["verdict"], "undecided")
        self.assertEqual(self.hours(flat[:2])["verdict"], "too short")
        swaying = self.hours([(at, 50e6 + abs(at - 1800) * 1e4) for at, _ in flat])  # down for half an hour, and up again
        self.assertEqual((swaying["verdict"], swaying["mb_per_hour"]), ("undecided", None))
        self.assertIn("hang together", soak.sentence(swaying))
        self.assertEqual(self.hours([(second, 8e6) for second in range(20)])["verdict"], "too short")  # as even as it may be
        self.assertEqual(self.hours(flat[:30], [(at, pss + 30e6) for at, pss in flat[30:]])["verdict"], "steady")  # restarted at another level
        self.assertEqual(self.hours(flat, status="crashed", why="signal 11")["verdict"], "crashed")

    def test_failures_are_told_by_kind(self):
        judged = self.hours(failures={"connect": 0, "read": 0, "write": 0, "timeout": 4, "status_errors": 2})
        self.assertEqual({kind: round(count, 2) for kind, count in judged["per_million"].items()}, {"time-out": 2.0, "status": 1.0})
        self.assertIn("time-out", soak.sentence(judged))

    def test_it_goes_on_where_it_stopped(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "soak.json")
            state, again = soak.resume(path, ["weir", "gin"], 100)
            self.assertFalse(again)
            state["spent_s"] = 40
            soak.save(state, path)
            self.assertEqual(soak.resume(path, ["weir", "gin"], 100)[0]["spent_s"], 40)
            self.assertFalse(soak.resume(path, ["weir"], 100)[1])  # other peers or another duration: another run
            soak.save(state, path)
            self.assertFalse(soak.resume(path, ["weir", "gin"], 200)[1])

    def test_what_is_no_state_is_not_overwritten(self):
        for content in ("{", "[]", '{"soak": 2}', '{"soak": 1}'):
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "soak.json")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(content)
                self.assertIsNone(soak.load_state(path))
                state, again = soak.resume(path, ["weir"], 100)
                self.assertEqual((state["spent_s"], again), (0, False))
                left, = os.listdir(folder)
                with open(os.path.join(folder, left), encoding="utf-8") as file:
                    self.assertEqual((file.read(), left != "soak.json"), (content, True))

    def test_a_full_disk_does_not_end_it(self):
        with tempfile.TemporaryDirectory() as folder:
            said = []
            run = soak.Soak({**soak.blank(["weir"], 0), "spent_s": 1}, os.path.join(folder, "nowhere", "soak.json"), None, said.append)
            run.run()
            self.assertIn("cannot be written", said[-1])

    def test_another_run_does_not_overwrite_what_was_measured(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "soak.json")
            days = {**soak.blank(["weir", "gin"], 300_000), "spent_s": 200_000}
            soak.save(days, path)
            self.assertEqual(soak.resume(path, ["weir", "gin"], 3600)[0]["spent_s"], 0)
            with open(soak.kept(path, days), encoding="utf-8") as file:
                self.assertEqual(json.load(file), days)

    def test_one_that_never_ran_is_tried_again_and_a_run_that_nobody_survived_is_over(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "soak.json")
            state = soak.blank(["weir", "gin"], 100)
            state["peers"]["gin"].update(status="failed", why="wrk is not installed")
            state["peers"]["weir"].update(status="crashed", why="signal 11", lives=[[]])
            soak.save(state, path)
            state, again = soak.resume(path, ["weir", "gin"], 100)
            self.assertEqual((again, state["peers"]["gin"]["status"], state["peers"]["weir"]["status"]), (True, "ok", "crashed"))
            state["peers"]["gin"].update(status="crashed", lives=[[]])
            soak.save(state, path)
            self.assertFalse(soak.resume(path, ["weir", "gin"], 100)[1])

    def test_one_that_was_finished_is_shown(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "soak.json")
            soak.save({**soak.blank(["weir", "gin"], 100), "spent_s": 101}, path)
            self.assertIn("too short", html.page({**run_of(cell("weir", 4, 4, 4)), "soak": soak.load_state(path)}))
            self.assertFalse(soak.resume(path, ["weir", "gin"], 100)[1])


class Answering(http.server.BaseHTTPRequestHandler):
    body = b'{"message": "Hello, World!"}'

    def do_GET(self):
        self.send_response(200 if self.path == "/json" else 404)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_):
        pass


class Checks(unittest.TestCase):
    def serve(self, body):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Answering,), {"body": body}))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return types.SimpleNamespace(port=server.server_address[1], log=os.devnull, peer_kind="peer")

    def test_right_answers_pass_in_whatever_form(self):
        check.verify(self.serve(b'{ "message":"Hello, World!"}\n'), scenarios.SCENARIOS["json"])

    def test_wrong_answers_are_told(self):
        with self.assertRaisesRegex(check.Wrong, "Goodbye"):
            check.verify(self.serve(b'{"message": "Goodbye"}'), scenarios.SCENARIOS["json"])
        with self.assertRaisesRegex(check.Wrong, "not JSON"):
            check.verify(self.serve(b"Hello, World!"), scenarios.SCENARIOS["json"])
        with self.assertRaisesRegex(check.Wrong, "status 404"):
            check.verify(self.serve(b"{}"), scenarios.SCENARIOS["param"])

    def test_tokens_have_three_parts_and_depend_on_the_secret(self):
        self.assertEqual(jwt.sign("ada").count("."), 2)
        self.assertNotEqual(jwt.sign("ada"), jwt.sign("ada", "another secret"))

    def test_a_line_for_wrk_has_four_parts(self):
        for scenario in scenarios.SCENARIOS.values():
            for request in scenario.requests:
                self.assertEqual(request.line().count("\t"), 3)
                self.assertNotIn("\n", request.line())


class Builders(unittest.TestCase):
    def test_versions_are_read_from_what_tools_say(self):
        self.assertEqual(builders.numbers("v20.20.2"), (20, 20, 2))
        self.assertEqual(builders.numbers('openjdk version "17.0.15" 2025-04-15'), (17, 0, 15))
        self.assertEqual(builders.numbers('openjdk version "25" 2025-09-16 LTS\nOpenJDK Runtime Environment Temurin-25+36 (build 25+36-LTS)'), (25,))
        self.assertEqual(builders.numbers("command not found"), ())

    def test_what_is_missing_or_too_old_is_told(self):
        builders.needed("Node", (20,), "v20.0.1", "here")
        with self.assertRaisesRegex(machine.Missing, "no Node"):
            builders.needed("Node", (20,), "", "here")
        with self.assertRaisesRegex(machine.Missing, "18.20.4 is too old"):
            builders.needed("Node", (20,), "v18.20.4", "here")

    def test_the_lock_files_name_every_framework(self):
        for peer in peers.PEERS.values():
            if peer.module:
                self.assertRegex(builders.locked(peer), r"^v?\d+\.\d+\.\d+$", peer.name)

    def test_the_latest_releases_are_newer_than_the_pinned_ones(self):
        for peer in peers.PEERS.values():
            if peer.latest:
                pinned = peers.PEERS[peer.name.removesuffix("-latest")]
                self.assertGreater(builders.numbers(builders.locked(peer)), builders.numbers(builders.locked(pinned)), peer.name)

    def test_nothing_stays_open_in_the_configuration_of_nginx(self):
        with tempfile.TemporaryDirectory() as folder:
            builders.nginx_command(peers.PEERS["nginx"], folder, 4321, "/data/file")
            with open(os.path.join(folder, "nginx.conf"), encoding="ascii") as file:
                text = file.read()
        self.assertNotIn("@", text.partition("pid ")[2])
        self.assertIn("listen 127.0.0.1:4321", text)
        self.assertIn("alias /data/file;", text)


class Misbehaving(unittest.TestCase):
    """Peers made for the purpose: the run goes on, and says what each of them did."""

    def cell_of(self, program, scenario=scenarios.SCENARIOS["json"], **more):
        peer = peers.Peer("bad", "Bad", "Python", "script", program=program, **more)
        known, commands = dict(peers.PEERS), peers.command_of
        peers.PEERS["bad"] = peer
        peers.command_of = lambda of: [sys.executable, "-c", program] if of is peer else commands(of)
        options = types.SimpleNamespace(own=None, file="", seconds=1, rounds=1, warm_up=1, no_rate=True, url=None, unbuilt={}, peers=None, quick=False, only=None)
        cells = []
        try:
            measure.run_scenario(scenario, ["bad"], options, cells, lambda text: None)
        finally:
            peers.PEERS.clear()
            peers.PEERS.update(known)
            peers.command_of = commands
        return cells[0]

    def test_a_limit_of_the_machine_is_no_fault_of_theirs(self):
        self.addCleanup(setattr, machine, "open_files", machine.open_files)
        machine.open_files = lambda: 200
        found = self.cell_of(Lab.PEER)
        self.assertEqual((found["status"], found["why"]), ("missing", "264 open files are needed, and the limit is 200 (ulimit -Hn)"))

    def test_what_does_not_fit_at_once_is_measured_one_after_the_other(self):
        self.assertNotIn("alone", self.cell_of("raise SystemExit(1)"))
        self.assertGreater(machine.available_memory(), 1 << 20)
        large = dataclasses.replace(scenarios.SCENARIOS["json"], together=1 << 60)
        self.assertTrue(self.cell_of("raise SystemExit(1)", large)["alone"])

    def test_one_that_does_not_start(self):
        found = self.cell_of("raise SystemExit('no configuration')")
        self.assertEqual(found["status"], "crashed")
        self.assertIn("no configuration", found["why"])

    def test_one_that_takes_too_long_to_start_has_not_crashed(self):
        found = self.cell_of("import time; time.sleep(60)", dataclasses.replace(scenarios.SCENARIOS["json"], start_limit=0.3), patience=0.3)
        self.assertEqual((found["status"], found["why"]), ("too slow", "it does not listen after 0.3 s"))

    def test_one_that_dies_when_asked(self):
        found = self.cell_of("import sys, socket\n"
                             "s = socket.create_server(('127.0.0.1', int(sys.argv[sys.argv.index('--port') + 1])))\n"
                             "s.accept()\nc = s.accept()[0]\nc.recv(10)\nprint('panic: out of luck', file=sys.stderr)\nsys.exit(3)")
        self.assertEqual(found["status"], "crashed")
        self.assertIn("out of luck", found["why"])

    def test_one_that_hangs(self):
        self.addCleanup(setattr, check, "PATIENCE", check.PATIENCE)
        check.PATIENCE = 0.2
        found = self.cell_of("import sys, socket, time\n"
                             "s = socket.create_server(('127.0.0.1', int(sys.argv[sys.argv.index('--port') + 1])))\ntime.sleep(60)")
        self.assertEqual(found["status"], "hung")

    def test_one_that_answers_something_else(self):
        found = self.cell_of(Lab.PEER.replace("Hello, World!", "Goodbye"))
        self.assertEqual(found["status"], "wrong")
        self.assertIn("Goodbye", found["why"])


class CommandLine(unittest.TestCase):
    def refused(self, *arguments):
        done = subprocess.run([sys.executable, "-B", os.path.join(ROOT, "tools/compare"), "--dry-run", *arguments], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        return done.stderr

    def test_names_that_are_not_there_are_told_with_the_nearest(self):
        self.assertIn("there is no peer 'gim' (did you mean gin?)", self.refused("--peers", "weir,gim"))
        self.assertIn("there is no scenario 'jsn' (did you mean json?)", self.refused("--only", "jsn"))

    def stopped(self, *arguments):
        done = subprocess.run([sys.executable, "-B", os.path.join(ROOT, "tools/compare"), "--peers", "ceiling", "--only", "json", *arguments],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr

    def test_what_would_stop_it_later_is_told_before(self):
        self.assertIn("the report cannot be written to /proc/report", self.stopped("--report", "/proc/report"))
        with tempfile.TemporaryDirectory() as folder:
            nobody = f"http://127.0.0.1:{machine.free_port()}"
            self.assertIn(f"nothing answers at {nobody}: Connection refused", self.stopped("--report", folder, "--url", nobody))

    def test_what_a_soak_would_not_do_is_not_taken_for_it(self):
        self.assertIn("does not go with --url", self.refused("--soak", "1h", "--url", "http://127.0.0.1:1"))
        self.assertIn("does not go with --only", self.refused("--soak", "1h", "--only", "json"))
        self.assertIn("does not go with --rounds", self.refused("--soak", "1h", "--rounds", "3"))

    def test_no_name_at_all_is_not_everything(self):
        self.assertIn("name at least one peer", self.refused("--peers", ","))
        self.assertIn("name at least one scenario", self.refused("--only", ","))


class Reports(unittest.TestCase):
    """Where results go, and what becomes of those that are there."""

    @staticmethod
    def lab():
        loader = importlib.machinery.SourceFileLoader("lab", os.path.join(ROOT, "tools/compare"))
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader("lab", loader))
        loader.exec_module(module)
        return module

    def quietly(self, call, *arguments):
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            result = call(*arguments)
        return result, said.getvalue()

    def test_another_run_keeps_the_one_before(self):
        lab = self.lab()
        with tempfile.TemporaryDirectory() as folder:
            hour, cell_again = ({**run_of(cell("weir", 4, 4, 4)), "started": started} for started in ("2026-11-28 08:04:00 UTC", "2026-11-28 09:00:00 UTC"))
            self.quietly(lab.write, hour, folder)
            self.quietly(lab.write, hour, folder)  # the same run, later
            self.assertEqual(sorted(os.listdir(folder)), ["index.html", "results.json"])
            written, said = self.quietly(lab.write, cell_again, folder)
            self.assertTrue(written)
            self.assertIn("index-20261128080400.html", said)
            self.assertEqual(benchmarks.read(os.path.join(folder, "results-20261128080400.json")), hour)
            self.assertEqual(benchmarks.read(os.path.join(folder, "results.json")), cell_again)
            with open(os.path.join(folder, "results.json"), "w", encoding="utf-8") as file:
                file.write("[")
            self.quietly(lab.write, hour, folder)
            self.assertTrue(os.path.exists(os.path.join(folder, "results-unreadable.json")))

    def test_a_report_that_cannot_be_written_costs_neither_the_run_nor_the_one_before(self):
        lab = self.lab()
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as elsewhere:
            run = run_of(cell("weir", 4, 4, 4))
            self.quietly(lab.write, run, folder)
            os.mkdir(os.path.join(folder, "index.html.new"))  # as good as a full disk
            written, said = self.quietly(lab.write, {**run, "started": "later"}, folder)
            self.assertFalse(written)
            self.assertIn("the report cannot be written", said)
            self.assertEqual(sorted(os.listdir(folder)), ["index.html", "index.html.new", "results.json"])
            self.assertEqual(benchmarks.read(os.path.join(folder, "results.json")), run)
            self.addCleanup(setattr, tempfile, "tempdir", tempfile.tempdir)
            tempfile.tempdir = elsewhere
            where, _ = self.quietly(lab.write_at_last, {**run, "started": "later"}, folder)
            self.assertEqual(benchmarks.read(os.path.join(where, "results.json"))["started"], "later")

    def test_results_that_are_none_are_told(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "results.json")
            for content, why in (("[1]", "is no results.json of the lab"), ("{", "is no JSON")):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(content)
                done = subprocess.run([sys.executable, "-B", os.path.join(ROOT, "tools/compare"), "--benchmarks-page", os.path.join(folder, "page.md"), path],
                                      capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(why, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)

    def test_logs_that_may_not_find_room_are_told(self):
        names = ["weir", "gin"]
        production, json_reply = scenarios.SCENARIOS["production"], scenarios.SCENARIOS["json"]
        self.assertEqual(plan.log_bytes([json_reply], names, options()), 0)
        self.assertEqual(plan.log_bytes([json_reply, production], names, options(no_rate=True)), 2 * 10 * plan.LOG_RATE * plan.LOG_BYTES)


class Lab(unittest.TestCase):
    """The whole program, with a small server in place of the peers."""

    PEER = ("import http.server, sys\n"
            "class H(http.server.BaseHTTPRequestHandler):\n"
            " protocol_version = 'HTTP/1.1'\n"
            " def do_GET(self):\n"
            "  body = b'{\"message\": \"Hello, World!\"}'\n"
            "  self.send_response(200 if self.path == '/json' else 404)\n"
            "  self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body)\n"
            " def log_message(self, *_): pass\n"
            "http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[sys.argv.index('--port') + 1])), H).serve_forever()\n")

    def program(self, folder, name, text):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)
        return path

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
    def test_a_registry_that_does_not_answer_costs_the_peers_that_need_it(self):
        with tempfile.TemporaryDirectory() as folder:
            mine = self.program(folder, "peer", f"#!{sys.executable}\n" + self.PEER)
            # Debian 12's Go has to fetch a newer one.
            self.program(folder, "go", "#!/bin/sh\n[ $1 = version ] && echo go version go1.19.8 linux/amd64 && exit\necho no such host >&2; exit 1\n")
            done = subprocess.run([sys.executable, "-B", os.path.join(ROOT, "tools/compare"), "--only", "json", "--binary", f"mine={mine}", "--peers", "gin,mine",
                                   "--rounds", "1", "--seconds", "1", "--report", folder], capture_output=True, text=True, check=False,
                                  env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(os.path.join(folder, "results.json"), encoding="utf-8") as file:
                run = json.load(file)
        self.assertEqual({made["peer"]: made["status"] for made in run["cells"]}, {"gin": "missing", "mine": "ok"})
        self.assertIn("no such host", run["cells"][0]["why"])
        self.assertEqual(run["peers"]["gin"]["version"], "not built")

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
    def test_a_server_of_ones_own_is_asked_for_its_own_path(self):
        with tempfile.TemporaryDirectory() as folder:
            mine = self.program(folder, "peer", f"#!{sys.executable}\n" + self.PEER)
            # It knows /hello alone, and says so with 404 for anything else.
            with peers.Running(peers.Peer("own", "own", "Python", "program", program=self.program(folder, "own", f"#!{sys.executable}\n" + self.PEER.replace("/json", "/hello")))) as server:
                done = subprocess.run([sys.executable, "-B", os.path.join(ROOT, "tools/compare"), "--only", "json,bind", "--binary", f"mine={mine}", "--url", server.url("/hello"),
                                       "--rounds", "1", "--seconds", "1", "--report", folder], capture_output=True, text=True, check=False)
            with open(os.path.join(folder, "results.json"), encoding="utf-8") as file:
                cells = {(made["scenario"], made["peer"]): made for made in json.load(file)["cells"]}
        reply, bind = cells[("json", "yours")], cells[("bind", "yours")]
        self.assertEqual((reply["status"], reply["failures"]["status"]), ("ok", 0), done.stderr)
        self.assertGreater(reply["requests"], 0)
        self.assertEqual(bind["status"], "wrong")  # POST is answered with 501 by this one

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
    def test_ctrl_c_leaves_nothing_running_and_keeps_what_was_measured(self):
        with tempfile.TemporaryDirectory() as folder:
            program = self.program(folder, "peer", f"#!{sys.executable}\n" + self.PEER)
            lab = subprocess.Popen([sys.executable, "-B", os.path.join(ROOT, "tools/compare"), "--only", "json", "--binary",
                                    f"mine={program}", "--peers", "mine", "--rounds", "50", "--seconds", "1", "--report", folder],
                                   stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True)
            for line in lab.stderr:
                if "round 3/" in line:
                    break
            lab.send_signal(signal.SIGINT)
            time.sleep(0.02)
            lab.send_signal(signal.SIGTERM)  # whoever is impatient loses nothing
            lab.stderr.read()
            lab.stderr.close()
            self.assertEqual(lab.wait(20), 130)
            left = [pid for pid in filter(str.isdigit, os.listdir("/proc")) if self.command_of(pid).find(program) >= 0]
            self.assertEqual(left, [])
            with open(os.path.join(folder, "results.json"), encoding="utf-8") as file:
                run = json.load(file)
            self.assertFalse(run["complete"])
            self.assertEqual(len(run["cells"][0]["rounds"]), 2)
            self.assertIn("figures", run["cells"][0])
            self.assertTrue(os.path.exists(os.path.join(folder, "index.html")))

    @staticmethod
    def command_of(pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return file.read().decode(errors="replace")
        except OSError:
            return ""


class Profile(unittest.TestCase):
    @staticmethod
    def sample(*functions, dso="[kernel.kallsyms]"):
        return "".join(f"\tffffffff8100 {name} ({dso})\n" for name in functions) + "\n"

    def test_samples_are_sorted_by_what_the_kernel_did(self):
        for part, stack in (
                (profile.DELIVERY, ("tcp_v4_rcv", "__netif_receive_skb", "net_rx_action", "__do_softirq", "ip_output", "tcp_sendmsg", "__sys_sendto")),
                (profile.SEND, ("tcp_write_xmit", "tcp_sendmsg", "__sys_sendto", "__x64_sys_sendto", "do_syscall_64")),
                (profile.SEND, ("tcp_sendmsg", "sock_write_iter", "vfs_write", "ksys_write", "do_syscall_64")),
                (profile.RECEIVE, ("tcp_recvmsg_locked", "sock_read_iter", "vfs_read", "ksys_read")),
                (profile.POLL, ("ep_send_events", "do_epoll_wait", "__x64_sys_epoll_pwait", "do_syscall_64")),
                (profile.POLL, ("__schedule", "schedule", "ep_poll", "do_epoll_wait")),
                (profile.SCHEDULE, ("futex_wake", "do_futex", "__x64_sys_futex")),
                (profile.FILES, ("ext4_file_write_iter", "vfs_write", "ksys_write")),
                (profile.ENTRY, ("entry_SYSCALL_64_after_hwframe",)),
                (profile.ENTRY, ("do_syscall_64", "entry_SYSCALL_64_after_hwframe")),
                (profile.OTHER, ("clear_page_erms", "handle_mm_fault", "asm_exc_page_fault"))):
            self.assertEqual(profile.part_of(list(stack), True), part, stack)
            self.assertEqual(profile.shares(self.sample(*stack))[0][part], 1, stack)
        self.assertEqual(profile.part_of(["weir::router::find(int (*)(int))"], False), profile.OWN)

    def test_shares_add_up_and_functions_are_named(self):
        own = self.sample("weir::serve(weir::Context&)", dso="/build/bin/server")
        chain = own.strip("\n") + "\n" + self.sample("schedule", dso="/build/bin/server")  # what calls it there does not matter
        text = own * 2 + chain + self.sample("tcp_recvmsg", "__sys_recvfrom") + self.sample("[unknown]", dso="/usr/lib/libc.so.6")
        parts, functions, count = profile.shares(text)
        self.assertEqual(count, 5)
        self.assertAlmostEqual(sum(parts.values()), 1)
        self.assertAlmostEqual(parts[profile.OWN], 0.8)
        self.assertEqual(list(functions.items()), [("weir::serve(weir::Context&)", 0.6), ("[unknown]", 0.2)])
        with self.assertRaises(ValueError):
            profile.shares("")


if __name__ == "__main__":
    unittest.main()
