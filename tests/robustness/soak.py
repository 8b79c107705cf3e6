"""The long tests: what ./dev soak runs. Each section prints a row; the exit status says whether all bars were met.

  slow      slowhttptest -H, -B and -X with the server's default time-outs, beside a good client
  streams   10 GB up, down and from a file, in constant memory; slow readers and handlers too
  idle      10,000 idle keep-alive connections
  restart   instances that take over from one another under load
  floods    HTTP/2 floods from 4 connections, each for --flood-seconds, beside a good client
  load      full mixed load for --minutes; memory must not grow after the first one
"""
import argparse
import contextlib
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
os.environ.setdefault("WEIR_BIN", os.path.join(ROOT, "build/release/bin"))
sys.path.insert(0, os.path.join(HERE, "../process"))
# pylint: disable=wrong-import-position
import floods as http2_floods  # noqa: E402
from harness import Server, wait_until  # noqa: E402
from load import PssWatch, download, upload  # noqa: E402
from test_limits import listening_port  # noqa: E402
from test_slow import Probe  # noqa: E402
from test_stop import Load  # noqa: E402

MIB = 1 << 20
rows = []


def row(what, figures, good):
    rows.append((what, figures, good))
    print(f"  {'ok    ' if good else 'FAILED'} {what}: {figures}", flush=True)


@contextlib.contextmanager
def server(**options):
    """A server that logs to nowhere in particular, so that its log is no load on the tests."""
    with tempfile.NamedTemporaryFile(prefix="weir-soak-") as log:
        with Server("--log-level", "info", log_file=log.name, ready=False, **options) as started:
            started.port = wait_until(lambda: listening_port(started.pid), "it listens")
            yield started
        if os.environ.get("WEIR_SOAK_KEEP_LOG"):
            shutil.copy(log.name, os.environ["WEIR_SOAK_KEEP_LOG"])


def slow(options):
    if not shutil.which("slowhttptest"):
        row("slowhttptest", "is not installed", False)
        return
    modes = {
        "slowhttptest -H (heads)": ["-H", "-i", "5", "-x", "24", "-u", "/hello"],
        "slowhttptest -B (bodies)": ["-B", "-i", "5", "-s", "8192", "-x", "24", "-u", "/collect"],
        "slowhttptest -X (readers)": ["-X", "-n", "5", "-w", "256", "-y", "512", "-z", "8", "-k", "3", "-u",
                                      "/download/5000000"],
    }
    for name, arguments in modes.items():
        with server() as target:
            with Probe(target) as quiet:
                time.sleep(3)
            url = arguments.index("-u") + 1
            arguments[url] = f"http://127.0.0.1:{target.port}{arguments[url]}"
            command = ["slowhttptest", *arguments, "-c", "500", "-r", "250", "-l", str(options.slow_seconds), "-p", "2"]
            with tempfile.TemporaryDirectory(prefix="weir-soak-") as folder, Probe(target) as probe:
                attacker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
                most, open_at = 0, []
                begin = time.monotonic()
                while attacker.poll() is None:
                    time.sleep(0.25)
                    count = int(target.metric("weir_connections_open")) - 2  # this one and the good client's
                    most = max(most, count)
                    open_at.append((time.monotonic() - begin, count))
            # From when on were (nearly) all of them cut?
            cut = next((at for at, count in open_at if at > 3 and count <= most * 0.02), None)
            wait_until(lambda: target.metric("weir_connections_open") == 1, "what is left is cut", 60)
            limit = max(3 * quiet.p99(), 0.020)
            row(name, f"{most} slow connections at most, all cut after "
                      f"{'-' if cut is None else f'{cut:.0f}'} s; good client's P99 {quiet.p99() * 1e3:.2f} ms quiet, "
                      f"{probe.p99() * 1e3:.2f} ms under attack, {len(probe.seconds)} answers",
                most >= 250 and cut is not None and probe.p99() <= limit)


def streams(options):
    total = options.gigabytes * 1000 ** 3
    works = {
        "upload": lambda target: upload(target, total) == total,
        "upload, chunked": lambda target: upload(target, total // 4, chunked=True) == total // 4,
        "download": lambda target: download(target, f"/download/{total}") == total,
        "download by a reader that pauses": lambda target: download(target, f"/download/{total // 10}", 0.5, 20) == total // 10,
        "file (sendfile)": lambda target: download(target, "/file") == total,
        "upload to a slow handler": lambda target: upload(target, 100 * MIB, "/slow-upload/5") == 100 * MIB,
    }
    for name, work in works.items():
        with server(env={"WEIR_TEST_FILE_BYTES": total}) as target:
            upload(target, MIB)
            download(target, f"/download/{MIB}")
            before, begin = target.pss(), time.monotonic()
            with PssWatch(target, every=0.1) as watch:
                whole = work(target)
            seconds = time.monotonic() - begin
            # A few buffers, and no more of them in the second half than in the first.
            first, second = watch.between(0, seconds / 2), watch.between(seconds / 2, seconds + 1)
            row(name, f"{seconds:.1f} s, Pss {before / MIB:.2f} MiB before, {first / MIB:.2f} and {second / MIB:.2f} MiB in "
                      f"its halves, {watch.peak / MIB:.2f} MiB at most, {target.cpu_seconds():.1f} s of CPU",
                whole and watch.peak - before < 6 * MIB and second - first < MIB // 2)


def idle(_options):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wanted = min(10_000, hard - 200)
    with server() as target:
        def ask(count):
            clients = []
            for number in range(count):
                client = socket.socket()
                client.bind((f"127.0.0.{2 + number // 5000}", 0))
                client.connect(("127.0.0.1", target.port))
                client.sendall(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
                clients.append(client)
            for client in clients:
                client.settimeout(20)
                client.recv(65536)
            return clients

        for client in ask(200):
            client.close()
        before = target.pss()
        clients = ask(wanted)
        each = (target.pss() - before) / wanted
        with Probe(target) as probe:
            time.sleep(2)
        for client in clients:
            client.close()
        row(f"{wanted} idle connections", f"{each:.0f} B of user memory each; good client's P99 beside them "
                                          f"{probe.p99() * 1e3:.2f} ms", each <= 2048)


def restart(_options):
    environment = {"WEIR_TEST_DRAIN_DELAY_MS": 300}
    generations = 10
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(Server("--share-port", env=environment))
        with Load(old.port, threads=4) as load:
            for _ in range(generations):
                new = stack.enter_context(Server("--share-port", listen=f"127.0.0.1:{old.port}", env=environment))
                time.sleep(0.3)
                old.signal()
                status, _ = old.wait()
                if status != 0:
                    load.failures.append(f"an instance ended with {status}")
                new.port = old.port
                old = new
        row(f"{generations} instances that take over", f"{load.requests} requests, {len(load.failures)} failed, "
            f"{load.retried} retried on kept connections", not load.failures)
        for failure in load.failures[:5]:
            print("        ", failure)


def load(options):
    script = os.path.join(HERE, "mixed.lua")
    seconds = max(20, int(options.minutes * 60))
    with server() as target:
        generator = subprocess.Popen(["wrk", "-t1", "-c64", f"-d{seconds}s", "-s", script,
                                      f"http://127.0.0.1:{target.port}/"], stdout=subprocess.PIPE, text=True)
        with PssWatch(target, every=1) as whole, PssWatch(target, every=1, kind="Pss_Anon") as anonymous:
            output, _ = generator.communicate(timeout=seconds + 60)
        if generator.returncode != 0 or anonymous.samples[-1][0] < seconds - 2:
            row(f"mixed load, {seconds} s", f"wrk ended with {generator.returncode} after {anonymous.samples[-1][0]:.0f} s, the "
                f"server's status is {target.process.poll()}: {output[-500:]}", False)
            return
        settled = min(60, seconds / 3)

        def early_and_late(watch):
            return watch.between(settled, settled + max(5, seconds / 10)), watch.between(seconds * 0.85, seconds + 1)

        for line in output.splitlines():
            print("        ", line)
        for at in range(0, seconds + 1, max(10, seconds // 10)):
            pss, own = (min(watch.samples, key=lambda sample, at=at: abs(sample[0] - at)) for watch in (whole, anonymous))
            print(f"         {own[0]:6.0f} s  {pss[1] / MIB:8.2f} MiB, anonymous {own[1] / MIB:.2f} MiB")
        errors = [line for line in output.splitlines() if "Socket errors" in line]
        early_whole, late_whole = early_and_late(whole)
        early, late = early_and_late(anonymous)
        # The bar is on the anonymous part: our share of a library's pages changes as other processes open and close it.
        row(f"mixed load, {seconds} s", f"Pss {early_whole / MIB:.2f} MiB after {settled:.0f} s, {late_whole / MIB:.2f} MiB at "
            f"the end; anonymous {early / MIB:.2f} and {late / MIB:.2f} MiB" + "".join(f"; {line.strip()}" for line in errors),
            late - early <= max(0.02 * early, 256 * 1024) and target.process.poll() is None)
        begin = time.monotonic()
        target.signal()
        status, _ = target.wait()
        row("its end", f"status {status} after {time.monotonic() - begin:.2f} s", status == 0)


def floods(options):
    http2_floods.run(options.flood_seconds, server, row, PssWatch, Probe)


SECTIONS = {"slow": slow, "streams": streams, "idle": idle, "restart": restart, "floods": floods, "load": load}


def main():
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", help="which ones [all]", metavar="SECTION")
    parser.add_argument("--minutes", type=float, default=10, help="how long the mixed load lasts [10]")
    parser.add_argument("--gigabytes", type=int, default=10, help="how long a stream is [10]")
    parser.add_argument("--slow-seconds", type=int, default=25, help="how long each slow attack lasts [25]")
    parser.add_argument("--flood-seconds", type=int, default=30, help="how long each flood lasts [30]")
    options = parser.parse_args()
    for name in options.sections:
        if name not in SECTIONS:
            parser.error(f'there is no section "{name}"; there are {", ".join(SECTIONS)}')
    for name, section in SECTIONS.items():
        if options.sections and name not in options.sections:
            continue
        print(f"{name}", flush=True)
        section(options)
    failed = [what for what, _, good in rows if not good]
    print(f"\n{len(rows) - len(failed)} of {len(rows)} bars met" + "".join(f"\nnot met: {what}" for what in failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
