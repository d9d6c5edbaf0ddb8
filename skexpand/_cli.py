"""The command line: parse, delegate, print.

A command is one function that adds its parser and one that runs it. Options that are
not given are not passed on, so every default is that of the function called.
"""

import argparse
import sys
from pathlib import Path


def main(argv=None):
    """Run the command line.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    int
        Exit status: 0, or 1 where the input was not as expected.
    """
    settings = vars(_build_parser().parse_args(argv))
    run = settings.pop("run")
    try:
        run(**settings)
    except (ValueError, OSError, ImportError) as error:
        print(f"skexpand: {error}", file=sys.stderr)
        return 1
    return 0


def _build_parser():
    from skexpand import __version__

    parser = argparse.ArgumentParser(
        prog="skexpand", description="Grow small labeled data sets."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True)
    for add in (_add_demo, _add_expand):
        add(commands)
    return parser


def _add_command(commands, name, run, summary):
    command = commands.add_parser(
        name,
        help=summary,
        description=summary,
        argument_default=argparse.SUPPRESS,
    )
    command.set_defaults(run=run)
    return command


def _add_demo(commands):
    command = _add_command(
        commands,
        "demo",
        _run_demo,
        "Expand ten digits a class and compare five ways of doing so.",
    )
    command.add_argument("--out", type=Path, help="folder for the pictures")
    command.add_argument("--n-draws", type=int, help="draws of the small data set")
    command.add_argument("--n-per-class", type=int, help="real digits a class")
    command.add_argument("--ratio", type=float, help="growth of every class")
    command.add_argument("--random-state", type=int, help="seed of all draws")


def _run_demo(**settings):
    from skexpand._demo import run_demo

    result = run_demo(progress=True, **settings)
    print(result.table)
    print()
    print(result.verdict)
    print()
    for path in result.files:
        print(f"wrote {path}")


def _add_expand(commands):
    command = _add_command(
        commands, "expand", _run_expand, "Grow a CSV table with a target column."
    )
    command.add_argument("data", type=Path, help="CSV file with a header")
    command.add_argument("--target", required=True, help="column that holds the label")
    command.add_argument("--out", type=Path, required=True, help="CSV file to write")
    command.add_argument("--ratio", type=float, help="growth of every class")
    command.add_argument(
        "--sampling-strategy",
        help="imbalanced-learn's name of what to resample, for example 'not majority'; "
        "wins over --ratio",
    )
    command.add_argument("--random-state", type=int, help="seed of all draws")


def _run_expand(data, target, out, **parameters):
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "skexpand expand needs pandas: pip install 'skexpand[data]'."
        ) from error

    from skexpand import ExpansiveSynthesizer

    # Nullable types keep whole numbers whole in a column with missing cells.
    frame = pd.read_csv(data, dtype_backend="numpy_nullable")
    if target not in frame.columns:
        raise ValueError(
            f"Expected a column {target!r} in {data}, got {', '.join(frame.columns)}. "
            "Name one of these with --target."
        )
    position = frame.columns.get_loc(target)
    y = frame.pop(target)
    if y.isna().any():
        raise ValueError(
            f"{y.isna().sum()} rows of {data} have no {target!r}. Drop or label them."
        )
    X_big, y_big = ExpansiveSynthesizer(**parameters).fit_resample(frame, y.to_numpy())
    X_big.insert(position, target, y_big)
    X_big.to_csv(out, index=False)
    print(f"{data}: {len(frame)} rows, {out}: {len(X_big)} rows")
