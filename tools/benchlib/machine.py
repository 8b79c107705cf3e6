"""The machine under the measurement: CPU time of a process and of the cores, memory, pinned processes that always end."""
import atexit
import ctypes
import os
import resource
import shutil
import signal
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))


def _threads_beside(core):
    """The processors of the kernel's count that are threads of the same core, itself among them."""
    try:
        with open(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list", encoding="ascii") as file:
            return numbers_of(file.read())
    except OSError:
        return {core}


def numbers_of(text):
    """"0,4-6" -> {0, 4, 5, 6}, as the kernel lists processors."""
    ranges = [part.partition("-") for part in text.strip().split(",") if part]
    return {number for low, _, high in ranges for number in range(int(low), int(high or low) + 1)}


def load_core(cores, beside):
    """Where the load runs: not on the server's core (the first), nor on a second thread of it where there is another."""
    others = [core for core in cores[1:] if core not in beside]
    return (others or cores[1:] or cores)[0]


SERVER_CORE = CORES[0]
LOAD_CORE = load_core(CORES, _threads_beside(SERVER_CORE))
# Why the load is in the server's way by itself; empty where it is not.
SHARED = ("there is one core for both, so that each takes the other's time" if LOAD_CORE == SERVER_CORE else
          "they run on two threads of one core, so that each slows the other down" if LOAD_CORE in _threads_beside(SERVER_CORE) else "")


class Missing(Exception):
    """A program or file that a row needs is not there; the row is reported as missing."""


def cpu_seconds(pid):
    """utime + stime of a process with all its threads, those that have ended too: its CPU clock (clock_getcpuclockid(3)), which counts
    what proc(5)'s stat shows rounded down to ticks of 10 ms each, too much for a round of a second."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return _cpu_seconds_in_ticks(pid)  # it has ended, or its clock may not be read: then stat says so or knows


def _cpu_seconds_in_ticks(pid):
    """The same from proc(5), fields 14 and 15 of stat."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def tree(pid):
    """A process and its children (nginx works in a child)."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        return [pid] + [below for child in children.read().split() for below in tree(int(child))]


def tree_cpu_seconds(pid):
    """cpu_seconds of a process and its children."""
    return sum(cpu_seconds(each) for each in tree(pid))


def core_times():
    """{core: (idle seconds, all seconds)} of the two cores in use."""
    times = {}
    with open("/proc/stat", encoding="ascii") as stat:
        for line in stat:
            name, *values = line.split()
            if name.startswith("cpu") and name[3:].isdigit():
                values = [int(value) for value in values[:8]]
                times[int(name[3:])] = ((values[3] + values[4]) / TICK, sum(values) / TICK)
    return times


def idle_share(before, after, core):
    """The share of time that a core had nothing to do between two readings of core_times()."""
    idle = after[core][0] - before[core][0]
    everything = after[core][1] - before[core][1]
    return idle / everything if everything > 0 else 0.0


def foreign_share(before, after, core, cpu, seconds):
    """The share of a core's time that somebody else than the server worked there, between two readings of core_times(): what the
    kernel booked as work (irq, softirq and steal too), less the server's `cpu` seconds. What it books as nobody's is no
    disturbance: with a server that is faster than its load, and so falls asleep and is woken up all the time, some percent of
    a core's time are neither idle nor anybody's."""
    worked = (after[core][1] - before[core][1]) - (after[core][0] - before[core][0])
    return max(0.0, (worked - cpu) / seconds)


def available_memory():
    """Bytes that can be taken without others losing theirs, within the limit of the process's control group (cgroup v2)."""
    with open("/proc/meminfo", encoding="ascii") as info:
        free = next(int(line.split()[1]) * 1024 for line in info if line.startswith("MemAvailable:"))
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as limit, open("/sys/fs/cgroup/memory.current", encoding="ascii") as used:
            return min(free, int(limit.read()) - int(used.read()))
    except (OSError, ValueError):  # no such limit, or "max"
        return free


def user_memory(pid):
    """Pss in bytes (proc(5), smaps_rollup): what the process would give back, shared pages in proportion."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        for line in rollup:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("no Pss in smaps_rollup")


def allow_many_files():
    """Raises the limit of open files as far as it goes, for this process and those it starts; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def open_files():
    """How many files a process may open here."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pinned(core, command):
    return ["taskset", "-c", str(core), *command] if len(CORES) > 1 and shutil.which("taskset") else list(command)


_running = []


def _end_all():
    for process in list(_running):
        end(process)


atexit.register(_end_all)


def _end_with_parent():
    """In the child: SIGTERM when this program is killed and can end nothing any more (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def start(command, **options):
    """Starts a process that ends when this program does, whatever happens."""
    if not shutil.which(command[0]):
        raise Missing(f"{os.path.basename(command[0])} is not there")
    # A session of its own: Ctrl-C reaches only this program, which then ends the others in order.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True,
                               preexec_fn=_end_with_parent, **options)
    _running.append(process)
    return process


def end(process, patience=5.0):
    """SIGTERM, then SIGKILL, to the process and to those that it started; returns the exit status."""
    if process.poll() is None:
        _signal_group(process, signal.SIGTERM)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            pass
        _signal_group(process, signal.SIGKILL)  # cargo goes at once, and its compilers would go on for minutes
        process.wait()
    if process in _running:
        _running.remove(process)
    return process.returncode


def _signal_group(process, number):
    """To the whole session of a process of start(). There may be nobody left in it."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def wait_for_port(process, port, patience=10.0, poll=0.02):
    """Until the server accepts on 127.0.0.1:port."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with status {process.returncode} before it listened")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(poll)
    raise RuntimeError(f"{process.args} does not listen on port {port}")
