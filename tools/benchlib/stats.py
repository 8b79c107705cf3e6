"""Figures from rounds: medians, spreads, ratios and what they mean against a bar. No I/O here."""
import statistics


def summary(values):
    """Median and spread of the rounds of one measurement."""
    values = list(values)
    if not values:
        raise ValueError("no rounds")
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "rounds": values}


def ratios(subject, base):
    """The summary of subject/base, round by round: what disturbs both rounds of a pair cancels out."""
    subject, base = list(subject), list(base)
    if len(subject) != len(base):
        raise ValueError(f"{len(subject)} rounds beside {len(base)}")
    if any(value <= 0 for value in base):
        raise ValueError("a round of the base measured nothing")
    return summary(a / b for a, b in zip(subject, base))


def verdict(value, at_most=None, at_least=None):
    """PASS or MISS against a bar; an empty string where there is none."""
    if at_most is None and at_least is None:
        return ""
    if at_most is not None and value > at_most:
        return "MISS"
    if at_least is not None and value < at_least:
        return "MISS"
    return "PASS"


def si(value, digits=3):
    """12345678 -> 12.3M; small and fractional values keep their digits."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.{digits}g}{unit}" if abs(value) < 1000 * limit else f"{value / limit:.0f}{unit}"
    return f"{value:.{digits}g}"


def table(rows, heads):
    """Text columns, the first to the left and the others to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(heads)] + rows) for i in range(len(heads))]
    lines = []
    for row in [list(heads)] + rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)
