"""Load before the first round, until a peer is at its speed. A runtime that compiles while it runs answers more and more for a while:
it is loaded in windows until it has stopped getting faster, so that nobody is measured cold."""
WINDOW_S = 3
LIMIT_S = 60
GAIN = 0.05


def settled(rates):
    """Whether the last two windows brought no more than 5 % over the best one before them. Throughput that sways without
    growing has settled, too."""
    return len(rates) > 2 and max(rates[-2:]) <= (1 + GAIN) * max(rates[:-2])


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
