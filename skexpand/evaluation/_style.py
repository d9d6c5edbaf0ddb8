"""How every picture looks: a palette, quiet axes, and SVG that follows dark mode."""

import io
import re

from skexpand.evaluation._text import shorten

# Okabe and Ito's colors, safe for color-blind readers; blue is lightened and yellow
# left out, so that each of them stands out on white and on black.
BLUE, ORANGE, GREEN, PURPLE, SKY, GOLD = (
    "#2b7bba",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#c98a00",
)
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, GOLD)
GRAY = "#8a8f98"

# Exactly these three are swapped for the page's own colors when a figure becomes SVG.
INK, QUIET, LINE = "#1f2329", "#656d77", "#d5dae0"
_PAGE_COLORS = {INK: "currentColor", QUIET: "var(--quiet)", LINE: "var(--line)"}

LABEL_WIDTH = 28  # letters; longer names are cut in pictures and whole in tables


def require_matplotlib(caller):
    """Raise an error that names the extra when matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f'{caller} draws with matplotlib: pip install "skexpand[plot]".'
        ) from error


def axes_for(display, ax, width, height):
    """Return the axes given, or those of a new figure of that size in inches."""
    require_matplotlib(f"{type(display).__name__}.plot")
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax


def new_figure(width, height):
    """Return a figure that no window and no notebook knows of."""
    require_matplotlib("The report")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def dress(ax, *, grid=None):
    """Leave only the axes that carry numbers, in the page's colors.

    `grid` names the direction whose grid lines help reading: "x", "y" or "both".
    """
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(LINE)
    ax.tick_params(which="both", color=LINE, labelcolor=INK, labelsize=9)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set(color=QUIET, size=9)
    if grid:
        ax.grid(axis=grid, color=LINE, linewidth=0.6, zorder=0)
    ax.set_axisbelow(True)
    ax.patch.set_alpha(0)


def title(ax, *parts, pad=10):
    """Put what there is to say above the axes, on the left."""
    text = "  ".join(part for part in parts if part)
    ax.set_title(plain(text), loc="left", size=10, weight="bold", color=INK, pad=pad)


def write(ax, text, place, **look):
    """Write small text at a place in data units, also outside of the axes."""
    look = dict(size=9, color=INK, annotation_clip=False) | look
    return ax.annotate(plain(text), place, **look)


def plain(text):
    """Return text that matplotlib does not take for a formula."""
    return str(text).replace("$", r"\$")


def label(name):
    """Return a name short enough to stand beside an axis."""
    return shorten(name, LABEL_WIDTH)


def spread(places, gap):
    """Move labels apart until neighbors are `gap` away, keeping order and center.

    Neighbors that would touch are merged into one run, which stays centered on the
    mean of what it labels.
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    runs = []  # [sum of wanted centers, members]
    for i in order:
        runs.append([places[i], [i]])
        while len(runs) > 1 and _top(runs[-2], gap) + gap > _bottom(runs[-1], gap):
            total, members = runs.pop()
            runs[-1][0] += total
            runs[-1][1] += members
    moved = [0.0] * len(places)
    for run in runs:
        for step, i in enumerate(run[1]):
            moved[i] = _bottom(run, gap) + step * gap
    return moved


def _bottom(run, gap):
    total, members = run
    return total / len(members) - gap * (len(members) - 1) / 2


def _top(run, gap):
    return _bottom(run, gap) + gap * (len(run[1]) - 1)


def to_svg(figure, salt):
    """Return a figure as SVG to be put into a page: no header, no outside names.

    Text stays text. `salt` makes the ids inside differ from those of other figures of
    the page, and the same figure always gives the same text.
    """
    import matplotlib

    buffer = io.StringIO()
    settings = {"svg.fonttype": "none", "svg.hashsalt": salt}
    with matplotlib.rc_context(settings):
        # The dots per inch are those of embedded images; lines and text have none.
        figure.savefig(
            buffer, format="svg", transparent=True, dpi=200, metadata={"Date": None}
        )
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg)
    # Matplotlib numbers its groups (figure_1, axes_1, ...) anew in every figure.
    svg = re.sub(r'<g id="[\w.]+"', "<g", svg)
    for color, page_color in _PAGE_COLORS.items():
        svg = svg.replace(color, page_color)
    # The width comes from the page, and the height follows.
    return re.sub(r'(<svg [^>]*?)height="[\d.]+pt"', r"\1", svg, count=1)
