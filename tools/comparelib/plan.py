"""What a run will do and how long that takes: rounds and their length by scenario, the estimate, the progress line."""
import time

from . import bars, figures, peers, scenarios

STARTS = 5
# Seconds until it listens; and, for what compiles while it runs, what its speed usually takes to settle (warmup.py).
START = {"maven": 5.0, "npm": 0.8}
WARM_UP = {"maven": 50, "npm": 12}
BETWEEN = 0.4  # before a round the others come to rest


def rounds(scenario, options):
    return options.rounds or (STARTS if scenario.load == "start" else scenario.rounds)


def seconds(scenario, options):
    return options.seconds or scenario.seconds


def open_rounds(options):
    """Rounds at each fixed rate."""
    return 3 if options.quick else 5


def open_seconds(scenario, options):
    """Their length: a hundredth of the requests decides on P99, so there have to be more of them."""
    return 2 * seconds(scenario, options)


def in_turns(items, number):
    """The order of a round: every second one goes backwards, so that nobody has always the same place in it or always the same one
    before it, and what drifts in one direction does so for and against everybody."""
    return list(items) if number % 2 == 0 else list(items)[::-1]


def tool(name):
    return peers.PEERS[name].tool if name in peers.PEERS else ""


def compiles_itself(name):
    """Whether its runtime makes it faster while it runs."""
    return tool(name) in WARM_UP


def warm_up(name, options):
    """The estimate of the load before its first round."""
    return max(options.warm_up, WARM_UP.get(tool(name), 0))


def at_fixed_rates(name, options):
    """Whether a peer is asked at fixed rates; --quick leaves Weir's variants out of them."""
    return not options.no_rate and not (options.quick and name in peers.PEERS and peers.PEERS[name].kind == "variant")


def fixed_rates(name):
    """Half of its own maximum, the one for all; and beside the article's three Weir has a turn at theirs."""
    return 3 if name in bars.AGAINST else 2


def takes_part(name, scenario, options):
    peer = peers.PEERS.get(name)
    if peer is None:  # --url
        return scenario.load != "start" and (not scenario.need or bool(options.only))
    if peer.only and scenario.name not in peer.only:
        return False
    if scenario.need and not getattr(peer, scenario.need):
        return False
    # The latest releases stand beside the pinned ones where it is decided; elsewhere these are enough.
    return options.peers is not None or not peer.latest or scenario.main


def cell_seconds(name, scenario, options):
    """The estimate of one cell."""
    start = START.get(tool(name), 0.3) + scenario.routes * 14e-6
    if scenario.load == "start":
        return rounds(scenario, options) * (start + 1.4)
    whole = start + warm_up(name, options) + 0.6 + rounds(scenario, options) * (seconds(scenario, options) + BETWEEN)
    if scenario.chain == "production":
        whole += 2.5  # until the log's buffers were flushed, before and after
    if scenario.hold:
        whole += 4 + rounds(scenario, options)
    if scenario.open_loop and at_fixed_rates(name, options):
        whole += open_rounds(options) * fixed_rates(name) * (open_seconds(scenario, options) + 0.2 + BETWEEN)
    return whole


LOG_BYTES, LOG_RATE = 300, 60_000  # of a line; of a peer in a second, on average of those that are here


def log_bytes(chosen, names, options):
    """What the logs of the production chain come to, all of which are there until the scenario is over."""
    most = 0
    for scenario in chosen:
        loaded = rounds(scenario, options) * seconds(scenario, options) + options.warm_up
        if scenario.open_loop and not options.no_rate:
            loaded += open_rounds(options) * open_seconds(scenario, options)  # at two rates of about half
        taking = sum(takes_part(name, scenario, options) for name in names)
        most = max(most, taking * loaded * LOG_RATE * LOG_BYTES if scenario.chain == "production" else 0)
    return most


def scenario_seconds(scenario, names, options):
    return sum(cell_seconds(name, scenario, options) for name in names
               if takes_part(name, scenario, options) and name not in options.unbuilt)


def estimate(chosen, names, options):
    return sum(scenario_seconds(scenario, names, options) for scenario in chosen)


def chosen_scenarios(options):
    names = options.only or [name for name, scenario in scenarios.SCENARIOS.items() if scenario.quick or not options.quick]
    return [scenarios.SCENARIOS[name] for name in names]


def text(chosen, names, options):
    """The plan, for people."""
    lines = []
    for scenario in chosen:
        taking = [name for name in names if takes_part(name, scenario, options)]
        if not taking:
            continue
        what = (f"{rounds(scenario, options)} starts" if scenario.load == "start" else
                f"{rounds(scenario, options)} rounds of {seconds(scenario, options)} s")
        if scenario.open_loop and not options.no_rate:
            what += f" and {open_rounds(options)} of {open_seconds(scenario, options)} s at each fixed rate"
        lines.append(f"  {scenario.name:<12} {what}, {figures.human_time(scenario_seconds(scenario, taking, options))}: {', '.join(taking)}")
    return "\n".join(lines) + f"\n  all together: about {figures.human_time(estimate(chosen, names, options))}"


class Progress:
    """Says what runs and how long it will still take. The estimate of what is left follows how long the scenarios so far took."""

    def __init__(self, chosen, names, options, say, now=time.monotonic):
        self.planned = {scenario.name: scenario_seconds(scenario, names, options) for scenario in chosen}
        self.total = sum(self.planned.values())
        self.say, self.now, self.started = say, now, now()
        self.done = 0.0  # planned seconds of the scenarios that are over
        self.current, self.since = 0.0, self.started

    def begin(self, scenario):
        self.current, self.since = self.planned.get(scenario, 0.0), self.now()

    def end(self, scenario):
        self.done += self.planned.pop(scenario, 0.0)
        self.current, self.since = 0.0, self.now()

    def left(self):
        spent = self.since - self.started  # by the scenarios that are over
        pace = spent / self.done if self.done >= 30 else 1.0
        later = self.total - self.done - self.current
        return pace * later + max(0.0, pace * self.current - (self.now() - self.since))

    def __call__(self, text):
        self.say(f"[{figures.human_time(self.now() - self.started)}, about {figures.human_time(self.left())} to go] {text}")
