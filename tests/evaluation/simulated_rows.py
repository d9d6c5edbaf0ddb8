"""Rows as a comparison writes them, with scores whose gains and worth are known."""

import numpy as np

GAINS = {"none": 0.0, "ROS": 0.0, "SMOTE": 0.02, "ES": 0.06}


def simulate(
    gains=GAINS,
    *,
    classifiers=("logistic", "SVM"),
    sizes=(10,),
    datasets=("digits",),
    multiples=(2, 5, 10),
    n_draws=5,
    seed=0,
):
    """Make rows and a header.

    Doubling the real data adds 0.04, and draws differ by 0.02 which all arms share: an
    arm that gains 0.04 is worth 2x. What is left is noise of 0.002.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for dataset in datasets:
        for n in sizes:
            for draw in range(n_draws):
                level = 0.5 + rng.normal(0, 0.02)
                arms = [(name, None, gain) for name, gain in gains.items()]
                arms += [("real", float(m), 0.04 * np.log2(m)) for m in multiples]
                for classifier in classifiers:
                    for sampler, multiple, gain in arms:
                        score = level + gain + rng.normal(0, 0.002)
                        rows.append(
                            make_row(
                                dataset, n, draw, classifier, sampler, multiple, score
                            )
                        )
    header = {"header": True, "protocol": "p" * 16, "settings": {"n_draws": n_draws}}
    return rows, header


def make_row(dataset, n, draw, classifier, sampler, multiple, score):
    return {
        "cell": f"{dataset}{n}{draw}{classifier}{sampler}{multiple}",
        "protocol": "p" * 16,
        "dataset": dataset,
        "sampler": sampler,
        "multiple": multiple,
        "classifier": classifier,
        "n_per_class": n,
        "draw": draw,
        "ratio": 10.0,
        "n_real": 10 * n,
        "n_train": 100 * n,
        "n_test": 500,
        "overlap": 0.0,
        "scores": {"balanced_accuracy": float(score), "neg_log_loss": float(score) - 2},
        "calibration": {"brier": 0.2, "ece": 0.1 if classifier == "SVM" else 0.3},
        "quality": {"coverage": 0.1 * draw} if classifier == "logistic" else {},
        "seconds": {"resample": 1.0, "fit": 2.0, "score": 4.0},
        "peak_memory_mb": 100.0,
        "skipped": None,
        "seed": 1000 + draw,
        "device": "cpu",
        "parameters": {"sampler": {"ratio": "10"}, "classifier": {}},
        "versions": {"python": "3.12"},
        "commit": "abc1234",
        "time": "2026-01-01T00:00:00+00:00",
    }


def skip(row, reason):
    return row | {"scores": {}, "calibration": {}, "quality": {}, "skipped": reason}
