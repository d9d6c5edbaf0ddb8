"""Summarize results: ``python protocols/summarize.py protocols/results/mnist.jsonl``.

Prints a Markdown table: the mean score of every arm, and its paired gain over reference
arms with a 95 % interval of Student's t.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

# Started as a script, Python looks in this folder and not in the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from protocols.journal import read_rows  # noqa: E402
from skexpand.evaluation.statistics import mean_interval  # noqa: E402

REFERENCES = ("none", "classical", "SMOTE")


class Gain(NamedTuple):
    """A mean of paired differences, its interval, and how many there are."""

    mean: float
    half_width: float
    n: int

    def __str__(self):
        if self.n < 2:
            return f"{self.mean:+.2f} (n={self.n})"
        low, high = self.mean - self.half_width, self.mean + self.half_width
        return f"{self.mean:+.2f} [{low:+.2f}, {high:+.2f}] (n={self.n})"


def collect_scores(rows):
    """Return {arm: {(dataset, draw, classifier): score in percent}}.

    A cell that was run again counts with its last row. An arm whose rows have several
    settings is refused: their mean would describe none of them.
    """
    last = {
        (row["arm"], row["dataset"], row["draw"], row["classifier"]): row
        for row in rows
    }
    scores, settings = {}, {}
    for (arm, *cell), row in last.items():
        known = settings.setdefault(arm, (row["sampler"], row["settings"]))
        if known != (row["sampler"], row["settings"]):
            raise ValueError(
                f"Arm {arm!r} has rows of different settings: {known} and "
                f"{(row['sampler'], row['settings'])}. Keep one file per setting, or "
                "run the protocol again to the end."
            )
        scores.setdefault(arm, {})[tuple(cell)] = 100 * row["score"]
    return scores


def paired_gain(scores, reference, confidence=0.95):
    """Return the gain over the cells that both arms have, or None without any.

    The unit of the interval is the data set where there are several (each counts by its
    mean over draws and classifiers), else the draw: units must be independent, and
    classifiers of one draw are not.
    """
    shared = sorted(set(scores) & set(reference))
    if not shared:
        return None
    axis = 0 if len({cell[0] for cell in shared}) > 1 else 1
    units = {}
    for cell in shared:
        units.setdefault(cell[axis], []).append(scores[cell] - reference[cell])
    differences = np.array([np.mean(values) for values in units.values()])
    mean, low, _ = mean_interval(differences, level=confidence)
    return Gain(mean, mean - low, len(differences))


def format_table(scores, references=REFERENCES):
    """Return the summary as a Markdown table."""
    references = [name for name in references if name in scores]
    cells = {cell for arm in scores.values() for cell in arm}
    classifiers = list(
        dict.fromkeys(cell[2] for arm in scores.values() for cell in arm)
    )
    columns = classifiers if len(classifiers) > 1 else []
    header = [
        "arm", "cells", "mean", *columns, *(f"gain over {name}" for name in references)
    ]  # fmt: skip
    rows = []
    for arm, values in scores.items():
        by_classifier = [
            [score for cell, score in values.items() if cell[2] == name]
            for name in columns
        ]
        means = [list(values.values()), *by_classifier]
        gains = [
            "" if arm == name else str(paired_gain(values, scores[name]) or "")
            for name in references
        ]
        rows.append(
            [
                arm,
                f"{len(values)} of {len(cells)}",
                *(f"{np.mean(part):.2f}" if part else "" for part in means),
                *gains,
            ]
        )
    return markdown(header, rows)


def markdown(header, rows):
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments=None):
    """Parse the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path, nargs="+", help="JSONL files of run.py")
    parser.add_argument(
        "--against", nargs="+", default=REFERENCES, help="arms to compare with"
    )
    for key in ("dataset", "classifier"):
        parser.add_argument(f"--{key}", help=f"the rows of one {key} only")
    options = parser.parse_args(arguments)
    for path in options.results:
        rows = read_rows(path)
        for key in ("dataset", "classifier"):
            asked, known = getattr(options, key), sorted({row[key] for row in rows})
            if asked not in {None, *known}:
                parser.error(f"{path} has no {asked!r}, but {known}.")
            rows = [row for row in rows if asked in {None, row[key]}]
        if not rows:
            parser.error(f"{path} holds no results; run protocols/run.py first.")
        scores = collect_scores(rows)
        parts = [path.stem, options.dataset, options.classifier]
        name = " ".join(filter(None, parts))
        print(f"{rows[-1]['metric'].capitalize()} in percent, {name}; gains are")
        print("paired differences in points with 95 % intervals over n data sets, or")
        print("over n draws of a single one.\n")
        print(format_table(scores, options.against), end="\n\n")


if __name__ == "__main__":
    main()
