"""Numbers and tables as words: for the terminal, Markdown and the page alike."""

import math

import numpy as np

# Shares of something: printed in percent, their differences in points.
_SHARES = (
    "accuracy",
    "precision",
    "recall",
    "f1",
    "fbeta",
    "jaccard",
    "roc_auc",
    "top_k",
    "geometric_mean",
)


_SPELLED = {"auc", "ece", "roc"}
_WORDS = {
    "n_per_class": "per class",
    "n_draws": "draws",
    "two_sample_auc": "two-sample AUC",
}


def scale_of(metric):
    """Return 100 for metrics printed in percent, 1 for others."""
    return 100.0 if any(part in metric for part in _SHARES) else 1.0


def unit_of(metric):
    """Return what a difference of a metric is counted in."""
    name = readable(metric)
    return f"points of {name}" if scale_of(metric) == 100 else name


def readable(name):
    """Return an identifier as words: "two-sample AUC" for two_sample_auc."""
    if name in _WORDS:
        return _WORDS[name]
    words = str(name).split("_")
    return " ".join(word.upper() if word in _SPELLED else word for word in words)


def shorten(name, width):
    """Cut the middle out of names longer than `width`: ends tell variants apart."""
    name = str(name)
    if len(name) <= width:
        return name
    head = (width - 1) // 2
    return f"{name[:head]}…{name[len(name) - (width - 1 - head) :]}"


def number(value, scale=1.0, *, signed=False):
    """Return a number to one decimal in percent, else to three; "-" for NaN."""
    if value is None or math.isnan(value):
        return "-"
    digits = 1 if scale == 100 else 3
    value = round(scale * value, digits) or 0.0  # without the sign of -0.0
    sign = "+" if signed and value else ""
    return f"{value:{sign}.{digits}f}"


def interval(value, low, high, scale=1.0, *, signed=False):
    """Return "84.1 [83.0, 85.2]"; without the brackets where there is no interval."""
    text = number(value, scale, signed=signed)
    if math.isnan(low) or math.isnan(high):
        return text
    ends = [number(end, scale, signed=signed) for end in (low, high)]
    return f"{text} [{', '.join(ends)}]"


def duration(seconds):
    """Return seconds with two figures, or minutes and hours where those are many."""
    if math.isnan(seconds):
        return "-"
    if seconds < 100:
        return f"{seconds:.2g} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def figure_of(value):
    """Return a quality figure: three decimals below 10, so that columns line up."""
    if value is None or math.isnan(value):
        return "-"
    if value and not 0.001 <= abs(value) < 1000:
        return f"{value:.1e}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def join(items, last="and"):
    """Return "a, b and c"."""
    items = [str(item) for item in items]
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def ranges(values):
    """Return whole numbers as "0-3, 5"."""
    values = sorted(values)
    breaks = np.flatnonzero(np.diff(values) > 1) + 1
    runs = np.split(np.array(values, dtype=int), breaks)
    return ", ".join(
        f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}"
        for run in runs
        if len(run)
    )


def text_table(columns, rows, *, width=30):
    """Return rows of strings under headings; the first column is left-aligned."""
    cells = [[shorten(cell, width) for cell in row] for row in [columns, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        first, *others = zip(row, widths, strict=True)
        padded = [first[0].ljust(first[1])]
        padded += [cell.rjust(size) for cell, size in others]
        lines.append("  ".join(padded).rstrip())
    lines.insert(1, "-" * len(max(lines, key=len)))
    return "\n".join(lines)


def markdown_table(columns, rows):
    """Return rows of strings as a table of GitHub's Markdown."""
    marks = [":---", *["---:"] * (len(columns) - 1)]
    lines = [columns, marks, *rows]
    return "\n".join(
        "| " + " | ".join(escape_markdown(cell) for cell in row) + " |" for row in lines
    )


def escape_markdown(text):
    r"""Return text that stays inside its cell: ``|`` would end it, a tag would act."""
    text = str(text).replace("\n", " ").replace("|", "\\|")
    return text.replace("<", "&lt;")
