#!/usr/bin/env python3
"""bench_test.py ROOT: the arithmetic of tools/bench, and that it leaves no process behind."""
import importlib.machinery
import importlib.util
import os
import signal
import subprocess
import sys
import time
import unittest

ROOT = sys.argv.pop(1)
sys.path.insert(0, os.path.join(ROOT, "tools"))

from benchlib import compile_time, machine, micro, stats  # noqa: E402


def load_bench():
    loader = importlib.machinery.SourceFileLoader("bench", os.path.join(ROOT, "tools/bench"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", loader))
    loader.exec_module(module)
    return module


class Stats(unittest.TestCase):
    def test_summary_is_median_and_spread(self):
        self.assertEqual(stats.summary([3, 1, 2])["median"], 2)
        self.assertEqual(stats.summary([4, 1, 2, 3])["median"], 2.5)
        self.assertEqual((stats.summary([3, 1, 2])["min"], stats.summary([3, 1, 2])["max"]), (1, 3))
        with self.assertRaises(ValueError):
            stats.summary([])

    def test_ratios_are_of_pairs_and_not_of_medians(self):
        # The second round was disturbed on both sides alike: the ratio stays.
        ratio = stats.ratios([2, 20, 2], [1, 10, 1])
        self.assertEqual((ratio["median"], ratio["min"], ratio["max"]), (2, 2, 2))
        with self.assertRaises(ValueError):
            stats.ratios([1, 2], [1])
        with self.assertRaises(ValueError):
            stats.ratios([1], [0])

    def test_verdict(self):
        self.assertEqual(stats.verdict(1.10, at_most=1.10), "PASS")
        self.assertEqual(stats.verdict(1.11, at_most=1.10), "MISS")
        self.assertEqual(stats.verdict(2.9, at_least=3), "MISS")
        self.assertEqual(stats.verdict(3, at_least=3), "PASS")
        self.assertEqual(stats.verdict(3), "")

    def test_numbers_and_table(self):
        self.assertEqual([stats.si(v) for v in (0.5, 12, 12345, 2.5e6)], ["0.5", "12", "12.3k", "2.5M"])
        self.assertEqual(stats.table([("a", 10), ("bcd", 1)], ("row", "n")), "row   n\n---  --\na    10\nbcd   1")


class Micro(unittest.TestCase):
    RUNS = [{"name": n, "run_name": n, "run_type": t, "cpu_time": c, "time_unit": "us", **more} for n, t, c, more in (
        ("lookup", "iteration", 0.5, {"bar_ns": 400.0}),
        ("lookup", "iteration", 0.3, {"bar_ns": 400.0}),
        ("lookup", "iteration", 0.2, {"bar_ns": 400.0}),
        ("lookup", "aggregate", 9.0, {"bar_ns": 400.0}),
        ("build", "iteration", 1.0, {"items_per_second": 1e9, "heap": 90.0, "bar_heap": 100.0}),
        ("BM_Order_Nlohmann", "iteration", 6.0, {}),
        ("BM_Order_Weir", "iteration", 2.0, {}),
    )]

    def test_bars_come_from_counters(self):
        rows = {r["row"]: r for r in micro.results_of("weir_router_bench", self.RUNS)}
        self.assertEqual(rows["router/lookup"]["value"], 300)
        self.assertEqual(rows["router/lookup"]["at_most"], 400)
        self.assertEqual(rows["router/build"]["value"], 1)
        self.assertEqual((rows["router/build:heap"]["value"], rows["router/build:heap"]["at_most"]), (90, 100))

    def test_ratio_of_two_benchmarks(self):
        self.assertEqual([(r["row"], r.get("value")) for r in micro.bars_of("weir_json_bench", self.RUNS)],
                         [("json-nlohmann", 3), ("json-rapidjson", None)])

    def test_a_bar_without_its_benchmark_is_missing(self):
        rows = micro.bars_of("weir_router_bench", self.RUNS + [
            {"name": "crafted_miss", "cpu_time": 7000.0, "time_unit": "ns"},
            {"name": "build/1000000", "cpu_time": 800.0, "time_unit": "ms", "heap_MB": 83.0}])
        self.assertEqual({r["row"]: r.get("value", "missing") for r in rows},
                         {"router-random": "missing", "router-hot": "missing", "router-build": 0.8, "router-heap": 83,
                          "router-miss": 7})

    def test_filter_names_what_is_needed(self):
        self.assertEqual(micro.filter_of("weir_json_bench"), "^(BM_Order_Nlohmann|BM_Order_RapidJson|BM_Order_Weir)$")


class Compile(unittest.TestCase):
    def test_command_loses_launcher_and_output(self):
        entries = [{"file": "/x/examples/hello/main.cpp", "directory": "/x",
                    "command": "/usr/bin/ccache /usr/bin/c++ -O2 -o hello.o -c /x/examples/hello/main.cpp"}]
        command, folder = compile_time.command_of(entries, compile_time.SOURCE)
        self.assertEqual(command, ["/usr/bin/c++", "-O2", "-o", "/dev/null", "-c", "/x/examples/hello/main.cpp"])
        self.assertEqual(folder, "/x")
        with self.assertRaises(machine.Missing):
            compile_time.command_of([], compile_time.SOURCE)


class Machine(unittest.TestCase):
    def test_what_nobody_worked_is_no_disturbance(self):
        # {core: (idle, all)} in seconds; 10 s passed.
        def share(idle, everything, cpu):
            return machine.foreign_share({0: (100, 500)}, {0: (100 + idle, 500 + everything)}, 0, cpu, 10)
        self.assertAlmostEqual(share(0, 10, 10), 0)
        self.assertAlmostEqual(share(0.5, 8, 7.5), 0)  # 2 s on the way into and out of idleness: booked as nobody's
        self.assertAlmostEqual(share(0.5, 10, 7.5), 0.2)  # 2 s of somebody else's work
        self.assertEqual(share(2, 10, 9), 0)  # the clocks of a core and of a process tick apart

    def test_cpu_time_is_finer_than_a_tick(self):
        began, before = time.process_time(), machine.cpu_seconds(os.getpid())
        while time.process_time() < began + 0.003:
            pass
        self.assertAlmostEqual(machine.cpu_seconds(os.getpid()) - before, 0.003, delta=0.002)
        self.assertAlmostEqual(machine._cpu_seconds_in_ticks(os.getpid()), machine.cpu_seconds(os.getpid()), delta=0.05)
        ended = subprocess.Popen(["true"])
        ended.wait()
        with self.assertRaises(OSError):
            machine.cpu_seconds(ended.pid)

    def test_cpu_of_a_busy_process(self):
        busy = machine.start([sys.executable, "-c", "while True: pass"])
        try:
            until = time.monotonic() + 20
            while machine.cpu_seconds(busy.pid) < 0.2:
                self.assertLess(time.monotonic(), until)
            self.assertGreaterEqual(machine.tree_cpu_seconds(busy.pid), 0.2)
            self.assertGreater(machine.user_memory(busy.pid), 100_000)
        finally:
            machine.end(busy)
        self.assertEqual(busy.returncode, -signal.SIGTERM)

    def test_the_load_runs_on_a_core_of_its_own(self):
        self.assertEqual(machine.numbers_of("0,4-6\n"), {0, 4, 5, 6})
        self.assertEqual(machine.load_core([0, 1, 2, 3], {0, 1}), 2)  # 1 is the second thread of the server's core
        self.assertEqual(machine.load_core([0, 1, 2, 3], {0, 2}), 1)
        self.assertEqual(machine.load_core([0, 1], {0, 1}), 1)
        self.assertEqual(machine.load_core([5], {5}), 5)

    def test_what_a_process_started_ends_with_it(self):
        # A shell that dies of SIGTERM, and a child of it that does not.
        shell = machine.start(["sh", "-c", "sh -c 'trap \"\" TERM; echo $$; for i in $(seq 200); do sleep 0.1; done' & wait"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        child = int(shell.stdout.readline())
        machine.end(shell)
        shell.stdout.close()
        until = time.monotonic() + 5
        while alive(child):
            self.assertLess(time.monotonic(), until, f"{child} is still there")

    def test_missing_program(self):
        with self.assertRaises(machine.Missing):
            machine.start(["/nowhere/bench-server"])

    def test_nothing_is_left_when_the_runner_is_killed(self):
        code = ("import sys; sys.path.insert(0, sys.argv[1]); from benchlib import machine; import time;"
                "print(machine.start(['sleep', '1000']).pid, flush=True); time.sleep(1000)")
        for how in (signal.SIGKILL, signal.SIGINT):
            runner = subprocess.Popen([sys.executable, "-c", code, os.path.join(ROOT, "tools")], stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, text=True)
            pid = int(runner.stdout.readline())
            runner.send_signal(how)
            runner.wait(20)
            runner.stdout.close()
            until = time.monotonic() + 20
            while alive(pid):
                self.assertLess(time.monotonic(), until, f"{pid} is still there")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Runner(unittest.TestCase):
    def test_rows_that_cannot_be_measured_do_not_crash(self):
        bench = load_bench()
        options = bench.parse(["--only", "compile,micro,json-64", "--build", "/nowhere", "--quick"])
        options.progress = lambda text: None
        self.assertEqual([r["verdict"] for r in bench.measure(options)], ["MISSING"] * 4)
        self.assertEqual((options.rounds, options.seconds), (3, 1))

    def test_unknown_row(self):
        done = subprocess.run([sys.executable, os.path.join(ROOT, "tools/bench"), "--only", "jason"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no row 'jason'", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
