"""The report as one page that loads nothing, and as a fragment for notebooks."""

from collections import Counter
from html import escape
from importlib.resources import files

from skexpand.evaluation import _analysis as analysis
from skexpand.evaluation import _style as style
from skexpand.evaluation import _text as text
from skexpand.evaluation._frames import mean_frame
from skexpand.evaluation._printed import (
    first_tables_of,
    headline_texts,
    panels_of,
    place_text,
    table_of,
    tables_of,
)
from skexpand.evaluation._scores import REFERENCE, arm_of
from skexpand.evaluation.curve_display import LearningCurveDisplay
from skexpand.evaluation.displays import CriticalDifferenceDisplay, GainDisplay

_QUALITY = {
    "energy_distance": "distance to held-out data, 0 is best",
    "density": "1 where synthetic rows lie as densely among held-out ones as real rows",
    "coverage": "share of held-out rows with a synthetic neighbor, 1 is best",
    "two_sample_auc": "0.5 where nobody can tell synthetic from held-out rows",
    "covariance_trace_ratio": "spread against held-out data; far below 1 is collapse",
    "effective_rank_ratio": "directions of spread; far below 1 is collapse",
    "neighbor_ratio": "nearest training row against held-out one; near 0 is copying",
    "duplicate_share": "share of exact copies of training rows",
    "label_agreement": "share a classifier of the full pool labels alike",
}


_BY_SAMPLER = ["sampler", "n_per_class"]


def render(report, *, metric, title, displays):
    """Return the whole page."""
    try:
        import jinja2
    except ImportError as error:
        raise ImportError(
            'Report.to_html writes with jinja2: pip install "skexpand[eval]".'
        ) from error
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    source = files("skexpand.evaluation").joinpath("templates/report.html.j2")
    template = environment.from_string(source.read_text(encoding="utf-8"))
    scores = report.scores(metric)
    headlines = analysis.headlines_of(scores)
    return template.render(
        title=title or f"Does augmenting help? {_subject(scores)}",
        subtitle=_subtitle(scores),
        headlines=[_headline(scores, head) for head in headlines],
        n_cards=_n_cards(scores, headlines),
        summaries=_summaries(scores, headlines),
        details=_details(scores),
        metric=text.readable(scores.metric),
        percent=text.scale_of(scores.metric) == 100,
        figures=_figures(scores),
        over_datasets=_over_datasets(scores),
        quality=_frame(report.quality_frame()),
        quality_help={text.readable(name): help for name, help in _QUALITY.items()},
        calibration=_frame(mean_frame(report.rows, "calibration", _BY_SAMPLER)),
        more_calibration=_frame(report.calibration_frame()),
        extras=[
            _figure(f"extra{i}", name, display.figure_)
            for i, (name, display) in enumerate(displays.items())
        ],
        notes=report.notes(metric),
        protocol={key: _plain(value) for key, value in report.settings.items()},
        provenance=_provenance(report),
        parameters=_parameters(report.rows),
    )


def _n_cards(scores, headlines):
    """Return how many verdicts stand open: all, or the one over many data sets."""
    is_long = len(headlines) > 4 and len(scores.datasets) > 1
    return 1 if is_long else len(headlines)


def _subject(scores):
    n_datasets = len(scores.datasets)
    return text.join(scores.datasets) if n_datasets < 4 else f"{n_datasets} data sets"


def _subtitle(scores):
    draws = Counter(len(scores.all_draws(place)) for place in _places(scores).values())
    n_draws = text.join(sorted(draws), last="or")
    word = "draw" if list(draws) == [1] else "draws"
    names = text.join(scores.classifiers)
    return f"{n_draws} {word} of the small training set, scored with {names}"


def _places(scores):
    return {panel[0].place: panel for panel in reversed(panels_of(scores, None))}


def _headline(scores, head):
    verdict, multiplier = head.verdict, head.multiplier
    is_known = multiplier is not None and multiplier.is_determined
    reason = head.reason
    if multiplier is not None and not is_known:
        reason = f"the draws leave it open: {multiplier}"
    return {
        "place": place_text(scores, head),
        "outcome": verdict.outcome,
        "sentence": verdict.sentence,
        "remark": head.remark,
        "sampler": verdict.sampler,
        "worth": str(multiplier) if is_known else "",
        "reason": reason,
    }


def _summaries(scores, headlines):
    """Return the first table of each place; the sampler to use is marked."""
    chosen = {
        (head.dataset, head.n_per_class): head.verdict.sampler
        for head in headlines
        if head.verdict.outcome == "augment"
    }
    return [
        _table(title, lines, scores.metric)
        | {"chosen": chosen.get((lines[0].dataset, lines[0].n_per_class), "")}
        for title, lines in first_tables_of(scores)
    ]


def _table(title, lines, metric):
    headings, cells = table_of(lines, metric)
    rows = [
        {"cells": row, "kind": _kind(line)}
        for row, line in zip(cells, lines, strict=True)
    ]
    return {"title": title, "headings": headings, "rows": rows}


def _kind(line):
    if line.sampler == REFERENCE or line.gain is None:
        return "same"
    return "up" if line.gain.low > 0 else "down" if line.gain.high < 0 else "same"


def _details(scores):
    shown = {title for title, _ in first_tables_of(scores)}
    tables = [each for each in tables_of(scores) if each[0] not in shown]
    return [_table(*each, scores.metric) for each in tables]


def _figures(scores):
    """Return the figures of each place; those of its single classifiers are folded."""
    found = {"gains": [], "more_gains": [], "curves": []}
    for index, settings in enumerate(panels_of(scores)):
        is_first = settings == _places(scores).get(settings[0].place)
        figure = _gain_figure(scores, settings, f"gain{index}")
        found["gains" if is_first else "more_gains"].append(figure)
        if is_first:
            found["curves"] += _curve_figure(scores, settings, f"curve{index}")
    return found


def _gain_figure(scores, settings, key):
    arrays = analysis.gain_arrays(scores, settings)
    figure = style.new_figure(8, 1.4 + 0.38 * len(arrays["names"]))
    GainDisplay(**arrays).plot(ax=figure.subplots())
    name = f"Gain over no augmentation: {analysis.title_of(settings)}"
    return _figure(key, name, figure)


def _curve_figure(scores, settings, key):
    try:
        arrays = analysis.curve_arrays(scores, settings)
    except ValueError:  # the notes say why
        return []
    figure = style.new_figure(8, 4.4)
    LearningCurveDisplay(**arrays).plot(ax=figure.subplots())
    name = f"Learning curve of real data: {analysis.title_of(settings)}"
    return [_figure(key, name, figure)]


def _over_datasets(scores):
    try:
        arrays = analysis.rank_arrays(scores)
    except ValueError:  # one data set
        return None
    n_arms = len(arrays["names"])
    figure = style.new_figure(8, 1.8 + 0.15 * n_arms + 0.09 * len(arrays["cliques"]))
    CriticalDifferenceDisplay(**arrays).plot(ax=figure.subplots())
    scale = text.scale_of(scores.metric)
    rows = [
        [arm, text.number(gain, scale, signed=True), f"{p:.3f}", f"{holm:.3f}", f"{n}"]
        for arm, gain, p, holm, n in analysis.tests_over_datasets(scores)
    ]
    return {
        "figure": _figure("ranks", "Critical-difference diagram", figure),
        "gains": _gain_figure(scores, scores.settings(), "gains"),
        "headings": ["sampler", "mean gain", "p, Wilcoxon", "p, Holm", "data sets"],
        "rows": rows,
    }


def _figure(key, name, figure):
    return {"name": name, "svg": style.to_svg(figure, key)}


def _frame(frame):
    if not len(frame):
        return None
    ends = {f"{name}_{end}" for name in frame.columns for end in ("low", "high")}
    if frame["n_per_class"].nunique() < 2:  # the tables above name it
        ends.add("n_per_class")
    names = [name for name in frame.columns if name not in ends]
    rows = [
        [_cell(row, name) for name in names] for row in frame.to_dict(orient="records")
    ]
    headings = [text.readable(name) for name in names]
    return {"headings": headings, "rows": rows}


def _cell(row, name):
    """Return a value as text, with its interval where the row has one."""
    value = row[name]
    if not isinstance(value, float) or name == "n_per_class":
        return _plain(value)
    if f"{name}_low" not in row:
        return text.figure_of(value)
    ends = (text.figure_of(row[f"{name}_{end}"]) for end in ("low", "high"))
    return f"{text.figure_of(value)} [{', '.join(ends)}]"


def _plain(value):
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value)
    return "-" if value is None else str(value)


def _provenance(report):
    """Return where the numbers come from, as {what: text}."""
    rows = report.rows
    seconds = sum(sum((row.get("seconds") or {}).values()) for row in rows)
    facts = {
        "cells": f"{len(rows)}, of which {sum(bool(r.get('skipped')) for r in rows)} "
        "do not apply",
        "protocol": _distinct(rows, "protocol"),
        "commit": _distinct(rows, "commit"),
        "device": _distinct(rows, "device"),
        "seeds": _distinct(rows, "seed"),
        "real training rows": _distinct(
            [row for row in rows if row["sampler"] == REFERENCE], "n_real"
        ),
        "test rows": _distinct(rows, "n_test"),
        "compute": text.duration(seconds),
    }
    memory = [row["peak_memory_mb"] for row in rows if row.get("peak_memory_mb")]
    if memory:
        facts["peak memory"] = f"{max(memory):.0f} MB"
    times = sorted(row["time"] for row in rows if row.get("time"))
    if times:
        facts["measured"] = f"{times[0]} to {times[-1]}"
    versions = {}
    for row in rows:
        for package, version in (row.get("versions") or {}).items():
            versions.setdefault(package, {})[version] = None
    facts |= {name: ", ".join(map(str, found)) for name, found in versions.items()}
    return {name: fact for name, fact in facts.items() if fact}


def _distinct(rows, field):
    values = dict.fromkeys(row[field] for row in rows if row.get(field) is not None)
    shown = ", ".join(map(str, list(values)[:10]))
    return f"{shown} and {len(values) - 10} more" if len(values) > 10 else shown


def _parameters(rows):
    """Return {arm or classifier: parameters}, as they were in its first cell."""
    found = {}
    for row in rows:
        parameters = row.get("parameters") or {}
        for kind, name in (("sampler", arm_of(row)), ("classifier", row["classifier"])):
            if parameters.get(kind):
                found.setdefault(name, _plain(parameters[kind]))
    return found


def render_fragment(report):
    """Return verdicts, first tables and notes as HTML for a notebook."""
    scores = report.scores()
    parts = [f"<p><b>{escape(line)}</b></p>" for line in headline_texts(scores)]
    for title, lines in first_tables_of(scores):
        headings, cells = table_of(lines, scores.metric)
        rows = "".join(_row(row, "td") for row in cells)
        parts.append(
            f"<table><caption>{escape(title)}</caption><thead>{_row(headings, 'th')}"
            f"</thead><tbody>{rows}</tbody></table>"
        )
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes())
    return "\n".join([*parts, f"<ul>{notes}</ul>" if notes else ""])


def _row(cells, tag):
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"
