"""Where a server's CPU time for a request goes: the samples of perf, sorted into parts. No I/O here."""
import collections
import re

# What a server that answers one request with one receive and one send cannot leave out comes first.
DELIVERY = "kernel: the answer's way to the client (softirq)"
SEND = "kernel: sending"
RECEIVE = "kernel: receiving"
POLL = "kernel: waiting for sockets (epoll)"
ENTRY = "kernel: in and out of system calls"
SCHEDULE = "kernel: threads (futex, scheduler)"
FILES = "kernel: read() and write() themselves, files (the log)"
OTHER = "kernel: the rest (interrupts, page faults, …)"
OWN = "the program"
PARTS = (DELIVERY, SEND, RECEIVE, POLL, ENTRY, SCHEDULE, FILES, OTHER, OWN)

_SOFTIRQ = frozenset(("net_rx_action", "__do_softirq", "handle_softirqs", "do_softirq", "process_backlog", "irq_exit_rcu", "__irq_exit_rcu"))
# The first that is found on the way from the system call inwards decides; sockets before what they share with files.
_CALLS = (
    (re.compile(r"^(__sys_send(to|msg|mmsg)|___?sys_sendmsg|sock_write_iter|tcp_sendmsg)"), SEND),
    (re.compile(r"^(__sys_recv(from|msg|mmsg)|___?sys_recvmsg|sock_read_iter|tcp_recvmsg)"), RECEIVE),
    (re.compile(r"^(do_epoll_|ep_poll|ep_send_events|__(x64|arm64)_sys_epoll_)"), POLL),
    (re.compile(r"^(do_futex|futex_|__(x64|arm64)_sys_(futex|nanosleep|clock_nanosleep|sched_yield))"), SCHEDULE),
    (re.compile(r"^(vfs_(write|writev|read)|ksys_(write|read|pwrite64))"), FILES),
    (re.compile(r"^(schedule|__schedule)$"), SCHEDULE),
)
_ENTRY = re.compile(r"^(entry_SYSCALL_|syscall_return_|syscall_exit_|do_syscall_64$|x64_sys_call$|el0t?_|srso_|retbleed_|entry_untrain_|__x64_sys_\w+$)")


def part_of(stack, in_kernel):
    """The part that a sample belongs to. `stack`: the kernel's functions, the innermost first."""
    if not in_kernel:
        return OWN
    if any(name in _SOFTIRQ for name in stack):
        return DELIVERY
    for pattern, part in _CALLS:
        if any(pattern.match(name) for name in stack):
            return part
    return ENTRY if stack and _ENTRY.match(stack[0]) else OTHER


_FRAME = re.compile(r"^\s*([0-9a-f]+)\s+(.*?)\s+\((.*)\)\s*$")


def samples(script):
    """(stack, in kernel) of each sample that `perf script -F ip,sym,dso` printed, the innermost function first and only those on
    its side of the system call: without frame pointers the callers in a program are made up."""
    stack = []
    for line in (*script.splitlines(), ""):
        frame = _FRAME.match(line)
        if frame:
            stack.append((frame[2], "[kernel" in frame[3] or frame[3].endswith(".ko")))
        elif stack:
            in_kernel = stack[0][1]
            yield [name for name, kernel in stack if kernel == in_kernel], in_kernel
            stack = []


def shares(script):
    """({part: share of the samples}, {function of the program: share}, how many samples)."""
    parts, functions, count = collections.Counter(), collections.Counter(), 0
    for stack, in_kernel in samples(script):
        count += 1
        parts[part_of(stack, in_kernel)] += 1
        if not in_kernel:
            functions[stack[0]] += 1
    if count == 0:
        raise ValueError("perf took no sample")
    return ({part: parts[part] / count for part in PARTS}, {name: times / count for name, times in functions.most_common()}, count)
