"""The lab's arithmetic: percentiles, slopes, what is noise and who won. No I/O here."""
import math
import statistics

# Rounds that differ by more than this share of their median are told.
NOISY_SPREAD = 0.25
# Somebody else's share of the server's core.
NOISY_FOREIGN = 0.15


def percentile(values, share):
    """The nearest-rank percentile: the smallest value that at least `share` (0 to 1) of the values do not exceed."""
    if not values:
        raise ValueError("no values")
    if not 0 <= share <= 1:
        raise ValueError("a share is between 0 and 1")
    values = sorted(values)
    return values[max(0, math.ceil(share * len(values)) - 1)]


def percentile_of_counts(counts, share):
    """The same of a histogram: [(value, how many)] in ascending order."""
    total = sum(count for _, count in counts)
    if total == 0:
        raise ValueError("no values")
    wanted, seen = max(1, math.ceil(share * total)), 0
    for value, count in counts:
        seen += count
        if seen >= wanted:
            return value
    return counts[-1][0]


def spread(values):
    """Half the distance between the extremes, as a share of the median: 0.1 reads as ±10 %."""
    values = list(values)
    middle = statistics.median(values)
    return (max(values) - min(values)) / 2 / middle if middle else 0.0


def noise(values, foreign=()):
    """What stands beside a cell's own figures where its rounds differ or something disturbed them; an empty text where all is well.
    Rounds that differ are no reason to doubt a comparison, which is of pairs of rounds."""
    values = list(values)
    reasons = []
    if len(values) < 2:
        reasons.append("one round only")
    elif spread(values) > NOISY_SPREAD:
        reasons.append(f"rounds differ by ±{spread(values):.0%}")
    if foreign and statistics.median(foreign) > NOISY_FOREIGN:
        reasons.append(f"something else took {statistics.median(foreign):.0%} of the server's core")
    return "; ".join(reasons)


def disturbed(foreign):
    """Whether something else took so much of the server's core that no figure of the cell is to be trusted."""
    return bool(foreign) and statistics.median(foreign) > NOISY_FOREIGN


# Student's t for 97.5 % by degrees of freedom; in between, the next smaller one is taken (a wider interval).
_T975 = ((1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (6, 2.447), (7, 2.365), (8, 2.306), (9, 2.262), (10, 2.228),
         (12, 2.179), (15, 2.131), (20, 2.086), (30, 2.042), (60, 2.0), (120, 1.98), (10**9, 1.96))


def t975(freedom):
    if freedom < 1:
        return math.inf
    return max((row for row in _T975 if row[0] <= freedom), key=lambda row: row[0])[1]


SAME = 0.01  # less is no difference worth a word
LEAST_ROUNDS = 3
# What disturbs cells from outside may change their ratio by this much: with somebody else on 45 % of the core, that of two peers
# was seen to change by 1.44.
SHAKEN = 2.0


def paired(subject, base):
    """What subject is of base, round by round, so that what slows both rounds of a pair down cancels out: the median, the 95 % interval
    (Student's t of the logarithms), in how many of the pairs it is below 1."""
    pairs = [a / b for a, b in zip(subject, base) if a > 0 and b > 0]
    if not pairs:
        raise ValueError("no pairs of rounds")
    logs = [math.log(pair) for pair in pairs]
    half = t975(len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else math.inf
    low, high = (math.exp(statistics.fmean(logs) + way * half) for way in (-1, 1))
    return {"ratio": statistics.median(pairs), "low": low, "high": high, "below": sum(pair < 1 for pair in pairs), "rounds": len(pairs)}


def is_below(pair, margin=0.0):
    """Whether a pair shows that the subject needs less than the base: the whole interval says so, and it is more than nothing."""
    return pair["rounds"] >= LEAST_ROUNDS and pair["high"] < 1 - margin and pair["ratio"] <= 1 - SAME


def interval(pair):
    return f"{pair['ratio']:.2f} x, 95 % interval {pair['low']:.2f}–{pair['high']:.2f}"


def factor(subject, base):
    """What subject is of base, for a table: "2.03 x (1.99–2.08)"."""
    pair = paired(subject, base)
    return f"{pair['ratio']:.2f} x" + (f" ({pair['low']:.2f}–{pair['high']:.2f})" if pair["rounds"] >= LEAST_ROUNDS else "")


RULE = ("A peer is named as ahead only where the rounds show that it needs less than each of the others: the whole 95 % interval of the ratio, taken round by "
        f"round, is below 1 (Student's t of the logarithms, at least {LEAST_ROUNDS} rounds), and the median by {SAME:.0%} at least. What slows the machine down for "
        "minutes meets both of a pair, and cancels out. This is about the rounds of this run: another start of the servers, or another machine, may shift it.")



def _best(cells):
    """Who of {name: rounds} needs least over the rounds that all have. By the mean of the logarithms, whose differences are what
    paired() takes intervals of."""
    rounds = min(len(values) for values in cells.values())
    return min(cells, key=lambda name: statistics.fmean(math.log(value) for value in cells[name][:rounds]))


def in_the_way(cells, shaken):
    """Who of the `shaken`, whose figures something from outside has changed, could change who of {name: rounds} needs least: those
    that are not far apart, the best and any of the others."""
    cells = {name: list(rounds) for name, rounds in cells.items() if rounds}
    if not cells:
        return []
    best = _best(cells)
    near = [name for name in cells if name != best and min(cells[name]) < SHAKEN * max(cells[best])]
    return [name for name in [best, *near] if name in shaken and near]


def winner(cells, margin=0.0):
    """Who of {name: rounds} needs least: (name, sentence). The name is None where the rounds do not show it: against each of the
    others the whole interval of the best one's paired() must be below 1 (by `margin`, where something is known to be wrong with the pairs)."""
    cells = {name: list(rounds) for name, rounds in cells.items() if rounds}
    if not cells:
        return None, "nothing was measured"
    if len(cells) == 1:
        return None, "there is nobody to compare with"
    best = _best(cells)
    pairs = {name: paired(cells[best], cells[name]) for name in cells if name != best}
    nearest = max(pairs, key=lambda name: pairs[name]["ratio"])
    if pairs[nearest]["rounds"] < LEAST_ROUNDS:
        return None, f"{pairs[nearest]['rounds']} rounds are too few to name a winner"
    level = sorted((name for name in pairs if not is_below(pairs[name], margin)), key=lambda name: -pairs[name]["ratio"])
    if level:
        others = ", ".join(level[1:])
        return None, (f"{best} and {level[0]} cannot be told apart: {interval(pairs[level[0]])}" + (f" where below {1 - margin:.2f} would count" if margin else "")
                      + (f"; nor can {others}" if others else ""))
    of = pairs[nearest]
    return best, f"{best} is ahead of {nearest}: {interval(of)}; in {of['below']} of {of['rounds']} rounds"


def change(before, after):
    """Whether what is compared (less is better) got better: ("faster", "slower" or "undecided", sentence)."""
    if not any(a > 0 and b > 0 for a, b in zip(after, before)):
        return "undecided", "nothing was measured"
    pair = paired(after, before)
    text = f"{pair['ratio'] - 1:+.1%} in the median of {pair['rounds']} rounds"
    if pair["rounds"] < LEAST_ROUNDS:
        return "undecided", f"{text}, which are too few"
    text += f", 95 % interval {pair['low'] - 1:+.1%} to {pair['high'] - 1:+.1%}"
    return "faster" if is_below(pair) else "slower" if is_below(paired(before, after)) else "undecided", text


def common_slope(segments):
    """Least squares of one slope through several runs of points, each with a level of its own (a server that was started
    again begins anew): (slope, half the width of its 95 % interval). The width is infinite where it cannot be told.

    Samples of memory hang together: a heap that is large now is large a minute later. So they count as fewer, n (1 - r) / (1 + r), by
    the correlation r of each deviation with the one after it (Santer et al. 2000, with Kendall's correction of the bias of r)."""
    over = along = 0.0
    centred = []
    for points in segments:
        if len(points) < 2:
            continue
        mean_x, mean_y = (statistics.fmean(point[axis] for point in points) for axis in (0, 1))
        centred.append([(x - mean_x, y - mean_y) for x, y in points])
        over += sum(x * x for x, _ in centred[-1])
        along += sum(x * y for x, y in centred[-1])
    if over == 0:
        return 0.0, math.inf
    steep = along / over
    left = [[y - steep * x for x, y in points] for points in centred]
    count, squares = sum(map(len, left)), sum(value * value for values in left for value in values)
    if squares <= 1e-20 * sum(y * y for points in centred for _, y in points):  # a line, but for the arithmetic
        squares, together = 0.0, 0.0
    else:
        together = sum(now * later for values in left for now, later in zip(values, values[1:])) / squares
        together = min(1.0, max(0.0, together + (1 + 4 * together) / count))
    freedom = count * (1 - together) / (1 + together) - len(left) - 1
    if freedom < 1:
        return steep, math.inf
    return steep, t975(freedom) * math.sqrt(squares / freedom / over)


def duration(text):
    """Seconds of "90", "90s", "15m", "2h", "72h", "3d"."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = (text[:-1], units[text[-1]]) if text and text[-1] in units else (text, 1)
    seconds = float(number) * unit
    if not 0 < seconds < math.inf:
        raise ValueError("a duration is above 0")
    return seconds


def human_time(seconds):
    """75 -> "1 min 15 s"."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min" + (f" {seconds % 60} s" if seconds % 60 else "")
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def human_bytes(value):
    for unit in ("B", "KB", "MB"):
        if abs(value) < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"
