"""Pair arms of one file with arms of others, cell by cell.

``python protocols/paired.py results/new.jsonl results/known.jsonl results/more.jsonl``
prints Markdown: what each arm gains over arms of the other files on the tables, sizes,
draws and learners that both have, with 95 % intervals over the tables; how often it
made fewer rows than asked, or none; and how long it took. Classes that grow and classes
that are balanced come apart.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

# Started as a script, Python looks in this folder and not in the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from protocols.journal import read_rows  # noqa: E402
from protocols.ranks import interval  # noqa: E402
from protocols.summarize import markdown  # noqa: E402

REFERENCES = ("none", "SMOTE", "ES")
_CELL = ["dataset", "draw", "classifier"]
_USES = {"Every class grown": "x", "Balanced": ":"}
"""Heading of each use, and what its sizes have in their names."""


def read_cells(paths):
    """Return a frame of the last row of each cell, scores in percent."""
    frame = pd.DataFrame([row for path in paths for row in read_rows(path)])
    frame = frame.drop_duplicates([*_CELL, "arm"], keep="last").copy()
    frame["score"] *= 100
    parts = frame["dataset"].str.partition("@")
    frame["table"], frame["size"] = parts[0], parts[2]
    frame["n_asked"] = [
        rows_asked(size, n)
        for size, n in zip(frame["size"], frame["n_real"], strict=True)
    ]
    return frame


def rows_asked(size, n_real):
    """Return how many rows a sampler was asked for, the real ones included."""
    few, _, many = size.partition(":")
    return 2 * int(many) if many else n_real * int(few.partition("x")[2])


def differences(frame, others, reference):
    """Return rows of `frame` that `others` has too, less the score of an arm there."""
    known = others[others["arm"] == reference]
    both = frame.merge(known[[*_CELL, "score"]], on=_CELL, suffixes=("", "_known"))
    return both.assign(gain=both["score"] - both["score_known"])


def over_tables(gains):
    """Write mean and interval; sizes, draws and learners of a table count as one."""
    by_table = gains.groupby("table")["gain"].mean()
    if len(by_table) < 2:
        return "".join(f"{gain:+.2f}" for gain in by_table)
    return interval(by_table)


def gain_table(frame, others):
    """Return what each arm gains over each reference, its failures and its time."""
    rows = []
    for arm, own in frame.groupby("arm", sort=False):
        sets = own.drop_duplicates(["dataset", "draw"])
        has_none = sets["n_train"] == sets["n_real"]
        has_few = (sets["n_train"] < sets["n_asked"]) & ~has_none
        gains = [over_tables(differences(own, others, name)) for name in REFERENCES]
        seconds = sets["expand_cpu_seconds"].median()
        counts = (own["table"].nunique(), len(sets), has_none.sum(), has_few.sum())
        rows.append([arm, *map(str, counts), *gains, f"{seconds:.1f}"])
    header = [
        *("arm", "tables", "sets", "no rows", "too few"),
        *(f"gain over {name}" for name in REFERENCES),
        "s a set",
    ]
    return markdown(header, rows)


def learner_table(frame, others):
    """Return the gain over none for each learner, of ES on the same cells too."""
    learners = list(frame["classifier"].unique())
    ours = others[others["arm"] == "ES"].merge(frame[_CELL].drop_duplicates())
    rows = []
    for arm, own in pd.concat([frame, ours]).groupby("arm", sort=False):
        gains = differences(own, others, "none")
        parts = [gains[gains["classifier"] == name] for name in learners]
        rows.append([arm, *(over_tables(part) for part in parts)])
    return markdown(["gain over none", *learners], rows)


def main(arguments=None):
    """Parse the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path, help="JSONL file of run.py")
    parser.add_argument("others", type=Path, nargs="+", help="files to pair it with")
    options = parser.parse_args(arguments)
    for path in (options.results, *options.others):
        if not read_rows(path):
            parser.error(f"{path} holds no results; run protocols/run.py first.")
    frame, others = read_cells([options.results]), read_cells(options.others)
    parts = []
    for heading, sign in _USES.items():
        own = frame[frame["size"].str.contains(sign)]
        if len(own):
            sizes = ", ".join(own["size"].unique())
            parts.append(f"{heading}, {sizes}:")
            parts += [gain_table(own, others), learner_table(own, others)]
    print("\n\n".join(parts))


if __name__ == "__main__":
    main()
