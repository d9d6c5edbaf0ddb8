"""Stored rows as the paper's tables: its figure beside ours, a row for each arm."""

import math

from skexpand.evaluation import _analysis as analysis
from skexpand.evaluation import _text as text
from skexpand.evaluation._printed import table_of
from skexpand.evaluation._scores import REFERENCE, Scores, arm_of
from skexpand.evaluation.arms import REAL

_QUICK = (
    "**Quick run: few steps, draws and test images. It shows that everything runs; "
    "its figures mean nothing.**"
)


def paper_table(protocol, plan, dataset, sizes, rows, header, *, quick):
    """Return the parts of one data set's table as Markdown.

    Parameters
    ----------
    protocol : dict
        Of ``reproduction.toml``.
    plan : dict of str to list of str
        The arms to print, by classifier.
    dataset : str
        As in the rows.
    sizes : sequence of int
        Images a class to print.
    rows : list of dict
        Of a results file; those of other arms are left out.
    header : dict
        Its first line.
    quick : bool
        Whether the rows come from a quick run.

    Returns
    -------
    list of str
    """
    parts = [_QUICK] if quick else []
    for size in sizes:
        measured = [row for row in rows if row["n_per_class"] == size]
        cells = [row for row in measured if _belongs(plan, row)]
        title = protocol["datasets"][dataset]["title"]
        if not any(row["scores"] for row in cells):
            parts.append(f"**{title}, {size} images a class**: not run.")
            continue
        ratio = text.number(header["settings"]["ratio"]).rstrip("0").rstrip(".")
        parts.append(f"**{title}, {size} images a class, x{ratio}**")
        parts.append(_markdown(protocol, dataset, size, cells, measured))
        parts.append(_provenance(cells))
    return parts


def _belongs(plan, row):
    return row["sampler"] in plan.get(row["classifier"], ())


def _markdown(protocol, dataset, size, rows, measured):
    printed = protocol["paper"][dataset].get(str(size), {})
    lines = _lines(protocol, rows, measured)
    headings, cells = table_of([line for _, line in lines], protocol["scoring"])
    columns = [headings[0], "classifier", "X''", "trained on", *headings[1:5]]
    columns += ["paper", "ours - paper"]
    table = []
    for ((arm, classifier), line), (_, *figures, _) in zip(lines, cells, strict=True):
        n_train = {
            row["n_train"]
            for row in rows
            if (arm_of(row), row["classifier"]) == (arm, classifier)
        }
        paper = _paper_figure(protocol, printed, arm, classifier)
        table.append(
            [
                arm,
                classifier,
                _larger_set(protocol, dataset, arm, classifier),
                text.ranges(n_train),
                *figures,
                "-" if paper is None else f"{paper:.1f}",
                "-" if paper is None else f"{100 * line.score.mean - paper:+.1f}",
            ]
        )
    return text.markdown_table(columns, table)


def _lines(protocol, rows, measured):
    """Return arm and classifier with their line, in the order of the protocol.

    A network that is trained otherwise is an arm of that network: so its gain is one
    over the same network without augmentation, and its worth is known. Real rows of
    any table say what an arm of this one is worth.
    """
    classifiers, trained_otherwise, moved = protocol["classifiers"], {}, []
    for row in measured:
        network = classifiers[row["classifier"]].get("network")
        if network is not None:
            name = f"{row['sampler']} | {row['classifier']}"
            trained_otherwise[name] = row["sampler"], row["classifier"]
            row = row | {"sampler": name, "classifier": network}
        moved.append(row)
    found = {
        trained_otherwise.get(line.sampler, (line.sampler, line.classifier)): line
        for line in analysis.lines_of(Scores(moved, protocol["scoring"]))
    }
    wanted = {(arm_of(row), row["classifier"]) for row in rows}
    names, order = [REFERENCE, *protocol["arms"]], list(classifiers)
    return sorted(
        ((key, line) for key, line in found.items() if key in wanted),
        key=lambda item: (
            order.index(item[0][1]),
            names.index(item[0][0]) if item[0][0] in names else len(names),
        ),
    )


def _paper_figure(protocol, printed, arm, classifier):
    """Return the paper's figure for the arm; it has one classifier only."""
    if classifier != next(iter(protocol["classifiers"])):
        return None
    named = protocol["arms"].get(arm, {}).get("paper")
    return printed.get(REFERENCE if arm == REFERENCE else named)


def _larger_set(protocol, dataset, arm, classifier):
    """Return the name of X'' where the arm or the classifier has seen it."""
    described = [protocol["arms"].get(arm, {}), protocol["classifiers"][classifier]]
    if any(_names(value, protocol["pretraining"]) for value in described):
        return protocol["larger"][protocol["datasets"][dataset]["larger"]]
    return "none"


def _names(value, known):
    """Whether a description of objects names one of `known` anywhere."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return any(_names(each, known) for each in value)
    return value in known


def _provenance(rows):
    """Return under which conditions the rows were measured, and what failed."""
    done = [row for row in rows if row["scores"]]
    networks = [row["parameters"]["classifier"] for row in done]
    networks = [each for each in networks if "batch_size" in each]
    sentences = [
        f"{_distinct(row['n_test'] for row in done)} test images; networks trained "
        f"for {_distinct(each['steps'] for each in networks)} steps of "
        f"{_distinct(each['batch_size'] for each in networks)} images in every arm; "
        "intervals of 95 % over draws; gains over the same network without any "
        "augmentation, paired by draw; device "
        f"{_distinct(row['device'] for row in done)}, one thread, {_time(done)} in "
        f"all; torch {_distinct(row['versions'].get('torch') for row in done)}, commit "
        f"{_distinct((row['commit'] or '')[:12] for row in done)}."
    ]
    failed = text.join(
        f"{arm_of(row)} ({row['skipped']})"
        for row in rows
        if row["skipped"] and row["sampler"] != REAL
    )
    if failed:
        sentences.append(f"Not measured: {failed}.")
    return " ".join(sentences)


def _time(rows):
    seconds = math.fsum(sum(row["seconds"].values()) for row in rows)
    return text.duration(seconds)


def _distinct(values):
    """Return the distinct values that are there, in words."""
    found = dict.fromkeys(value for value in values if value)
    return text.join(found) or "none"
