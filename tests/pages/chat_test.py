#!/usr/bin/env python3
"""The page of weir-chat in two tabs of a headless Chromium: they talk to each other, and come back when the server does.

  chat_test.py PATH/weir-chat FOLDER-FOR-SCREENSHOTS"""
import os
import signal
import subprocess
import sys
import tempfile

import browser


def start(program, folder, port=0):
    process = subprocess.Popen([program, "--port", str(port), "--log-file", os.path.join(folder, "log"), "--drain-timeout", "5"],
                               stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("Open"):
            return process, line.split()[1].rstrip("/")
    raise SystemExit(f"{program} did not start: status {process.wait()}")


def enter(page, url, name):
    page.open(url + "/", 600, 700)
    page.type("#name", name)
    page.click("#enter button")
    page.wait("document.querySelector('#state').textContent === 'in lobby'", f"{name} does not get in")


def say(page, text):
    page.type("#text", text)
    page.click("#say button")


def hears(page, name, text):
    page.wait(f"[...document.querySelectorAll('#lines .said')].some((e) => e.textContent === {name + text!r})",
              f"what {name} said does not arrive")


def main():
    program, shots = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="weir-chat-") as folder, browser.page() as ada:
        process, url = start(program, folder)
        try:
            grace = ada.another_tab()
            enter(ada, url, "Ada")
            enter(grace, url, "Grace")
            ada.wait("[...document.querySelectorAll('#lines .came')].some((e) => e.textContent === 'Gracecame in')",
                     "nobody says that Grace came in")
            say(ada, "Hello, <b>Grace</b>!")
            hears(grace, "Ada", "Hello, <b>Grace</b>!")
            say(grace, "Guten Tag – Ada")
            hears(ada, "Grace", "Guten Tag – Ada")
            hears(grace, "Grace", "Guten Tag – Ada")
            if grace.evaluate("document.querySelector('#lines b')") is not None:
                raise browser.Failed("the text is not shown as text")
            grace.screenshot(f"{shots}/chat.png")
            grace.fits()
            for page in (ada, grace):
                if page.problems:
                    raise browser.Failed("the console says: " + "; ".join(page.problems))

            # The server says good-bye (1001) and ends although both are connected; they come back to the next one.
            process.send_signal(signal.SIGTERM)
            if process.wait(timeout=20) != 0:
                raise browser.Failed(f"the server ended with status {process.returncode}")
            with open(os.path.join(folder, "log"), encoding="utf-8") as log:
                if "the drain timed out" in log.read():
                    raise browser.Failed("the drain cut the connections")
            for page in (ada, grace):
                page.wait("document.querySelector('#state').textContent.match(/not connected|connecting/)", "the page does not notice")
            process, url = start(program, folder, int(url.rsplit(":", 1)[1]))
            for page in (ada, grace):
                page.wait("document.querySelector('#state').textContent === 'in lobby'", "the page does not come back")
            say(ada, "Back again")
            hears(grace, "Ada", "Back again")
        except browser.Failed:
            ada.screenshot(f"{shots}/chat-failed.png")
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
    return 0


if __name__ == "__main__":
    sys.exit(main())
