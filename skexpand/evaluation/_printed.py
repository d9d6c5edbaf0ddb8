"""A report in words: headlines and tables of text, for terminal, Markdown and page."""

from skexpand.evaluation import _analysis as analysis
from skexpand.evaluation import _text as text
from skexpand.evaluation._scores import REFERENCE


def panels_of(scores, max_panels=24):
    """Return the settings of each panel: by place all classifiers, then each one.

    With more than `max_panels` the single classifiers are left out.
    """
    panels = []
    for place in scores.places.values():
        panels.append(place)
        panels += [[s] for s in place] if len(place) > 1 else []
    if max_panels is not None and len(panels) > max_panels:
        return [settings for settings in panels if len(settings) > 1] or panels
    return panels


def sentences_of(head):
    """Return verdict, multiplier and remark of a headline."""
    yield head.verdict.sentence
    if head.multiplier is not None and head.multiplier.is_determined:
        yield f"{head.verdict.sampler} is worth {head.multiplier} the real data."
    elif head.multiplier is not None:
        yield f"Its worth in real data is {head.multiplier}."
    elif head.verdict.sampler and head.dataset is not None:
        yield f"Its worth in real data is unknown: {head.reason}."
    if head.remark:
        yield head.remark


def table_of(lines, metric):
    """Return the headings and the cells, as text, of a table of lines."""
    scale = text.scale_of(metric)
    name = text.readable(metric) + (", %" if scale == 100 else "")
    headings = ["sampler", name, "gain", "worth in real data", "draws", "seconds"]
    cells = [
        [
            line.sampler,
            text.interval(*line.score, scale),
            _gain_text(line, scale),
            _worth(line),
            _draws(line),
            text.duration(line.seconds),
        ]
        for line in lines
    ]
    return headings, cells


def _gain_text(line, scale):
    if line.sampler == REFERENCE:
        return "reference"
    if line.gain is None:
        return "-"
    gain = line.gain
    return text.interval(gain.mean, gain.low, gain.high, scale, signed=True)


def _worth(line):
    if isinstance(line.multiplier, float):
        return f"{line.multiplier:g}x"
    return "-" if line.multiplier is None else str(line.multiplier)


def _draws(line):
    n_pairs = line.gain.n_draws if line.gain else 0
    if n_pairs == line.n_draws:
        return f"{line.n_draws}"
    return f"{line.n_draws} ({n_pairs} paired)"


def tables_of(scores):
    """Return (title, lines) of each table: by place the mean, then each classifier."""
    tables = []
    for settings in panels_of(scores, max_panels=None):
        name = settings[0].classifier
        name = f"mean of {len(settings)}" if len(settings) > 1 else name
        lines = [
            analysis.make_line(scores, settings, arm, name)
            for arm in analysis.by_gain(scores, settings)
        ]
        tables.append((analysis.title_of(settings), lines))
    return tables


def first_tables_of(scores):
    """Return the first table of each place: all its classifiers in one."""
    first = {}
    for title, lines in tables_of(scores):
        first.setdefault((lines[0].dataset, lines[0].n_per_class), (title, lines))
    return list(first.values())


def headline_texts(scores):
    """Return what a reader takes home, one text for each place."""
    headlines = analysis.headlines_of(scores)
    return [
        (f"{place_text(scores, head)}: " if len(headlines) > 1 else "")
        + " ".join(sentences_of(head))
        for head in headlines
    ]


def place_text(scores, head):
    """Return the data set and size of a headline in words."""
    if head.dataset is None:
        return f"{len(scores.datasets)} data sets"
    settings = scores.places[head.dataset, head.n_per_class]
    return analysis.title_of([settings[0]._replace(classifier=None)])
