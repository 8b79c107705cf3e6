"""A server's memory while it is loaded, and what it wrote to its log."""
import functools
import os
import shutil
import subprocess
import tempfile
import threading
import time

from benchlib import machine


def of(pid):
    """Pss of a process and its children."""
    total = machine.user_memory(pid)
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            return total + sum(of(int(child)) for child in children.read().split())
    except OSError:
        return total


def deployed_bytes(command):
    """The size of what is deployed: the program without its debug information, or the archive or folder of a program that a
    runtime runs; without the runtime itself and what the system brings."""
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    total = 0
    for word in command:
        if word.startswith(here + os.sep) and os.path.isfile(word):
            total += _tree(os.path.dirname(word)) if word.endswith((".js", ".mjs", ".cjs")) else _stripped(word)
    return total or _stripped(shutil.which(command[0]) or command[0])


@functools.cache
def _stripped(path):
    """Of a program what strip(1) leaves; whoever deploys it would; of other files, and without strip, all."""
    with open(path, "rb") as file:
        program = file.read(4) == b"\x7fELF"
    if program and shutil.which("strip"):
        with tempfile.NamedTemporaryFile(prefix="weir-lab-") as room:
            if subprocess.run(["strip", "-o", room.name, path], capture_output=True, check=False).returncode == 0:
                return os.path.getsize(room.name)
    return os.path.getsize(path)


def _tree(folder):
    return sum(os.lstat(os.path.join(root, name)).st_size for root, _, names in os.walk(folder) for name in names)


class Watch:
    """Reads a process's Pss four times a second, less often where that takes the kernel long (large processes). `points`:
    [(monotonic seconds, bytes)]."""

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
        pause = self.every
        while not self._stop.wait(pause):
            began = time.monotonic()
            try:
                self.points.append((began, of(self.pid)))
                pause = max(self.every, 50 * (time.monotonic() - began))
            except (OSError, RuntimeError):
                return

    @property
    def most(self):
        return max((pss for _, pss in self.points), default=0)


PATIENCE = 1.5  # until the peers' log buffers were flushed


def lines_of(path, patience=PATIENCE):
    """How many lines a log has, once its buffers were flushed."""
    time.sleep(patience)
    if not os.path.exists(path):
        return 0
    with open(path, "rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
