#!/usr/bin/env python3
"""The page of weir-files in headless Chromium: an upload with its progress, paused, the service killed, gone on after a reload.

  files_test.py PATH/weir-files FOLDER-FOR-SCREENSHOTS"""
import os
import random
import signal
import subprocess
import sys
import tempfile
import urllib.request

import browser


def start(program, folder, port=0):
    process = subprocess.Popen(
        [program, "--port", str(port), "--directory", folder, "--log-file", os.path.join(folder, "log"), "--drain-timeout", "1"],
        stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("Open"):
            return process, line.split()[1].rstrip("/")
    raise SystemExit(f"{program} did not start: status {process.wait()}")


def main():
    program, shots = sys.argv[1:]
    data = random.Random(7).randbytes(6 << 20)
    with tempfile.TemporaryDirectory(prefix="weir-files-") as folder, browser.page() as page:
        local = os.path.join(folder, "holiday & sun.bin")
        with open(local, "wb") as file:
            file.write(data)
        process, url = start(program, folder)
        try:
            page.open(url + "/?piece=65536", 1000, 700)
            page.choose_file("#choose", local)
            page.wait("document.querySelector('progress')?.value > 0.1", "the progress does not show")
            page.click(".pause")
            page.wait("document.querySelector('.pause').textContent === 'Resume'", "it does not pause")
            page.screenshot(f"{shots}/files-paused.png")
            # The process dies, the page is loaded anew, the same file is chosen again.
            process.send_signal(signal.SIGKILL)
            process.communicate()
            process, url = start(program, folder, int(url.rsplit(":", 1)[1]))
            page.open(url + "/?piece=65536", 1000, 700)
            if page.evaluate("Object.keys(localStorage).length") != 1:
                raise browser.Failed("the page has forgotten the upload")
            page.evaluate("window.begun = []; const real = window.fetch; window.fetch = (place, how) => {"
                          " if (how?.method === 'PATCH') window.begun.push(Number(how.headers['Upload-Offset']));"
                          " return real(place, how); }; 0")
            page.choose_file("#choose", local)
            page.wait("document.querySelector('#files a')?.textContent === 'holiday & sun.bin'", "the file does not arrive")
            if not page.evaluate("window.begun[0] > 0"):
                raise browser.Failed("the upload began again from the start")
            page.wait("document.querySelector('.state').textContent === 'done'", "the page does not say that it is done")
            page.screenshot(f"{shots}/files-done.png")
            with urllib.request.urlopen(url + page.evaluate("document.querySelector('#files a').getAttribute('href')")) as answer:
                if answer.read() != data:
                    raise browser.Failed("the file is not what was sent")
            if page.problems:
                raise browser.Failed("the console says: " + "; ".join(page.problems))
            page.open(url + "/", 390, 844)
            page.wait("document.querySelector('#files a') !== null", "the files do not show on a phone")
            page.fits()
        except browser.Failed:
            page.screenshot(f"{shots}/files-failed.png")
            raise
        finally:
            process.kill()
            process.communicate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
