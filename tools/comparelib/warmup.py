"""What comes before a round. A runtime that compiles while it runs answers more and more for a while: it is loaded in windows until it
has stopped getting faster, so that nobody is measured cold. And the others have to be done with their own turn."""
import time

from benchlib import machine

WINDOW_S = 3
LIMIT_S = 120  # a JVM on one core takes some 45 s for JSON, from 1,200 to 32,000 requests a second; 80 s for the production chain
LAST, GAIN = 3, 0.05
STEP_S, QUIET_S = 0.1, 0.015  # at most one tick of the clock by which CPU time is counted


def settled(rates):
    """Whether the last three windows brought no more than 5 % over the best one before them: a JVM stands still for two of them
    and then jumps. Throughput that sways without growing has settled, too."""
    return len(rates) > LAST and max(rates[-LAST:]) <= (1 + GAIN) * max(rates[:-LAST])


def until_quiet(servers, patience=10.0, now=time.monotonic, sleep=time.sleep):
    """Waits until servers have nothing more to do: a JVM compiles and a collector sweeps for seconds after
    its last request, on the core where the next one is measured. Gives whether they came to rest in time."""
    until, servers = now() + patience, list(servers)
    while now() < until:
        before = [_worked(running) for running in servers]
        sleep(STEP_S)
        if sum(_worked(running) for running in servers) - sum(before) <= QUIET_S:
            return True
    return False


def _worked(running):
    try:
        return machine.tree_cpu_seconds(running.pid) if running.pid else 0.0
    except OSError:  # it has ended
        return 0.0


def run(load, at_least):
    """Calls load(seconds), which gives requests a second or None where it failed, until they have settled. Gives (the seconds of
    load, whether they settled); the second is None after a failure."""
    rates, spent = [], 0
    while spent < at_least or (not settled(rates) and spent < LIMIT_S):
        rate = load(WINDOW_S)
        if rate is None:
            return spent, None
        rates.append(rate)
        spent += WINDOW_S
    return spent, settled(rates)
