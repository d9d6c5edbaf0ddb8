"""Comparisons are paired and resumable, and wrong input is refused before any work."""

import inspect
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from imblearn.under_sampling import RandomUnderSampler
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.neighbors import KNeighborsClassifier

import skexpand.evaluation
from skexpand.evaluation import compare
from skexpand.evaluation._compare import check_scoring
from tests.contracts.rules import imported_names
from tests.evaluation.comparisons import Repeat, Unseen, gaussians, run, scores


class Watching(Repeat):
    """Keep what was handed over."""

    seen = []

    def fit_resample(self, X, y):
        self.seen.append((X, self.ratio, self.random_state))
        return super().fit_resample(X, y)


def test_arms_of_a_draw_get_the_same_small_set():
    Watching.seen.clear()
    run(samplers={"a": Watching(), "b": Watching()}, n_draws=2)
    (a0, b0, a1, b1) = Watching.seen
    np.testing.assert_array_equal(a0[0], b0[0])
    assert a0[1:] == b0[1:] != a1[1:]
    assert not np.array_equal(a0[0], a1[0])


def test_samplers_see_no_test_row():
    X, y = gaussians(40)
    Watching.seen.clear()
    report = run(X, y, {"a": Watching()}, n_per_class=None, n_draws=1)
    ((seen, _, _),) = Watching.seen
    assert len(seen) == 40 == report.rows[0]["n_test"]


def test_results_do_not_depend_on_what_else_is_compared():
    alone = run(samplers={"b": Unseen()}, n_draws=1)
    many = run(samplers={"a": Repeat(), "b": Unseen()}, baselines=["ROS"])
    known = dict(scores(many))
    for cell, value in scores(alone):
        assert known[cell] == value


def test_results_repeat_with_the_seed():
    settings = {"baselines": ["SMOTE", "jitter"], "n_draws": 1, "quality": True}
    classifiers = {"forest": RandomForestClassifier(n_estimators=5)}
    first, second, other = (
        run(classifiers=classifiers, random_state=seed, **settings)
        for seed in (0, 0, 1)
    )
    assert scores(first) == scores(second)
    assert [r["quality"] for r in first.rows] == [r["quality"] for r in second.rows]
    assert scores(first) != scores(other)


def test_test_rows_may_be_given():
    X, y = gaussians(40)
    X_test, y_test = gaussians(30, seed=1)
    report = run(X, y, X_test=X_test, y_test=y_test)
    assert {row["n_test"] for row in report.rows} == {60}
    assert report.settings["test"] == "given"


def test_workers_give_the_same_scores():
    expected = run(samplers={"a": Unseen()})
    with joblib.parallel_config("threading"):
        found = run(samplers={"a": Unseen()}, n_jobs=2)
    assert scores(found) == scores(expected)


@pytest.mark.slow
def test_processes_give_the_same_scores(tmp_path):
    settings = {"samplers": {"a": Unseen()}, "baselines": True, "quality": True}
    found = run(n_jobs=2, resume=tmp_path / "r.jsonl", **settings)
    assert scores(found) == scores(run(**settings))


@pytest.mark.slow
@pytest.mark.global_random  # the cluster draws names for itself
@pytest.mark.filterwarnings("ignore")  # of its own housekeeping
def test_a_dask_cluster_gives_the_same_scores():
    distributed = pytest.importorskip("distributed")
    expected = run(samplers={"a": Unseen()})
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        with distributed.Client(cluster), joblib.parallel_config("dask"):
            found = run(samplers={"a": Unseen()})
    assert scores(found) == scores(expected)


@pytest.mark.slow
def test_the_evaluator_costs_two_percent_of_its_classifiers():
    X, y = gaussians(400)
    classifiers = {"forest": RandomForestClassifier(n_estimators=100)}
    run(baselines=["ROS"])  # what is looked up once a process is no cell's time
    start = time.perf_counter()
    report = run(X, y, classifiers=classifiers, baselines=["ROS"], n_draws=10)
    wall = time.perf_counter() - start
    work = sum(sum(row["seconds"].values()) for row in report.rows)
    assert wall - work < 0.02 * work


def test_frames_with_gaps_run_through_every_baseline():
    X, y = gaussians(40)
    frame = pd.DataFrame(X[:, :4], columns=list("pqrs"))
    frame["kind"] = np.array(["x", "y", None], dtype=object)[np.arange(len(y)) % 3]
    frame["count"] = pd.array(y + np.arange(len(y)) % 2, dtype="Int64")
    frame.loc[::7, "p"] = np.nan
    frame.loc[::9, "count"] = pd.NA
    rows = run(frame, y, baselines=True, n_draws=1).rows
    skipped = {row["sampler"] for row in rows if row["skipped"]}
    assert skipped == {"class weights", "SMOTE balanced"}
    grown = [row for row in rows if row["sampler"] not in ("none", "threshold", "real")]
    assert {row["n_train"] for row in grown if not row["skipped"]} == {40}
    (row,) = run(frame, y, baselines=["SMOTE"], n_draws=1, quality=True).rows[1:]
    assert row["quality"]


def test_images_run_through_every_baseline():
    from skexpand.datasets import load_digits_images

    X, y = load_digits_images()
    X, y = X[:500], y[:500]
    rows = run(
        X, y, classifiers={"k-NN": KNeighborsClassifier(1)}, baselines=True, n_draws=1
    ).rows
    skipped = {row["sampler"] for row in rows if row["skipped"]}
    assert skipped == {"class weights", "threshold", "SMOTE balanced"}
    assert {r["n_train"] for r in rows if r["sampler"] == "classical"} == {200}


def test_real_sets_stop_where_the_pool_does():
    X, y = gaussians(60)  # 30 of each class to train on
    rows = run(X, y, baselines=["real"], ratio=8, n_draws=1).rows
    found = {row["multiple"]: row["skipped"] for row in rows if row["multiple"]}
    assert found == {
        2: None,
        5: None,
        8: "needs 40 real rows a class, the pool has 30",
    }


def test_a_sampler_of_another_size_is_kept_and_named():
    with pytest.warns(RuntimeWarning, match=r"a returned 10 rows, not 4 times"):
        rows = run(samplers={"a": RandomUnderSampler()}).rows
    assert [row["n_train"] for row in rows] == [10] * 4


def test_several_metrics_are_scored_the_first_is_primary():
    metrics = ["accuracy", "roc_auc", "neg_log_loss"]
    report = run(scoring=metrics)
    assert list(report.rows[0]["scores"]) == metrics
    assert report.metric == "accuracy"


def test_a_second_metric_that_a_classifier_lacks_is_left_out():
    from sklearn.svm import LinearSVC

    rows = run(scoring=["accuracy", "neg_log_loss"], classifiers=LinearSVC()).rows
    assert [list(row["scores"]) for row in rows] == [["accuracy"]] * 2
    assert rows[0]["calibration"] == {}


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"scoring": "acuracy"}, ValueError, "got 'acuracy'. Did you mean accuracy"),
        ({"scoring": []}, ValueError, "at least one metric"),
        ({"scoring": [make_scorer(f1_score)] * 2}, ValueError, "one name .* score, sc"),
        ({"scoring": {"mine": 3}}, TypeError, "must be a name or a callable"),
        ({"samplers": {"x": object()}}, TypeError, "must have a method fit_resample"),
        ({"n_per_class": 1000}, ValueError, "n_per_class=1000 rows, but class"),
        ({"ratio": 1}, ValueError, "ratio must be a number above 1, got 1"),
        ({"n_draws": 0}, ValueError, "n_draws must be an int of at least 1, got 0"),
        ({"y_test": [0]}, ValueError, "X_test is missing"),
    ],
)
def test_wrong_input_is_refused_before_any_work(
    tmp_path, monkeypatch, settings, error, message
):
    monkeypatch.setattr("skexpand.evaluation._compare.run_units", None)
    with pytest.raises(error, match=message):
        run(resume=tmp_path / "r.jsonl", **settings)
    assert list(tmp_path.iterdir()) == []


def test_metrics_may_be_callables():
    def share(estimator, X, y):
        return 0.5

    assert list(check_scoring(share)) == ["share"]
    mine = {"mine": make_scorer(accuracy_score)}
    assert run(scoring=mine).rows[0]["scores"].keys() == {"mine"}


def test_progress_shows_cells_and_time_left(capsys):
    run(progress=True)
    shown = capsys.readouterr().err
    assert "2/2" in shown and "cell/s" in shown
    run()
    assert capsys.readouterr().err == ""


FORBIDDEN = ("_synthesizer", "_encoder", "training", "pretraining", "expansion", "nn")


def test_the_evaluator_does_not_know_our_own_sampler():
    for path in Path(skexpand.evaluation.__file__).parent.glob("*.py"):
        for name in imported_names(path):
            assert name.split(".")[:2] not in [["skexpand", each] for each in FORBIDDEN]
            assert not name.endswith("ExpansiveSynthesizer")


def test_public_names_are_there():
    for name in skexpand.evaluation.__all__:
        assert getattr(skexpand.evaluation, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'judge'"):
        _ = skexpand.evaluation.judge
    assert "compare" in dir(skexpand.evaluation)


def test_signature_of_the_issue():
    names = ["X", "y", "samplers", "classifiers", "n_per_class", "ratio", "n_draws"]
    assert list(inspect.signature(compare).parameters)[:7] == names
