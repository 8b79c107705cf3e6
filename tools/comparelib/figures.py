"""The lab's arithmetic: percentiles, slopes, what is noise and who won. No I/O here."""
import math
import statistics

# A cell whose rounds differ by more than this share of their median says nothing about small differences.
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
    """Why the rounds of a cell are not to be trusted; an empty text where they are."""
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


def in_the_way(cells, noisy, shaken, lower_is_better=True):
    """Who of the noisy of {name: rounds} could change who is best; what is far behind in all of its rounds cannot. Those that
    are only `noisy` differ from round to round; `shaken` ones were disturbed by something else."""
    cells = {name: list(rounds) for name, rounds in cells.items() if rounds}
    if not cells:
        return []
    sign = 1 if lower_is_better else -1
    best = min(cells, key=lambda name: sign * statistics.median(cells[name]))
    if best in shaken:
        return [best]

    def reach(name):  # the best round of another, the worst of the best
        return min(cells[name]) / max(cells[best]) if lower_is_better else min(cells[best]) / max(cells[name])
    others = [name for name in cells if name != best]
    found = [name for name in others if (name in shaken and reach(name) < 1.5) or (name in noisy and reach(name) < 1)]
    if best in noisy and any(reach(name) < 1 for name in others):
        found.insert(0, best)
    return found


def winner(cells, lower_is_better=True):
    """Who of {name: rounds} is best, judged round by round: (name, sentence). The name is None where nobody is ahead
    beyond the noise: the best must beat the second in all rounds but one of five."""
    cells = {name: list(rounds) for name, rounds in cells.items() if rounds}
    if not cells:
        return None, "nothing was measured"
    order = sorted(cells, key=lambda name: statistics.median(cells[name]), reverse=not lower_is_better)
    if len(order) == 1:
        return None, "there is nobody to compare with"
    best, second = order[0], order[1]
    pairs = list(zip(cells[best], cells[second]))
    if len(pairs) < 3:
        return None, f"{len(pairs)} rounds are too few to name a winner"
    won = sum((a < b) if lower_is_better else (a > b) for a, b in pairs)
    if won < len(pairs) - len(pairs) // 5:
        return None, f"{best} and {second} cannot be told apart: {best} is ahead in {won} of {len(pairs)} rounds"
    ratio = statistics.median(cells[best]) / statistics.median(cells[second])
    return best, f"{best} is ahead of {second}: {ratio:.2f} x in the median, {won} of {len(pairs)} rounds"


def ratio(subject, base):
    """The median and the extremes of subject/base, round by round."""
    pairs = [a / b for a, b in zip(subject, base) if b > 0]
    if not pairs:
        raise ValueError("no pairs of rounds")
    return {"median": statistics.median(pairs), "min": min(pairs), "max": max(pairs)}


SAME = 0.01  # less is no change worth a word


def change(before, after):
    """Whether what is compared (less is better) got better: ("faster", "slower" or "undecided", sentence). Decided by pairs of
    rounds: all of them but one of five must agree."""
    pairs = [b / a for a, b in zip(before, after) if a > 0]
    if not pairs:
        return "undecided", "nothing was measured"
    middle = statistics.median(pairs)
    text = f"{middle - 1:+.1%} in the median, rounds {min(pairs) - 1:+.1%} to {max(pairs) - 1:+.1%}"
    if len(pairs) < 3:
        return "undecided", f"{text}; {len(pairs)} rounds are too few"
    least = len(pairs) - len(pairs) // 5
    for word, agree in (("faster", sum(pair < 1 for pair in pairs)), ("slower", sum(pair > 1 for pair in pairs))):
        if agree >= least and abs(middle - 1) >= SAME:
            return word, text
    return "undecided", text


# Student's t for 97.5 % by degrees of freedom; in between, the next smaller one is taken (a wider interval).
_T975 = ((1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (6, 2.447), (7, 2.365), (8, 2.306), (9, 2.262), (10, 2.228),
         (12, 2.179), (15, 2.131), (20, 2.086), (30, 2.042), (60, 2.0), (120, 1.98), (10**9, 1.96))


def t975(freedom):
    if freedom < 1:
        return math.inf
    return max((row for row in _T975 if row[0] <= freedom), key=lambda row: row[0])[1]


def common_slope(segments):
    """Least squares of one slope through several runs of points, each with a level of its own (a server that was started
    again begins anew): (slope, half the width of its 95 % interval). The width is infinite where it cannot be told."""
    over = along = total = 0.0
    count, used = 0, 0
    for points in segments:
        if len(points) < 2:
            continue
        mean_x = statistics.fmean(x for x, _ in points)
        mean_y = statistics.fmean(y for _, y in points)
        over += sum((x - mean_x) ** 2 for x, _ in points)
        along += sum((x - mean_x) * (y - mean_y) for x, y in points)
        total += sum((y - mean_y) ** 2 for _, y in points)
        count, used = count + len(points), used + 1
    if over == 0:
        return 0.0, math.inf
    steep = along / over
    freedom = count - used - 1
    if freedom < 1:
        return steep, math.inf
    return steep, t975(freedom) * math.sqrt(max(0.0, total - steep * along) / freedom / over)


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
