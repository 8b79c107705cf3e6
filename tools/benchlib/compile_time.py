"""How long the hello program takes to compile: the command of the release preset, without ccache."""
import json
import os
import resource
import shlex
import subprocess
import time

from . import machine, stats

SOURCE = "examples/hello/main.cpp"
AT_MOST = 5.0


def command_of(entries, source):
    """The compiler's arguments for a source of compile_commands.json, writing nowhere and without a launcher."""
    for entry in entries:
        if entry["file"].endswith("/" + source):
            words = shlex.split(entry["command"])
            while words and os.path.basename(words[0]) in ("ccache", "sccache", "distcc"):
                words.pop(0)
            words[words.index("-o") + 1] = "/dev/null"
            return words, entry["directory"]
    raise machine.Missing(f"{source} is not in compile_commands.json")


def run(options):
    path = os.path.join(options.build, "compile_commands.json")
    if not os.path.exists(path):
        raise machine.Missing(f"{path} is not there")
    with open(path, encoding="utf-8") as file:
        command, folder = command_of(json.load(file), SOURCE)
    wall, cpu = [], []
    for number in range(max(3, min(options.rounds, 5))):
        options.progress(f"compiling {SOURCE}, round {number + 1}")
        usage, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(command, cwd=folder, check=True, env={**os.environ, "CCACHE_DISABLE": "1"}, stdin=subprocess.DEVNULL)
        wall.append(time.monotonic() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append(after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime)
    times = stats.summary(wall)
    return [{"row": "compile", "what": f"compiling {SOURCE}", "value": times["median"], "unit": "s",
             "spread": (times["min"], times["max"]), "at_most": AT_MOST,
             "detail": [f"CPU {stats.summary(cpu)['median']:.2f} s"]}]
