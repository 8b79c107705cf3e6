"""SVG plots without a library: bars with spread, lines over time, the distribution of latency. Colours come from the page's CSS."""
import html
import math
import statistics

NAME, FIGURE, BAR = 190, 120, 24
FAR = 6  # times the median bar: what is longer is cut off, so that the others can be told apart
WIDTH = 720


def _text(x, y, text, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _end_of_axis(rows):
    """Where the axis of bars ends: at the longest one that is not far beyond the median."""
    limit = FAR * statistics.median_low(median for _, _, median, _, _ in rows)
    return max((high for *_, high in rows if high <= limit), default=max(high for *_, high in rows))


def bars(title, rows, unit):
    """Horizontal bars with the spread of their rounds. `rows`: [(name, css class, median, low, high)]."""
    if not rows:
        return ""
    top = _end_of_axis(rows) or 1.0
    scale = (WIDTH - NAME - FIGURE) / top
    height = len(rows) * (BAR + 10) + 6
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(title)}">']
    for number, (name, kind, median, low, high) in enumerate(rows):
        y = number * (BAR + 10) + 4
        middle = y + BAR / 2
        end = NAME + min(high, top) * scale
        parts.append(_text(NAME - 10, middle + 5, name, "name", "end"))
        parts.append(f'<rect x="{NAME}" y="{y}" width="{max(1.0, min(median, top) * scale):.1f}" height="{BAR}" rx="3" class="bar {kind}"/>')
        if high > top:  # it goes on: two slashes instead of its end
            parts.append(f'<path d="M{end - 26:.1f} {y + BAR + 2}l8 {-BAR - 4}M{end - 18:.1f} {y + BAR + 2}l8 {-BAR - 4}" class="cut"/>')
        else:
            parts.append(f'<path d="M{NAME + low * scale:.1f} {middle}H{end:.1f}M{NAME + low * scale:.1f} {middle - 5}v10M{end:.1f} {middle - 5}v10" class="spread"/>')
        parts.append(_text(end + 8, middle + 5, f"{number_text(median)} {unit}", "figure"))
    return "".join(parts) + "</svg>"


def is_cut(rows):
    """Whether a bar goes on beyond the plot."""
    return bool(rows) and any(high > _end_of_axis(rows) for *_, high in rows)


def number_text(value):
    if value >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _ticks(top):
    step = 10 ** math.floor(math.log10(top / 2)) if top > 0 else 1
    for factor in (5, 2, 1):
        if top / (step * factor) >= 3:
            step *= factor
            break
    return [step * n for n in range(int(top / step) + 1)]


def _decades(least, most):
    """1, 2, 5, 10 … that enclose the values."""
    power = math.floor(math.log10(least))
    steps = [factor * 10.0 ** p for p in range(power, math.ceil(math.log10(most)) + 1) for factor in (1, 2, 5)]
    low = max(step for step in steps if step <= least)
    high = min((step for step in steps if step >= most), default=steps[-1])
    return [step for step in steps if low <= step <= high]


def lines(title, series, x_name, y_name, x_label=None, logarithmic=False):
    """Lines. `series`: [(name, css class, [(x, y)])]; x_label names the ticks {x: text} where x is not a plain number."""
    series = [(name, kind, [(x, max(y, 1e-3)) for x, y in points] if logarithmic else points) for name, kind, points in series if len(points) > 1]
    if not series:
        return ""
    height, left, bottom, top = 300, 64, 262, 12
    right = WIDTH - 16
    low = min(x for *_, points in series for x, _ in points)
    high = max(x for *_, points in series for x, _ in points)
    most = max(y for *_, points in series for _, y in points) or 1.0

    least = min(y for *_, points in series for _, y in points)
    ticks = _decades(least, most) if logarithmic else _ticks(most * 1.05)

    def at(x, y):
        if logarithmic:
            share = (math.log10(y) - math.log10(ticks[0])) / ((math.log10(ticks[-1]) - math.log10(ticks[0])) or 1)
            return left + (x - low) / ((high - low) or 1) * (right - left), bottom - share * (bottom - top - 10)
        return left + (x - low) / ((high - low) or 1) * (right - left), bottom - y / (most * 1.05) * (bottom - top)

    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(title)}">']
    for tick in ticks:
        _, y = at(low, tick)
        parts.append(f'<path d="M{left} {y:.1f}H{right}" class="grid"/>' + _text(left - 8, y + 4, f"{tick:.4g}", "tick", "end"))
    for tick, label in (x_label or {x: f"{x:.4g}" for x in [low + t for t in _ticks(high - low)]}).items():
        x, _ = at(tick, least or 1.0)
        parts.append(_text(x, bottom + 18, label, "tick", "middle"))
    parts.append(_text(right, bottom + 34, x_name, "tick", "end") + _text(4, top + 2, y_name, "tick"))
    for _, kind, points in series:
        path = "L".join("{:.1f} {:.1f}".format(*at(x, y)) for x, y in points)
        parts.append(f'<path d="M{path}" class="line {kind}"/>')
    return "".join(parts) + "</svg>" + legend((name, kind) for name, kind, _ in series)


def legend(entries):
    return '<p class="legend">' + "".join(f'<span><i class="key {kind}"></i>{html.escape(name)}</span>' for name, kind in entries) + "</p>"


def latency(title, series):
    """Latency over percentiles, each nine of the same width. `series`: [(name, css class, [(percentile, ms)])]."""
    nines = {p: -math.log10(1 - p / 100) for *_, points in series for p, _ in points if p < 100}
    return lines(title, [(name, kind, [(nines[p], ms) for p, ms in points if p in nines]) for name, kind, points in series],
                 "percentile", "ms", {x: f"{p:g}" for p, x in nines.items()}, logarithmic=True)
