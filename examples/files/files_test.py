#!/usr/bin/env python3
"""Uploads of weir-files that survive kill -9: the offset that is told is there afterwards, and the file comes out whole.

  files_test.py PATH/weir-files"""
import hashlib
import http.client
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading

PATCH = {"Content-Type": "application/partial-upload"}


def start(program, folder):
    process = subprocess.Popen([program, "--port", "0", "--directory", folder, "--log-file", os.path.join(folder, "log")],
                               stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("Open"):
            return process, line.split("//")[1].strip().rstrip("/")
    raise SystemExit(f"{program} did not start: status {process.wait()}")


def ask(address, method, path, headers=None, body=None):
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def main():
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    dice = random.Random(seed)
    data = dice.randbytes(24 << 20)
    with tempfile.TemporaryDirectory(prefix="weir-files-") as folder:
        process, address = start(sys.argv[1], folder)
        try:
            status, headers, _ = ask(address, "POST", "/uploads", {
                "Upload-Complete": "?0", "Upload-Length": str(len(data)), "Content-Disposition": 'inline; filename="big.bin"'}, b"")
            assert status == 201, status
            place, offset, kills = headers["Location"], 0, 0
            while True:
                kill = kills < 5
                timer = threading.Timer(dice.uniform(0.0, 0.03), process.send_signal, [signal.SIGKILL])
                if kill:
                    timer.start()
                try:
                    status, headers, content = ask(address, "PATCH", place, PATCH | {
                        "Upload-Offset": str(offset), "Upload-Complete": "?1"}, data[offset:])
                    if not kill:
                        assert status == 201, (status, content)
                        break
                except (OSError, http.client.HTTPException):
                    pass
                timer.join()
                kills += 1
                process.wait()
                process, address = start(sys.argv[1], folder)
                status, headers, _ = ask(address, "HEAD", place)
                assert status == 204, status
                told = int(headers["Upload-Offset"])
                assert told >= offset, f"the offset went from {offset} back to {told}"
                offset = told
                print("killed; it goes on at", offset)
                if headers["Upload-Complete"] == "?1":
                    break
            status, headers, content = ask(address, "GET", "/files/big.bin")
            assert status == 200, status
            assert hashlib.sha256(content).digest() == hashlib.sha256(data).digest(), "the file is not what was sent"
            status, headers, content = ask(address, "GET", "/files/big.bin", {"Range": "bytes=100-199"})
            assert (status, content) == (206, data[100:200])
        finally:
            process.kill()
            process.communicate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
