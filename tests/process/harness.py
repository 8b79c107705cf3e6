"""What the tests of whole processes share: a server process, connections that say exactly what they are told to, and
figures of the process."""
import contextlib
import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BIN = os.environ.get("WEIR_BIN") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/dev/bin")
SANITIZED = os.environ.get("WEIR_SANITIZE", "")
#: Sanitizers make everything slower: how much longer to wait.
SLOWER = 4 if SANITIZED else 1
PATIENCE = 20 * SLOWER


def wait_until(condition, what, seconds=PATIENCE):
    """The first true value of condition(); fails with `what` if there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"in {seconds} s: {what}")
        time.sleep(0.005)


class Server:
    """A running weir-test-server. Its log lines (JSON) are read as they come; leaving `with` ends it."""

    def __init__(self, *arguments, env=None, program="weir-test-server", listen="127.0.0.1:0", ready=True, preexec=None,
                 pass_fds=(), log_file=None, rlimits=()):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_TEST_")}
        environment["WEIR_TEST_LINGER_TIMEOUT_MS"] = str(300 * SLOWER)
        environment.update({name: str(value) for name, value in (env or {}).items()})
        command = [os.path.join(BIN, program)]
        if listen:
            command += ["--listen", listen]
        if log_file:
            command += ["--log-file", log_file]
        command += [str(argument) for argument in arguments]

        def prepare():
            for which, soft in rlimits:
                resource.setrlimit(which, (soft, resource.getrlimit(which)[1]))
            if preexec:
                preexec()

        self.command = command
        self.program = program
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, preexec_fn=prepare, pass_fds=pass_fds)
        self.lines = []
        self._port = None
        self.raw = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.log_file = log_file
        if ready:
            try:
                self.wait_for_log("listening")
            except BaseException:
                self.end()
                raise

    def _read(self):
        for line in self.process.stderr:
            self.raw.append(line.decode("utf-8", "replace"))
            with contextlib.suppress(ValueError):
                self.lines.append(json.loads(line))

    def log_lines(self):
        if self.log_file is None:
            return list(self.lines)
        found = []
        with contextlib.suppress(FileNotFoundError), open(self.log_file, encoding="utf-8", errors="replace") as file:
            for line in file:
                with contextlib.suppress(ValueError):
                    found.append(json.loads(line))
        return found

    def wait_for_log(self, message, count=1, seconds=PATIENCE):
        """The first `count` lines with this message."""
        def found():
            lines = [line for line in self.log_lines() if line.get("msg", line.get("message")) == message]
            if len(lines) < count and self.process.poll() is not None:
                self._reader.join(5)
                lines = [line for line in self.log_lines() if line.get("msg", line.get("message")) == message]
                if len(lines) < count:
                    raise AssertionError(f"the server ended with {self.process.returncode}:\n" + "".join(self.raw))
            return lines if len(lines) >= count else None
        return wait_until(found, f'no log line "{message}"', seconds)

    @property
    def addresses(self):
        return [line["address"] for line in self.wait_for_log("listening")]

    @property
    def port(self):
        if self._port is None:
            self._port = int(self.addresses[0].rsplit(":", 1)[1])
        return self._port

    @port.setter
    def port(self, value):
        self._port = value

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, seconds=PATIENCE):
        """The exit status, and how long it took."""
        begin = time.monotonic()
        status = self.process.wait(seconds)
        self._reader.join(5)
        return status, time.monotonic() - begin

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        complaints = [line for line in self.raw if "Sanitizer" in line or "runtime error:" in line]
        if complaints:
            raise AssertionError("the server's sanitizers complained:\n" + "".join(self.raw[-200:]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    # --- requests ---

    def connect(self, timeout=PATIENCE):
        return Connection(socket.create_connection(("127.0.0.1", self.port), timeout=timeout))

    def get(self, path, **options):
        with self.connect() as connection:
            return connection.request("GET", path, **options)

    def post(self, path, body=b"", **options):
        with self.connect() as connection:
            return connection.request("POST", path, body=body, **options)

    def metric(self, name):
        """The sum of a metric's samples."""
        text = self.get("/actuator/prometheus").body.decode()
        found = re.findall(rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
        if not found:
            raise AssertionError(f"there is no metric {name}")
        return sum(float(value) for value in found)

    # --- the process ---

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def pss(self, kind="Pss"):
        """Bytes of memory that are this process's, shared pages by share; "Pss_Anon": without mapped files, whose
        share depends on who else has the same libraries open."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith(kind + ":"):
                    return int(line.split()[1]) * 1024
        raise AssertionError(f"smaps_rollup without {kind}")


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:200]!r}"


class Closed(Exception):
    """The connection ended where an answer should have been."""


class Connection:
    """An HTTP/1.1 client that does nothing by itself."""

    def __init__(self, sock):
        self.socket = sock
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_request(self, method, path, headers=None, body=b""):
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def request(self, method, path, headers=None, body=b""):
        self.send_request(method, path, headers, body)
        return self.answer(method)

    def _more(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise Closed(f"the server closed; so far {self.buffer[:200]!r}")
        self.buffer += data

    def head(self):
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
        return int(lines[0].split(" ")[1]), headers

    def answer(self, method="GET"):
        status, headers = self.head()
        while status == 100:
            status, headers = self.head()
        body = b""
        if method == "HEAD" or status in (204, 304):
            pass
        elif headers.get("transfer-encoding") == "chunked":
            while True:
                while b"\r\n" not in self.buffer:
                    self._more()
                size, self.buffer = self.buffer.split(b"\r\n", 1)
                length = int(size.split(b";")[0], 16)
                while len(self.buffer) < length + 2:
                    self._more()
                body += self.buffer[:length]
                self.buffer = self.buffer[length + 2:]
                if length == 0:
                    break
        else:
            length = int(headers.get("content-length", "0"))
            while len(self.buffer) < length:
                self._more()
            body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(status, headers, body)

    def is_closed(self, seconds=PATIENCE):
        """Waits for the server to close; False if it sends something or lets the time pass."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except (socket.timeout, TimeoutError):
            return False


def skip_if_sanitized(reason):
    return unittest.skipIf(SANITIZED, f"under a sanitizer: {reason}")


def scratch_folder():
    return tempfile.TemporaryDirectory(prefix="weir-process-")


def main():
    # Clients that are left open on purpose are the garbage collector's.
    unittest.main(verbosity=2, warnings="ignore")


