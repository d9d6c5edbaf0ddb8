"""Run a protocol: ``python protocols/run.py protocols/mnist.toml``.

A protocol is a TOML file: the data, the sizes, and the arms to compare. Every *cell*
(data set x arm x classifier x draw) appends one line to a JSONL file. Cells that are
there already are skipped, so a run can be cut off and started again.

Image data come from ``SKEXPAND_DATA`` or OpenML, tables from ``SKEXPAND_DATA`` (or
``--data-dir``).
"""

import argparse
import hashlib
import inspect
import json
import platform
import subprocess
import sys
import time
import tomllib
from collections import Counter
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).resolve().parents[1]
# Started as a script, Python looks in this folder and not in the repository.
sys.path.insert(0, str(ROOT))

from protocols.image_cells import ImageSet  # noqa: E402
from protocols.journal import append_row, read_rows  # noqa: E402
from protocols.small_cells import SmallTable  # noqa: E402
from protocols.table_cells import Table  # noqa: E402

KINDS = {"images": ImageSet, "table": Table, "small table": SmallTable}
PACKAGES = ("imbalanced-learn", "numpy", "scikit-learn", "scipy", "torch")


def read_protocol(path):
    """Read a protocol and check that every arm can be built."""
    path = Path(path)
    protocol = tomllib.loads(path.read_text(encoding="utf-8"))
    protocol["name"] = path.stem
    if protocol.get("kind") not in KINDS:
        raise ValueError(
            f"{path.name}: kind must be one of {', '.join(KINDS)}, got "
            f"{protocol.get('kind')!r}."
        )
    for name, arm in protocol["arms"].items():
        unknown = set(arm) - {"class", "params", "input", "treatment", "classifiers"}
        if unknown:
            raise ValueError(
                f"{path.name}: arm {name!r} has unknown keys {sorted(unknown)}; an "
                "arm takes class, params, input, treatment and classifiers."
            )
    return protocol


def build_sampler(arm, ratio, draw, y, source=None):
    """Build the sampler of an arm, or None for the arm that adds nothing.

    The protocol's ratio and the draw's seed are set where the class takes them; the
    host's samplers, which know no ratio, get the same totals as a dict. A `source` that
    has totals of its own gives these to all samplers; without a ratio every class grows
    to the size of the largest. TOML has no null: the text ``"null"`` is None;
    ``"@larger"`` is the encoder learned on the X'' of the source.
    """
    if "class" not in arm:
        return None
    module, _, name = arm["class"].rpartition(".")
    sampler_class = getattr(import_module(module), name)
    accepted = inspect.signature(sampler_class).parameters
    unknown = set(arm.get("params", {})) - set(accepted)
    if unknown:
        raise ValueError(
            f"{name} takes no parameters {sorted(unknown)}; it takes "
            f"{', '.join(accepted)}. Correct the protocol."
        )
    params = {}
    if hasattr(source, "totals"):
        params["sampling_strategy"] = source.totals(y)
    elif ratio is None:
        params["sampling_strategy"] = "auto"
    elif "ratio" in accepted:
        params["ratio"] = ratio
    else:
        totals = {label: round(ratio * n) for label, n in Counter(y).items()}
        params["sampling_strategy"] = totals
    if "random_state" in accepted:
        params["random_state"] = draw
    for key, value in arm.get("params", {}).items():
        params[key] = None if value == "null" else value
        if value == "@larger":
            params[key] = None if source is None else source.pretrained()
    return sampler_class(**params)


def cell_settings(protocol, dataset, arm_name, classifier, draw):
    """Return everything that decides the score of a cell."""
    shared = {
        key: value
        for key, value in protocol.items()
        if key not in {"arms", "datasets", "classifiers", "draws", "name", "packages"}
    }
    return {
        "protocol": protocol["name"],
        "dataset": dataset,
        "arm": arm_name,
        "classifier": classifier,
        "draw": draw,
        "sampler": protocol["arms"][arm_name],
        "settings": shared,
    }


def cell_id(settings):
    """Return a short fingerprint of a cell's settings."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run_protocol(
    protocol,
    out,
    *,
    draws=None,
    arms=None,
    datasets=None,
    data_dir=None,
    rerun=False,
):
    """Run every cell that is missing from `out`; yield its row when it is written."""
    draws = protocol["draws"] if draws is None else draws
    arms = _chosen(protocol, "arms", arms)
    done = set() if rerun else {row["cell"] for row in read_rows(out)}
    provenance = {
        "versions": package_versions(protocol.get("packages", ())),
        "commit": git_commit(),
    }
    for dataset in _chosen(protocol, "datasets", datasets):
        source = None
        for draw in draws:
            for arm in arms:
                cells = {
                    classifier: cell_settings(protocol, dataset, arm, classifier, draw)
                    for classifier in protocol["arms"][arm].get(
                        "classifiers", protocol["classifiers"]
                    )
                }
                missing = {
                    classifier: settings
                    for classifier, settings in cells.items()
                    if cell_id(settings) not in done
                }
                if not missing:
                    continue
                if source is None:
                    source = KINDS[protocol["kind"]](dataset, protocol, data_dir)
                for row in _run_cells(source, protocol, missing, draw, arm):
                    append_row(out, row | provenance)
                    yield row


def _chosen(protocol, key, names):
    """Return the arms or data sets asked for, or all."""
    known = list(protocol[key])
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise ValueError(f"The protocol has no {key} {unknown}; it has {known}.")
    return known if names is None else names


def _run_cells(source, protocol, missing, draw, arm_name):
    """Expand once, then train and score every missing classifier."""
    arm = protocol["arms"][arm_name]
    X, y, X_test, y_test = source.split(draw)
    sampler = build_sampler(arm, protocol.get("ratio"), draw, y, source)
    treated = {"treatment": arm["treatment"]} if "treatment" in arm else {}
    start = time.process_time()
    X_train, y_train = source.expand(sampler, arm.get("input"), X, y)
    expand_cpu_seconds = time.process_time() - start
    for classifier, settings in missing.items():
        start = time.process_time()
        scores = source.score(
            classifier, X_train, y_train, X_test, y_test, draw, **treated
        )
        if not isinstance(scores, dict):
            scores = {"score": scores}
        yield {
            "cell": cell_id(settings),
            **settings,
            "metric": source.metric,
            **scores,
            "n_real": len(y),
            "n_train": len(y_train),
            "n_test": len(y_test),
            "seed": draw,
            "expand_cpu_seconds": round(expand_cpu_seconds, 3),
            "score_cpu_seconds": round(time.process_time() - start, 3),
        }


def package_versions(others=()):
    """Return the versions of what the figures depend on."""
    import skexpand

    versions = {name: version(name) for name in (*PACKAGES, *others)}
    return {
        "python": platform.python_version(),
        "skexpand": skexpand.__version__,
        **versions,
    }


def git_commit():
    """Return the commit of the checkout, marked where its code was changed since."""
    commit = _git("rev-parse", "--short=12", "HEAD")
    # Results change while a protocol runs and decide nothing.
    changed = _git("status", "--porcelain", "--", "skexpand", "protocols/*.py")
    return f"{commit}-dirty" if commit and changed else commit or None


def _git(*arguments):
    command = ["git", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return result.stdout.strip()


def main(arguments=None):
    """Parse the command line, run, and print a line per cell."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("protocol", type=Path, help="a protocols/*.toml")
    parser.add_argument("--draws", type=int, nargs="+", help="some of the draws")
    parser.add_argument("--arms", nargs="+", help="some of the arms")
    parser.add_argument("--datasets", nargs="+", help="some of the data sets")
    parser.add_argument("--out", type=Path, help="default: results/<protocol>.jsonl")
    parser.add_argument("--data-dir", help="default: SKEXPAND_DATA")
    parser.add_argument(
        "--rerun", action="store_true", help="run cells again; the last line counts"
    )
    options = parser.parse_args(arguments)
    out = options.out
    if out is None:
        name = f"{options.protocol.stem}.jsonl"
        out = options.protocol.resolve().parent / "results" / name

    import torch

    # Two threads under contention run slower than one, and may sum in another order.
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for row in run_protocol(
            read_protocol(options.protocol),
            out,
            draws=options.draws,
            arms=options.arms,
            datasets=options.datasets,
            data_dir=options.data_dir,
            rerun=options.rerun,
        ):
            print(
                f"{row['dataset']} draw {row['draw']} {row['arm']} "
                f"{row['classifier']}: {np.round(100 * row['score'], 2)} "
                f"({row['expand_cpu_seconds']:.1f} s to expand, "
                f"{row['score_cpu_seconds']:.1f} s to train and test)",
                flush=True,
            )


if __name__ == "__main__":
    main()
