"""A server's memory while it is loaded, and what it wrote to its log."""
import os
import threading
import time

from benchlib import machine


class Watch:
    """Reads a process's Pss four times a second. `points`: [(monotonic seconds, bytes)]."""

    def __init__(self, pid, every=0.25):
        self.pid, self.every, self.points, self._stop = pid, every, [], threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        if self.pid:
            self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        if self.pid:
            self._thread.join()

    def _watch(self):
        while not self._stop.wait(self.every):
            try:
                self.points.append((time.monotonic(), machine.user_memory(self.pid)))
            except (OSError, RuntimeError):
                return

    @property
    def most(self):
        return max((pss for _, pss in self.points), default=0)


def lines_of(path, patience=1.5):
    """How many lines a log has, once its buffers were flushed."""
    time.sleep(patience)
    if not os.path.exists(path):
        return 0
    with open(path, "rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
