"""The machine and the versions that a report names."""
import os
import platform
import subprocess

from benchlib import machine as hardware

# Variables that tune a runtime. They reach the peers, so that `GOGC=400 ./dev compare` measures what it says, and stand in the report.
TUNING = ("GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG", "GOFLAGS", "GOAMD64", "TOKIO_WORKER_THREADS", "RUSTFLAGS", "NODE_OPTIONS", "UV_THREADPOOL_SIZE",
          "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "MALLOC_ARENA_MAX", "LD_PRELOAD", "CFLAGS", "CXXFLAGS")


def tuning(environment):
    """Those of the variables that are set, as they would be typed."""
    return " ".join(f"{name}={environment[name]}" for name in TUNING if environment.get(name))


def _first(path, key):
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith(key):
                    return line.partition(":")[2].strip().strip('"') or line.partition("=")[2].strip().strip('"')
    except OSError:
        pass
    return ""


def _version(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    text = (done.stdout or done.stderr).strip()
    return text.splitlines()[0][:80] if text else ""


def machine():
    return {
        "processor": _first("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "shared": hardware.SHARED,
        "environment": tuning(os.environ),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": _first("/etc/os-release", "PRETTY_NAME"),
        "kernel": platform.release(),
        "wrk": _version("wrk", "-v"),
        "compiler": _version("g++", "--version"),
    }
