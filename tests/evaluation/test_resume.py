"""Finished cells are never lost or computed again, and never mixed with others."""

import json
import time

import pytest
from imblearn.over_sampling import SMOTE
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier

from skexpand.evaluation import Report, _plan, read_results
from tests.evaluation.comparisons import Repeat, gaussians, run, scores


class Stopping(Repeat):
    """Stop the run as a user would, at a call that is set from outside."""

    n_left = None

    def fit_resample(self, X, y):
        if Stopping.n_left == 0:
            raise KeyboardInterrupt
        Stopping.n_left -= 1
        return super().fit_resample(X, y)


@pytest.mark.parametrize("n_before", [0, 1, 2])
def test_a_stopped_run_goes_on_where_it_stopped(tmp_path, n_before):
    path = tmp_path / "r.jsonl"
    Stopping.n_left = n_before
    settings = {"samplers": {"a": Stopping()}, "n_draws": 3}
    with pytest.raises(KeyboardInterrupt):
        run(resume=path, **settings)
    assert len(read_results(path)[1]) == 2 * n_before + 1  # none, a, none, a, ...

    Stopping.n_left = 3 - n_before  # a finished cell done anew would be one too many
    resumed = run(resume=path, **settings)
    Stopping.n_left = 3
    assert scores(resumed) == scores(run(**settings))
    assert scores(Report.from_file(path)) == scores(resumed)


def test_a_stopped_run_without_a_file_reports_what_it_has():
    Stopping.n_left = 1
    with pytest.warns(RuntimeWarning, match="Stopped after 3 of 6 cells"):
        report = run(samplers={"a": Stopping()}, n_draws=3)
    assert len(report.rows) == 3


def test_a_file_grows_by_samplers_classifiers_sizes_and_draws(tmp_path):
    path = tmp_path / "r.jsonl"
    Stopping.n_left = 2
    run(samplers={"a": Stopping()}, resume=path)
    more = run(
        samplers={"a": Stopping(), "b": Repeat()}, baselines=["ROS"], resume=path
    )
    assert len(more.rows) == 4 * 2
    Stopping.n_left = 1 + 3
    most = run(
        samplers={"a": Stopping()},
        resume=path,
        n_draws=3,
        n_per_class=[5, 8],
    )
    assert Stopping.n_left == 0
    assert len(most.rows) == 2 * 2 * 3
    assert len(path.read_text().splitlines()) == 1 + len(read_results(path)[1])


def test_failed_cells_are_tried_again(tmp_path):
    path = tmp_path / "r.jsonl"

    class Moody(Repeat):
        fails = True

        def fit_resample(self, X, y):
            if self.fails:
                raise OSError("disk full")
            return super().fit_resample(X, y)

    with pytest.warns(RuntimeWarning, match="disk full"):
        run(samplers={"a": Moody()}, resume=path)
    Moody.fails = False
    report = run(samplers={"a": Moody()}, resume=path)
    assert [row["skipped"] for row in report.rows] == [None] * 4


def test_a_truncated_file_loses_one_cell(tmp_path):
    path = tmp_path / "r.jsonl"
    expected = run(samplers={"a": Repeat()}, resume=path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.warns(RuntimeWarning, match="left out 1 damaged line.*number 5; 3 "):
        found = run(samplers={"a": Repeat()}, resume=path)
    assert scores(found) == scores(expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ratio": 5}, "ratio was 4.0, is 5.0"),
        ({"random_state": 1}, "seed was 0, is 1"),
        ({"scoring": "accuracy"}, "scoring was .'balanced_accuracy'., is .'accuracy'."),
        (
            {"scoring": {"balanced_accuracy": make_scorer(f1_score)}},
            "scoring was .'balanced_accuracy'., is ..balanced_accuracy: make_scorer",
        ),
        ({"test_size": 0.3}, "test was 0.5, is 0.3"),
        ({"X": gaussians(60, seed=5)[0]}, "data was"),
    ],
)
def test_a_file_of_another_protocol_is_refused(tmp_path, change, message):
    path = tmp_path / "r.jsonl"
    X, y = gaussians(60)
    run(X, y, resume=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"another protocol: {message}"):
        run(**{"X": X, "y": y, "resume": path, **change})
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"samplers": {"a": SMOTE(k_neighbors=2)}},
            "sampler 'a' .* k_neighbors was 1, is 2",
        ),
        (
            {"classifiers": {"LR": LogisticRegression(C=2)}},
            "classifier 'LR' .* C was 1.0, is 2",
        ),
    ],
)
def test_a_name_stands_for_one_set_of_parameters(tmp_path, change, message):
    settings = {"samplers": {"a": SMOTE(k_neighbors=1)}, "resume": tmp_path / "r.jsonl"}
    run(**settings)
    with pytest.raises(ValueError, match=message):
        run(**{**settings, **change})


class Learning(Repeat):
    """A sampler that gets a parameter, as from one release to the next."""

    def __init__(self, learned=None):
        super().__init__()
        self.learned = learned

    def fit_resample(self, X, y):
        raise AssertionError("a finished cell is computed again")


def forget(path, name):
    """Write a results file as if a parameter had not been there."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for row in lines[1:]:
        for described in row["parameters"].values():
            for key in [key for key in described if key.rpartition("__")[2] == name]:
                del described[key]
        row["cell"] = row["cell"][::-1]  # its hash was another one
    path.write_text("".join(json.dumps(row) + "\n" for row in lines))


def test_a_parameter_that_came_since_does_not_void_what_is_stored(tmp_path):
    path = tmp_path / "r.jsonl"
    search = GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2)
    settings = {"resume": path, "classifiers": {"LR": LogisticRegression()}}
    settings["classifiers"]["search"] = search
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learning, "fit_resample", Repeat.fit_resample)
        expected = run(samplers={"a": Learning()}, **settings)
    forget(path, "learned")
    forget(path, "tol")  # of the estimator inside too
    before = path.read_bytes()
    found = run(samplers={"a": Learning()}, **settings)
    assert [row["scores"] for row in found.rows] == [
        row["scores"] for row in expected.rows
    ]
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="learned was not there, is 3"):
        run(samplers={"a": Learning(learned=3)}, **settings)


def test_a_parameter_that_went_is_another_one(tmp_path):
    settings = {"resume": tmp_path / "r.jsonl", "baselines": []}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learning, "fit_resample", Repeat.fit_resample)
        run(samplers={"a": Learning()}, **settings)
    with pytest.raises(ValueError, match="class was .*Learning.*learned was None, is "):
        run(samplers={"a": Repeat()}, **settings)


@pytest.mark.parametrize("text", ["import os\n", '{"name": "mine"}\n', "a,b\n1,2\n"])
def test_a_file_of_something_else_is_left_alone(tmp_path, text):
    path = tmp_path / "mine.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match="mine.txt holds no results"):
        run(resume=path)
    assert path.read_text() == text
    with pytest.raises(ValueError, match="is a folder. Name a file in it"):
        run(resume=tmp_path)


def test_a_header_that_a_kill_cut_off_is_written_again(tmp_path):
    path = tmp_path / "r.jsonl"
    first = run(resume=path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.warns(RuntimeWarning, match="1 damaged line"):
        assert scores(run(resume=path)) == scores(first)


def test_without_a_seed_a_file_goes_on_with_its_own(tmp_path):
    path = tmp_path / "r.jsonl"
    first = run(random_state=None, resume=path)
    assert scores(run(random_state=None, resume=path)) == scores(first)


def test_a_file_whose_header_is_lost_goes_on(tmp_path):
    path = tmp_path / "r.jsonl"
    expected = run(resume=path)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(ValueError, match="its first line, .* is lost"):
        run(resume=path, ratio=5)
    assert scores(run(resume=path)) == scores(expected)
    assert read_results(path)[0]["settings"]["ratio"] == 4


def test_a_thousand_cells_resume_in_two_seconds(tmp_path):
    path = tmp_path / "r.jsonl"
    settings = {
        "samplers": {str(number): Repeat() for number in range(4)},
        "classifiers": {str(c): KNeighborsClassifier(c) for c in (1, 2, 3, 4)},
    }
    run(n_draws=1, resume=path, **settings)
    # Every other draw is written by hand: computing them is not what is timed.
    rows = {(r["sampler"], r["classifier"]): r for r in read_results(path)[1]}
    hashes = {}
    original = _plan.Plan.cells

    def keep(self, *arguments):
        hashes.update(original(self, *arguments))
        return hashes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_plan.Plan, "cells", keep)
        patch.setattr("skexpand.evaluation._compare.run_units", lambda *_, **__: [])
        run(n_draws=50, resume=path, **settings)
    with path.open("a") as file:
        for key, cell in hashes.items():
            row = rows[cell.arm.name, cell.classifier]
            file.write(json.dumps({**row, "cell": key, "draw": cell.draw}) + "\n")

    start = time.perf_counter()
    report = run(n_draws=50, resume=path, **settings)
    assert len(report.rows) == 1000
    assert time.perf_counter() - start < 2
