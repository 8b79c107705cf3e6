"""Whether a peer answers rightly over HTTP/2 in the clear, by nghttp, before anything is measured."""
import json
import shutil
import subprocess

from benchlib import machine

from . import check


def verify(running, scenario):
    if not shutil.which("nghttp"):
        raise machine.Missing("nghttp is not installed (Debian: nghttp2-client)")
    for expected in scenario.checks:
        asked = f"GET {expected.request.path} over HTTP/2"
        try:
            done = subprocess.run(["nghttp", running.url(expected.request.path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, errors="replace", timeout=10, check=False)
        except subprocess.TimeoutExpired as error:
            raise OSError(f"{asked} is not answered") from error
        try:
            value = json.loads(done.stdout)
        except ValueError as error:
            raise check.Wrong(f"{asked}: {(done.stdout or done.stderr).strip()[:120]!r}") from error
        if value != expected.json:
            raise check.Wrong(f"{asked}: {done.stdout[:200]!r}")
