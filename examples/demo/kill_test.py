#!/usr/bin/env python3
"""kill -9 while tasks are written: every task that was acknowledged is there after the restart.

  kill_test.py PATH/weir-demo [ROUNDS]"""
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

WRITERS = 4


class Server:
    """weir-demo on a port that the kernel chooses."""

    def __init__(self, program, folder):
        self.database = os.path.join(folder, "demo.db")
        self.process = subprocess.Popen(
            [program, "--port", "0", "--database", self.database, "--log-file", os.path.join(folder, "log")],
            stdout=subprocess.PIPE, text=True)
        self.port = None
        for line in self.process.stdout:
            if "http://localhost:" in line:
                self.port = int(line.split("http://localhost:")[1].split("/")[0])
                break
        if self.port is None:
            raise SystemExit(f"the demo did not start: status {self.process.wait()}")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body


def write(port, writer, round_number, acknowledged, go_on):
    """Posts tasks until the server is gone; notes those that were acknowledged."""
    number = 0
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while go_on.is_set():
            title = f"round {round_number} writer {writer} task {number}"
            connection.request("POST", "/tasks", json.dumps({"title": title}), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 201:
                raise SystemExit(f"POST /tasks: {answer.status} {body!r}")
            acknowledged.append((json.loads(body)["id"], title))
            number += 1
            if number % 5 == 0:
                name = f"file{number}"
                connection.request("PUT", f"/tasks/{acknowledged[-1][0]}/attachments/{name}", title.encode())
                answer = connection.getresponse()
                answer.read()
                if answer.status == 201:
                    acknowledged.append((f"{acknowledged[-1][0]}/attachments/{name}", title))
    except (OSError, http.client.HTTPException):
        pass


def check(server, acknowledged):
    missing = 0
    for where, title in acknowledged:
        status, body = server.get(f"/tasks/{where}")
        good = status == 200 and (body.decode() == title if "/" in str(where) else json.loads(body)["title"] == title)
        if not good:
            missing += 1
            print(f"lost: /tasks/{where} ({title}): {status} {body[:200]!r}", file=sys.stderr)
    return missing


def main():
    program = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    seed = int(os.environ.get("SEED", time.time_ns() % 1_000_000))
    print(f"SEED={seed}")
    chance = random.Random(seed)
    folder = tempfile.mkdtemp(prefix="weir-demo-kill-")
    acknowledged = []
    lost = 0
    try:
        for round_number in range(rounds):
            server = Server(program, folder)
            lost += check(server, acknowledged[-200:])
            go_on = threading.Event()
            go_on.set()
            lists = [[] for _ in range(WRITERS)]
            writers = [threading.Thread(target=write, args=(server.port, i, round_number, lists[i], go_on))
                       for i in range(WRITERS)]
            for thread in writers:
                thread.start()
            # At some moment after each has written something.
            target = chance.randint(WRITERS, 200)
            limit = time.monotonic() + 20
            while sum(map(len, lists)) < target and time.monotonic() < limit:
                time.sleep(0.001)
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            go_on.clear()
            for thread in writers:
                thread.join()
            new = [entry for entries in lists for entry in entries]
            print(f"round {round_number}: {len(new)} acknowledged, then killed")
            if len(new) < target:
                raise SystemExit("the server was too slow, or writing failed")
            acknowledged += new
        server = Server(program, folder)
        lost += check(server, acknowledged)
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(timeout=60)
        print(f"{len(acknowledged)} acknowledged, {lost} lost; stopped with status {status}")
        return 1 if lost or status != 0 or not acknowledged else 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
