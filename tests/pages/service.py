"""weir-demo on a port of its own, with a fresh database."""
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request


class Service:
    def __init__(self, url):
        self.url = url

    def request(self, method, path, value=None):
        """The answer's body as JSON; urllib.error.HTTPError for a status of 400 and above."""
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def has(self, path):
        """Whether there is something at this path."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10):
                return True
        except urllib.error.HTTPError:
            return False


@contextlib.contextmanager
def running(program):
    with tempfile.TemporaryDirectory(prefix="weir-pages-") as folder:
        process = subprocess.Popen(
            [program, "--port", "0", "--database", os.path.join(folder, "demo.db"), "--log-file", os.path.join(folder, "log"),
             "--drain-timeout", "1"], stdout=subprocess.PIPE, text=True)
        try:
            url = None
            for line in process.stdout:
                if line.startswith("Open"):
                    url = line.split()[1].rstrip("/")
                    break
            if url is None:
                raise SystemExit(f"{program} did not start: status {process.wait()}")
            yield Service(url)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
