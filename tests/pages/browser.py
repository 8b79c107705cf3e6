"""Headless Chromium by its DevTools protocol over a pair of pipes: no packages, no port."""
import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"]
TIMEOUT_S = 60


class Failed(Exception):
    """Something on the page is not as it should be."""


class Page:
    """One tab. `problems` collects what the console says: exceptions, errors, refusals by the security policy."""

    def __init__(self, to_browser, from_browser, first=None):
        self._out = to_browser
        self._in = from_browser
        # The tabs share the pipes: what is read, the numbers of commands, and who is meant by a session.
        self._shared = first._shared if first else {"buffer": b"", "next_id": 0, "tabs": {}}
        self._session = None
        self.problems = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._shared["tabs"][self._session] = self
        for domain in ("Page", "Runtime", "Log", "DOM"):
            self.call(f"{domain}.enable")

    def another_tab(self):
        """A second tab of the same browser. One thread uses them all."""
        return Page(self._out, self._in, self)

    def call(self, method, **parameters):
        """One command of the protocol and its result."""
        self._shared["next_id"] += 1
        number = self._shared["next_id"]
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        limit = time.monotonic() + TIMEOUT_S
        while True:
            answer = self._receive(limit)
            if answer.get("id") == number:
                if "error" in answer:
                    raise Failed(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _receive(self, limit):
        shared = self._shared
        while b"\0" not in shared["buffer"]:
            readable, _, _ = select.select([self._in], [], [], max(0, limit - time.monotonic()))
            piece = os.read(self._in, 1 << 20) if readable else b""
            if not piece:
                raise Failed("the browser does not answer")
            shared["buffer"] += piece
        text, shared["buffer"] = shared["buffer"].split(b"\0", 1)
        message = json.loads(text)
        shared["tabs"].get(message.get("sessionId"), self)._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method, about):
        if method == "Runtime.exceptionThrown":
            details = about["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and about["type"] in ("error", "assert"):
            self.problems.append(" ".join(str(a.get("value", a.get("description"))) for a in about["args"]))
        elif method == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.problems.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")

    def open(self, url, width, height):
        phone = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'", f"{url} does not load")

    def evaluate(self, script):
        """The value of a JavaScript expression; promises are awaited."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise Failed(f"{script}: {result['exceptionDetails'].get('exception', {}).get('description')}")
        return result["result"].get("value")

    def wait(self, script, otherwise, seconds=30):
        """Until the expression is true; its value."""
        limit = time.monotonic() + seconds
        while True:
            value = self.evaluate(script)
            if value:
                return value
            if time.monotonic() > limit:
                raise Failed(f"{otherwise} (never true: {script}); the console: {self.problems}")
            time.sleep(0.02)

    def type(self, selector, text):
        """Types into a field, as a person does."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=text)

    def click(self, selector):
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def choose_file(self, selector, path):
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[path])

    def screenshot(self, path):
        """The whole page, however long, as PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))
        print(f"screenshot: {path}")

    def fits(self):
        """Nothing sticks out to the right."""
        wide, there = self.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        if wide > there:
            raise Failed(f"the page is {wide} pixels wide, the window {there}")


def high_pipe():
    """A pipe with high numbers: the browser's ends become its descriptors 3 and 4, which must not close another one."""
    low = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in low]
    for end in low:
        os.close(end)
    return high


@contextlib.contextmanager
def page():
    """A tab of a browser with a profile of its own; ctest's "skipped" (77) where there is no Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        print("SKIPPED: there is no chromium; apt-get install chromium")
        raise SystemExit(77)
    commands_read, commands_write = high_pipe()
    answers_read, answers_write = high_pipe()

    def give():
        os.dup2(commands_read, 3)
        os.dup2(answers_write, 4)

    profile = tempfile.mkdtemp(prefix="weir-chromium-")
    process = subprocess.Popen([program, *FLAGS, f"--user-data-dir={profile}", "about:blank"], pass_fds=(3, 4), preexec_fn=give,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "HOME": profile})
    os.close(commands_read)
    os.close(answers_write)
    try:
        yield Page(commands_write, answers_read)
    finally:
        os.close(commands_write)  # the browser ends when nobody can tell it anything any more
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(answers_read)
        shutil.rmtree(profile, ignore_errors=True)
