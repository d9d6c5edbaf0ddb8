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
    for add in (_add_demo, _add_expand, _add_compare, _add_reproduce, _add_pretrain):
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
    from skexpand import ExpansiveSynthesizer

    frame, y, position = _read_table(data, target)
    forms = _read_dates(frame)
    synthesizer = ExpansiveSynthesizer(**parameters)
    X_big, y_big = synthesizer.fit_resample(frame, y)
    for name, form in forms.items():
        X_big[name] = form.write(X_big[name].to_numpy())
    X_big.insert(position, target, y_big)
    X_big.to_csv(out, index=False)
    print(f"{data}: {len(frame)} rows, {out}: {len(X_big)} rows")
    if getattr(synthesizer, "advice_", ""):
        print(synthesizer.advice_)
    n_new = len(X_big) - len(frame)
    for text, n_rows in synthesizer.violations_.items():
        if n_rows:
            print(f"{text}: holds in {data}, not in {n_rows} of {n_new} new rows")


def _read_table(data, target):
    """Return a CSV file's columns, its labels, and where the labels stood."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "Reading CSV files needs pandas: pip install 'skexpand[data]'."
        ) from error

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
    return frame, y.to_numpy(), position


def _read_dates(frame):
    """Turn columns of ISO dates into times, in place; return how each was written."""
    from skexpand.codecs.iso import IsoForm

    forms = {}
    for name in frame.select_dtypes(["string", "object"]):
        cells = frame[name].to_numpy(dtype=object, na_value=None)
        times, form = IsoForm.read(cells)
        if form is not None:
            frame[name], forms[name] = times, form
    return forms


def _add_compare(commands):
    command = _add_command(
        commands,
        "compare",
        _run_compare,
        "Tell whether expanding a CSV table helps, by how much, and how surely.",
    )
    command.add_argument("data", type=Path, help="CSV file with a header")
    command.add_argument("--target", required=True, help="column that holds the label")
    command.add_argument(
        "--samplers",
        nargs="+",
        metavar="NAME",
        help="ES, names of baselines ('SMOTE', 'jitter', ...), or classes with "
        "fit_resample, such as imblearn.over_sampling.ADASYN; all baselines and ES "
        "if not given",
    )
    command.add_argument(
        "--n-per-class",
        nargs="+",
        type=int,
        help="rows of every class in the small set; the whole training part if not "
        "given",
    )
    command.add_argument("--ratio", type=float, help="growth of every class")
    command.add_argument("--draws", type=int, dest="n_draws", help="small sets drawn")
    command.add_argument("--test-size", type=float, help="share of rows to test on")
    command.add_argument("--scoring", nargs="+", help="metrics of scikit-learn")
    command.add_argument("--n-jobs", type=int, help="cells at a time")
    command.add_argument("--random-state", type=int, help="seed of all draws")
    command.add_argument(
        "--resume", type=Path, help="results file to write, and to go on with"
    )
    command.add_argument("--html", type=Path, help="page to write")


def _run_compare(data, target, samplers=None, html=None, **settings):
    from skexpand.evaluation import compare

    frame, y, _ = _read_table(data, target)
    arms, baselines = _find_samplers(samplers)
    report = compare(
        frame,
        y,
        arms,
        baselines=baselines,
        dataset=data.stem,
        progress=True,
        **settings,
    )
    print(report)
    if html is not None:
        report.to_html(html)
        print(f"wrote {html}")


def _find_samplers(names):
    """Return the samplers named, and the names of baselines among them."""
    from importlib import import_module

    from skexpand import ExpansiveSynthesizer
    from skexpand.evaluation.arms import make_arms

    if names is None:
        return {"ES": ExpansiveSynthesizer()}, True
    arms = make_arms(None, True, ratio=10, image=False)
    known = list(dict.fromkeys(arm.name for arm in arms))
    samplers, baselines = {}, ["real"]  # without real rows there is no multiplier
    for name in names:
        module, _, kind = name.rpartition(".")
        if name == "ES":
            samplers[name] = ExpansiveSynthesizer()
        elif name in known:
            baselines.append(name)
        elif not module:
            raise ValueError(
                f"Expected --samplers ES, {', '.join(known)}, or a class with its "
                f"module such as imblearn.over_sampling.ADASYN, got {name!r}."
            )
        else:
            found = getattr(import_module(module), kind, None)
            if found is None:
                raise ValueError(f"Expected a class {kind!r} in {module}, got none.")
            if not hasattr(found, "fit_resample"):
                raise ValueError(f"Expected a class with fit_resample, got {name}.")
            samplers[kind] = found()
    return samplers, baselines


def _add_reproduce(commands):
    command = _add_command(
        commands,
        "reproduce",
        _run_reproduce,
        "Run a table or figure of the paper and print its figures beside ours.",
    )
    tables = "table1, table2, table3, table3-long, table3-wide or figure4"
    command.add_argument("table", help=tables)
    command.add_argument(
        "--data", dest="data_dir", help="folder of the image sets; else SKEXPAND_DATA"
    )
    command.add_argument(
        "--dataset", nargs="+", dest="datasets", help="mnist, cifar10, cifar100"
    )
    command.add_argument("--n-per-class", nargs="+", type=int, help="images a class")
    command.add_argument("--arms", nargs="+", help="some of the table's arms")
    command.add_argument("--draws", type=int, dest="n_draws", help="small sets drawn")
    command.add_argument("--n-test", type=int, help="test images, all if not given")
    command.add_argument(
        "--quick", action="store_true", help="few steps: shows that everything runs"
    )
    command.add_argument(
        "--out", type=Path, dest="folder", help="folder of results, to go on with"
    )
    command.add_argument(
        "--stored", action="store_true", help="print stored results, run nothing"
    )
    command.add_argument("--n-jobs", type=int, help="cells at a time")


def _run_reproduce(table, **settings):
    from skexpand.evaluation.reproduce import reproduce_figure, reproduce_table

    if table != "figure4":
        print(reproduce_table(table, progress=True, **settings))
        return
    extra = settings.keys() & {"arms", "n_draws", "n_test", "stored", "n_jobs"}
    if extra:
        raise ValueError(
            f"figure4 is one fit and has no {', '.join(sorted(extra))}. It takes "
            "--data, --dataset, --n-per-class, --quick and --out."
        )
    for path in reproduce_figure(**settings):
        print(f"wrote {path}")


def _add_pretrain(commands):
    command = _add_command(
        commands,
        "pretrain",
        _run_pretrain,
        "Learn from a larger image set, for ExpansiveSynthesizer(pretrained=...).",
    )
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--dataset", help="emnist_letters, cifar100, cifar10, ...")
    source.add_argument(
        "--images", type=Path, help="own images: .npz with X and y, or a folder"
    )
    command.add_argument(
        "--out", type=Path, required=True, help="files to write, without a suffix"
    )
    command.add_argument(
        "--data", dest="data_dir", help="folder of the image sets; else SKEXPAND_DATA"
    )
    command.add_argument("--max-iter", type=int, help="training steps")
    command.add_argument("--max-seconds", type=float, help="stop training after")
    command.add_argument("--n-material", type=int, help="images to keep at most")
    command.add_argument(
        "--license", dest="license_note", help="note on the license of the images"
    )
    command.add_argument("--random-state", type=int, help="seed of all draws")


def _run_pretrain(
    out,
    dataset=None,
    images=None,
    data_dir=None,
    n_material=None,
    license_note="not stated: ask the source before sharing weights or images",
    random_state=0,
    **parameters,
):
    from skexpand import ExpansiveSynthesizer
    from skexpand.datasets import load_images, read_images

    if images is None:
        data = load_images(dataset, data_dir)
        X, y = data.X_train, data.y_train
    else:
        X, y = read_images(images)
    synthesizer = ExpansiveSynthesizer(
        random_state=random_state, verbose=True, **parameters
    )
    keep = {} if n_material is None else {"n_material": n_material}
    encoder = synthesizer.pretrain(X, y, **keep).pretrained
    encoder.lineage.update(source=dataset or images.name, license=license_note)
    for path in encoder.save(out):
        print(f"wrote {path} ({path.stat().st_size / 2**20:.1f} MB)")
