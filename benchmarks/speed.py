"""Seconds and peak memory of expanding: ``python benchmarks/speed.py``.

Every measurement runs in a process of its own, several times in turn with the others,
so that all arms see the same machine. Appends one JSON line per task and arm, with the
median seconds and their ratio to SMOTE and to passing the data through unchanged
(imbalanced-learn's ``FunctionSampler``: validation and nothing else).
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
# Started as a script, Python looks in this folder and not in the repository.
sys.path.insert(0, str(ROOT))

from protocols.journal import append_row  # noqa: E402
from protocols.run import git_commit  # noqa: E402

# Rows, columns and growth of the tables.
TABLES = {
    "table": (100, 20, 10),
    "wide": (500, 60, 10),
    "tall": (100_000, 50, 2),
    "million": (100, 20, 10_000),
    "levels": (10_000, 6, 2),
}
# Name of the images, and how often every pixel is repeated along each side.
IMAGES = {"mnist": ("mnist", 1), "large": ("cifar10", 4)}
TASKS = ("table", "mnist", "million", "wide", "tall", "levels", "large")
CUDA = "ES, CUDA"
ARMS = ("none", "SMOTE", "classical", "ES", CUDA)
RATIO = 10


def make_table(n, p, has_levels=False):
    """Return two overlapping classes with correlated columns, no rows alike.

    With levels the first column is a category that repeats no level: the worst case.
    """
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], n // 2)
    X = rng.standard_normal((n, p)) @ rng.standard_normal((p, p)) + y[:, None]
    if has_levels:
        X = X.astype(object)
        X[:, 0] = [f"level {i}" for i in rng.permutation(n)]
    return X, y


def load_few(name, enlargement, n_per_class=10):
    """Return ten images of every class, each side so many times as long."""
    from skexpand.datasets import few_shot, load_images

    data = load_images(name)
    train, _ = few_shot(data.X_train, data.y_train, n_per_class, random_state=0)
    X = data.X_train[train].repeat(enlargement, axis=1).repeat(enlargement, axis=2)
    return X, data.y_train[train]


def make_sampler(arm, y, n_rows):
    """Build the sampler of an arm that ends with `n_rows` rows, classes as they are."""
    from imblearn import FunctionSampler
    from imblearn.over_sampling import SMOTE

    totals = {label: n * n_rows // len(y) for label, n in Counter(y).items()}
    if arm == "none":
        return FunctionSampler()
    if arm == "SMOTE":
        return SMOTE(sampling_strategy=totals, random_state=0)
    if arm == "classical":
        from skexpand.baselines.images import ClassicalAugmenter

        return ClassicalAugmenter(sampling_strategy=totals, random_state=0)
    from skexpand import ExpansiveSynthesizer

    device = "cuda" if arm == CUDA else "cpu"
    return ExpansiveSynthesizer(sampling_strategy=totals, device=device, random_state=0)


def measure(task, arm, threads):
    """Run one task once and return its seconds and memory; meant for a fresh process.

    Imports and data are ready before the clock starts. ``million`` times only the
    sampling where the arm was fitted before, and the whole of the others: SMOTE keeps
    no fitted state, and ``none`` passes on as many rows as the others end with.
    """
    import torch

    torch.set_num_threads(threads)
    n, p, ratio = TABLES.get(task, (None, None, RATIO))
    is_image = task in IMAGES
    X, y = load_few(*IMAGES[task]) if is_image else make_table(n, p, task == "levels")
    if is_image and arm in ("none", "SMOTE"):
        X = X.reshape(len(X), -1).astype(np.float64)
    n_rows = ratio * len(y)
    if task == "million" and arm == "none":
        X, y = np.tile(X, (n_rows // len(y), 1)), np.tile(y, n_rows // len(y))
    sampler = make_sampler(arm, y, n_rows)
    is_only_sampling = task == "million" and arm in ("ES", CUDA)
    if arm == CUDA:
        torch.zeros(1, device="cuda")  # starts the device
    if is_only_sampling:
        sampler.fit(X, y)
    before = peak_megabytes()
    start, start_cpu = time.perf_counter(), time.process_time()
    if is_only_sampling:
        X_big, _ = sampler.sample(n_rows)
    else:
        X_big, _ = sampler.fit_resample(X, y)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "cpu_seconds": time.process_time() - start_cpu,
        "rows": len(X_big),
        "peak_mb_before": before,
        "peak_mb": peak_megabytes(),
    }


def peak_megabytes():
    """Return the largest resident memory of this process so far."""
    status = Path("/proc/self/status")
    if status.is_file():  # a child's ru_maxrss starts at its parent's on Linux
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measure_apart(task, arm, threads):
    """Call `measure` in a fresh process."""
    command = [sys.executable, __file__, "--one", task, arm, "--threads", str(threads)]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    result = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(result.stdout.splitlines()[-1])


def summarize(task, measurements):
    """Return one row per arm: medians, and ratios of medians within this run."""
    medians = {
        arm: {key: float(np.median([one[key] for one in runs])) for key in runs[0]}
        for arm, runs in measurements.items()
    }
    rows = []
    for arm, median in medians.items():
        row = {"task": task, "arm": arm, "repeats": len(measurements[arm]), **median}
        for reference in ("SMOTE", "none"):
            if reference in medians:
                against = medians[reference]["seconds"]
                row[f"ratio_to_{reference}"] = median["seconds"] / against
        rows.append(row)
    return rows


def arms_of(task, arms):
    """Return the arms that can do a task.

    Only images have a classical augmentation, SMOTE takes no categories, and not every
    machine has a GPU.
    """
    import torch

    left_out = dict.fromkeys(IMAGES, set()) | {"levels": {"classical", "SMOTE", "none"}}
    left_out = left_out.get(task, {"classical"})
    if not torch.cuda.is_available():
        left_out = left_out | {CUDA}
    return [arm for arm in arms if arm not in left_out]


def main(arguments=None):
    """Parse the command line, measure, append and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    default = Path(__file__).resolve().parent / "results" / "speed.jsonl"
    parser.add_argument("--out", type=Path, default=default)
    parser.add_argument("--one", nargs=2, metavar=("TASK", "ARM"), help="internal")
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(measure(*options.one, options.threads)))
        return

    machine = {
        "threads": options.threads,
        "n_cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "imbalanced-learn": version("imbalanced-learn"),
        "commit": git_commit(),
    }
    for task in options.tasks:
        arms = arms_of(task, options.arms)
        measurements = {arm: [] for arm in arms}
        for _ in range(options.repeats):
            for arm in arms:
                measurements[arm].append(measure_apart(task, arm, options.threads))
        for row in summarize(task, measurements):
            append_row(options.out, row | machine)
            ratios = ", ".join(
                f"{row[key]:.3g} x {key.removeprefix('ratio_to_')}"
                for key in ("ratio_to_SMOTE", "ratio_to_none")
                if key in row
            )
            print(
                f"{task} {row['arm']}: {row['seconds']:.3f} s ({ratios}), "
                f"peak {row['peak_mb']:.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
