"""One unit resamples once, keeps to one thread, and outlives what fails in it."""

import re

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from threadpoolctl import threadpool_info

from skexpand import __version__
from skexpand.evaluation import runner
from skexpand.evaluation._memory import PeakMemory
from skexpand.evaluation.runner import Predicted, commit, versions
from tests.evaluation.comparisons import Repeat, gaussians, run

KEYS = {
    *("cell", "protocol", "dataset", "sampler", "multiple", "classifier"),
    *("n_per_class", "draw", "ratio", "n_real", "n_train", "n_test", "overlap"),
    *("scores", "calibration", "quality", "seconds", "peak_memory_mb", "skipped"),
    *("seed", "device", "parameters", "versions", "commit", "time"),
}


def test_every_row_has_every_key_even_where_it_was_skipped():
    rows = run(baselines=["SMOTE balanced", "ROS"]).rows
    assert {row["sampler"] for row in rows if row["skipped"]} == {"SMOTE balanced"}
    for row in rows:
        assert set(row) == KEYS


def test_a_row_says_what_was_done():
    (row, *_) = [row for row in run(baselines=["ROS"]).rows if row["sampler"] == "ROS"]
    assert (row["n_real"], row["n_train"], row["n_test"]) == (10, 40, 60)
    assert row["parameters"]["classifier"]["C"] == "1.0"
    assert row["seconds"]["fit"] > 0
    assert 0 <= row["calibration"]["ece"] <= 1
    assert 0 <= row["calibration"]["brier"] <= 2


class Counting(Repeat):
    """Keep what was handed over, in the class, as every cell copies the sampler."""

    calls = []

    def fit_resample(self, X, y):
        self.calls.append(X)
        return super().fit_resample(X, y)


def test_a_unit_resamples_once_for_all_classifiers():
    Counting.calls.clear()
    run(
        samplers={"mine": Counting()},
        classifiers={"a": LogisticRegression(), "b": LogisticRegression(C=0.1)},
        n_draws=3,
    )
    assert [len(X) for X in Counting.calls] == [10] * 3


class Threads(Repeat):
    """Count the threads that a sampler may use."""

    seen = []

    def fit_resample(self, X, y):
        self.seen.append(torch.get_num_threads())
        self.seen.extend(pool["num_threads"] for pool in threadpool_info())
        return super().fit_resample(X, y)


def test_a_cell_has_one_thread_and_gives_the_others_back(monkeypatch):
    limits = []
    monkeypatch.setattr(torch, "set_num_threads", limits.append)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    run(samplers={"mine": Threads()}, n_draws=1)
    assert limits == [1, 7, 1, 7]
    assert set(Threads.seen[1:]) == {1}


class Failing(Repeat):
    def fit_resample(self, X, y):
        raise RuntimeError("no  memory\nleft")


class FailingClassifier(LogisticRegression):
    def fit(self, X, y):
        raise RuntimeError("not today")


def test_a_failing_sampler_costs_its_own_cells_only():
    with pytest.warns(RuntimeWarning, match=r"bad failed in 2 cells \(LR\): Runtime"):
        rows = run(samplers={"bad": Failing(), "good": Repeat()}).rows
    reasons = {row["sampler"]: row["skipped"] for row in rows}
    assert reasons["bad"] == "error: RuntimeError: no memory left"
    assert reasons["good"] is reasons["none"] is None


def test_a_failing_classifier_costs_its_own_cells_only():
    classifiers = {"bad": FailingClassifier(), "good": LogisticRegression()}
    with pytest.warns(RuntimeWarning, match=r"none failed in 2 cells \(bad\)"):
        rows = run(classifiers=classifiers).rows
    assert [row["skipped"] for row in rows if row["classifier"] == "good"] == [None] * 2


def test_figures_that_fail_leave_the_scores(monkeypatch):
    def fail(*_, **__):
        raise ValueError("too few rows")

    monkeypatch.setattr("skexpand.evaluation.metrics.quality", fail)
    (row,) = run(samplers={"mine": Repeat()}, quality=True, n_draws=1).rows[1:]
    assert row["scores"]
    assert row["quality"] == {}
    assert row["quality_skipped"] == "error: ValueError: too few rows"


def test_figures_are_stored_once_for_all_classifiers():
    rows = run(
        samplers={"mine": Repeat()},
        classifiers={"a": LogisticRegression(), "b": LogisticRegression(C=0.1)},
        quality=True,
        n_draws=1,
    ).rows
    measured = [(row["sampler"], row["classifier"]) for row in rows if row["quality"]]
    assert measured == [("mine", "a")]


class Costly(ClassifierMixin, BaseEstimator):
    """A fitted classifier that counts its predictions."""

    classes_ = np.array([0, 1])
    n_calls = 0

    def predict_proba(self, X):
        self.n_calls += 1
        return np.column_stack([1 - X[:, 0], X[:, 0]])


def test_several_metrics_predict_once():
    model = Costly()
    predicted, X = Predicted(model), np.linspace(0, 1, 10)[:, None]
    for name in ("neg_log_loss", "neg_brier_score", "roc_auc"):
        get_scorer(name)(predicted, X, np.arange(10) // 5)
    assert model.n_calls == 1
    assert not hasattr(predicted, "decision_function")


def test_thresholds_are_tuned_for_what_they_move():
    scorer = object()
    assert runner._threshold_metric({"f1": scorer}) is scorer
    assert runner._threshold_metric({"roc_auc": scorer}) == "balanced_accuracy"


def test_peak_memory_sees_what_was_given_back():
    with PeakMemory() as large:
        np.ones(8_000_000).sum()  # 61 MB, freed at once
    with PeakMemory() as small:
        np.ones(1000).sum()
    assert 50 < large.mb < 90
    assert small.mb < 10


def test_versions_name_the_packages_of_the_arms():
    found = versions(Repeat(), np.random.RandomState(0))
    assert found["skexpand"] == __version__
    assert {"numpy", "scikit-learn", "torch", "python"} <= set(found)


def test_commit_is_a_hash_or_nothing():
    assert commit() is None or re.fullmatch(r"[0-9a-f]{40}", commit())


def test_labels_may_be_words():
    X, y = gaussians(40)
    names = np.array(["no", "yes"])
    words, numbers = run(X, names[y]), run(X, y)
    assert [row["scores"] for row in words.rows] == [
        row["scores"] for row in numbers.rows
    ]
