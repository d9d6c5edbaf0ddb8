"""Rank the arms of small tables: ``python protocols/ranks.py results/x.jsonl``.

Prints Markdown: mean ranks over tables and sizes, and gains by learner, size and table,
these of the strongest arms only. ``--scores`` adds log loss and Brier score by learner,
``--figure`` draws the critical-difference diagram, ``--sizes 50x10 200x5`` ranks these
alone. ``--brief HEADING ...``, one for each file, prints gains and mean ranks of
several files side by side.
"""

import argparse
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd

# Started as a script, Python looks in this folder and not in the repository.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from protocols.journal import read_rows  # noqa: E402
from protocols.summarize import markdown  # noqa: E402
from skexpand.evaluation import statistics  # noqa: E402

SCORES = {"score": 100, "log_loss": 1, "brier": 100}
"""What is shown of each score: percent, nats, percent."""

SHOWN = ("class weights", "threshold", "SMOTE", "SMOTENC", "jitter", "ES")
"""Arms by learner, size and table: the free ones, the known ones, and ours."""

BRIEF = {
    "none": "none",
    "class weights": "class weights",
    "threshold": "tuned threshold",
    "ROS": "random over-sampling",
    "SMOTE": "SMOTE",
    "jitter": "Gaussian jitter",
    "ES": "**ES**",
}
"""Arms of the brief table, and what they are called there."""


def read_scores(path, sizes=None):
    """Return a frame of cells that every arm has, scores scaled for display."""
    frame = pd.DataFrame(read_rows(path))
    names = ["dataset", "draw", "classifier", "arm"]
    frame = frame.drop_duplicates(names, keep="last")
    for name, scale in SCORES.items():
        frame[name] *= scale
    n_arms = frame["arm"].nunique()
    n_learners = frame["classifier"].nunique()
    cells = frame.groupby(["dataset", "draw"])["score"].transform("size")
    # A cell that a cut-off run left incomplete would compare unequal arms.
    frame = frame[cells == n_arms * n_learners].copy()
    frame["table"] = frame["dataset"].str.partition("@")[0]
    frame["size"] = frame["dataset"].str.partition("@")[2]
    return frame if sizes is None else frame[frame["size"].isin(sizes)]


def rank_table(frame):
    """Return arms, mean ranks and the number of blocks: tables times sizes."""
    table = frame.pivot_table(index="dataset", columns="arm", values="score")
    return list(table.columns), statistics.mean_ranks(table.to_numpy()), len(table)


def gains(frame, score="score", reference="none"):
    """Return differences to an arm: a row for each table, a column (arm, learner)."""
    table = frame.pivot_table(
        index="table", columns=["arm", "classifier"], values=score, dropna=False
    )
    # Sizes count equally within a table, tables equally in the mean.
    return table - pd.concat(
        {arm: table[reference] for arm in table.columns.levels[0]}, axis=1
    )


def overall(frame, score="score", reference="none"):
    """Return differences to an arm, all learners: a row a table, a column an arm."""
    table = frame.pivot_table(index="table", columns="arm", values=score)
    return table.sub(table[reference], axis=0)


def interval(differences, digits=2):
    """Write a mean and its 95 % interval over the tables."""
    differences = np.asarray(differences.dropna(), dtype=float)
    if not len(differences):
        return ""
    mean, low, high = statistics.mean_interval(differences)
    star = "\\*" if low > 0 or high < 0 else ""
    mean, low, high = (f"{value:+.{digits}f}" for value in (mean, low, high))
    return f"{mean} [{low}, {high}]{star}"


def summary_of_arms(frame):
    """Return mean rank, mean score, gain and losses of every arm, best first."""
    arms, ranks, _ = rank_table(frame)
    gain = overall(frame)
    means = frame.groupby("arm")["score"].mean()
    other = {name: overall(frame, name) for name in ("log_loss", "brier")}
    rows = [
        [
            arms[k],
            f"{ranks[k]:.2f}",
            f"{means[arms[k]]:.1f}",
            "" if arms[k] == "none" else interval(gain[arms[k]]),
            f"{gain[arms[k]].min():+.1f}",
            f"{other['log_loss'][arms[k]].mean():+.3f}",
            f"{other['brier'][arms[k]].mean():+.1f}",
        ]
        for k in np.argsort(ranks, kind="stable")
    ]
    header = [
        *("arm", "mean rank", "balanced accuracy", "gain over none", "worst table"),
        *("log loss", "Brier"),
    ]
    return markdown(header, rows)


def by_learner(frame, arms, score="score"):
    """Return the gain of some arms over none for each learner."""
    differences = gains(frame, score)
    learners = list(frame["classifier"].unique())
    rows = [
        [arm, *(interval(differences[arm][learner]) for learner in learners)]
        for arm in arms
    ]
    return markdown(["arm", *learners], rows)


def by_group(frame, group, arms):
    """Return mean gains over none for each table, or each size."""
    table = frame.pivot_table(index=group, columns="arm", values="score")
    table = table.sub(table["none"], axis=0)[arms]
    names = sorted(table.index, key=_rows_first)
    rows = [[name, *(f"{v:+.1f}" for v in table.loc[name])] for name in names]
    return markdown([group, *arms], rows)


def _rows_first(name):
    """Sort sizes, 20x10 or 10:200, by their numbers and tables by their names."""
    return [int(number) for number in re.findall(r"^\d+|(?<=:)\d+", name)], name


def side_by_side(frames, headings):
    """Return gains over none, and mean ranks, of one file beside the other."""
    rows = {arm: [title] for arm, title in BRIEF.items()}
    for frame in frames:
        arms, ranks, _ = rank_table(frame)
        gain, mean = overall(frame), frame.groupby("arm")["score"].mean()
        for arm in BRIEF:
            if arm not in arms:
                rows[arm] += ["", ""]
                continue
            text = interval(gain[arm], digits=1).removesuffix("\\*")
            text = f"{mean[arm]:.1f}" if arm == "none" else text
            rows[arm] += [text, f"{ranks[arms.index(arm)]:.1f}"]
    header = ["", *(part for name in headings for part in (name, "mean rank"))]
    draws = " and ".join(str(frame["draw"].nunique()) for frame in frames)
    return f"{markdown(header, rows.values())}\n\n{draws} draws."


def draw_figure(frame, path):
    """Draw the critical-difference diagram."""
    from skexpand.evaluation.displays import CriticalDifferenceDisplay

    arms, ranks, n_blocks = rank_table(frame)
    difference = statistics.critical_difference(len(arms), n_blocks)
    display = CriticalDifferenceDisplay(
        names=arms,
        ranks=ranks,
        critical_difference=difference,
        cliques=statistics.cliques(ranks, difference),
        n_blocks=n_blocks,
    ).plot()
    display.figure_.savefig(path, bbox_inches="tight")


def describe(frame):
    """Say what was run, and how far apart mean ranks must be."""
    arms, _, n_blocks = rank_table(frame)
    table = frame.pivot_table(index="dataset", columns="arm", values="score")
    p_value, _ = statistics.friedman(table.to_numpy())
    difference = statistics.critical_difference(len(arms), n_blocks)
    return (
        f"{frame['table'].nunique()} tables, {n_blocks} tables x sizes, "
        f"{frame['draw'].nunique()} draws; Friedman p = {p_value:.1g}, critical "
        f"difference of mean ranks {difference:.2f}."
    )


def report(frame, scores=False):
    """Return all tables of one file."""
    shown = [arm for arm in SHOWN if arm in set(frame["arm"])]
    parts = [
        describe(frame),
        summary_of_arms(frame),
        by_learner(frame, shown),
        by_group(frame, "size", shown),
        by_group(frame, "table", shown),
    ]
    if scores:
        for score in ("log_loss", "brier"):
            parts += [f"{score}:", by_learner(frame, shown, score)]
    return "\n\n".join(parts)


def main(arguments=None):
    """Parse the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path, nargs="+", help="JSONL files of run.py")
    parser.add_argument("--scores", action="store_true", help="log loss and Brier too")
    parser.add_argument("--sizes", nargs="+", help="some of the sizes, as in 50x10")
    parser.add_argument("--figure", type=Path, help="where to draw the first diagram")
    parser.add_argument("--brief", nargs="+", help="headings of the files, one each")
    options = parser.parse_args(arguments)
    if options.brief is not None and len(options.brief) != len(options.results):
        parser.error("--brief takes as many headings as there are files.")
    frames = []
    for path in options.results:
        frames.append(read_scores(path, options.sizes))
        if frames[-1].empty:
            of_sizes = f" of {', '.join(options.sizes)}" if options.sizes else ""
            parser.error(f"{path} holds no cell{of_sizes} that every arm has.")
    if options.brief is not None:
        print(side_by_side(frames, options.brief))
    else:
        print("\n\n".join(report(frame, options.scores) for frame in frames))
    if options.figure is not None:
        draw_figure(frames[0], options.figure)


if __name__ == "__main__":
    main()
