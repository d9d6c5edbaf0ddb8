"""`skexpand compare` reads a table, delegates, and prints what the report says."""

import inspect

import numpy as np
import pandas as pd
import pytest

import skexpand
from skexpand import _cli
from skexpand.evaluation import compare, read_results
from tests.evaluation.comparisons import Repeat, gaussians


@pytest.fixture
def table(tmp_path):
    X, y = gaussians(40)
    frame = pd.DataFrame(X[:, :3], columns=list("abc"))
    frame["kind"] = np.array(["p", "q", None], dtype=object)[np.arange(80) % 3]
    frame["label"] = np.array(["no", "yes"])[y]
    path = tmp_path / "small.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture
def recorded(monkeypatch):
    """Replace the comparison by one that keeps what it was asked for."""
    calls = []

    class Report:
        def __str__(self):
            return "the report"

        def to_html(self, path):
            path.write_text("page")

    def record(X, y, samplers, **settings):
        calls.append({"samplers": samplers, **settings})
        return Report()

    monkeypatch.setattr("skexpand.evaluation.compare", record, raising=False)
    return calls


@pytest.mark.slow
def test_a_table_is_compared_from_the_command_line(table, tmp_path, capsys):
    path, page = tmp_path / "r.jsonl", tmp_path / "r.html"
    arguments = ["compare", str(table), "--target", "label", "--n-per-class", "5"]
    arguments += ["--ratio", "3", "--draws", "2", "--random-state", "0"]
    arguments += ["--samplers", "SMOTE", "imblearn.over_sampling.RandomOverSampler"]
    arguments += ["--resume", str(path), "--html", str(page)]
    assert _cli.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "SMOTE" in printed and "RandomOverSampler" in printed
    assert "2 draws" in printed  # of the verdict
    assert f"wrote {page}" in printed
    assert page.stat().st_size > 1000
    header, rows = read_results(path)
    assert header["settings"]["dataset"] == "small"
    assert {row["sampler"] for row in rows} == {
        "none",
        "SMOTE",
        "RandomOverSampler",
        "real",
    }


def test_options_not_given_are_not_passed_on(table, recorded, monkeypatch):
    monkeypatch.setitem(vars(skexpand), "ExpansiveSynthesizer", Repeat)
    assert _cli.main(["compare", str(table), "--target", "label"]) == 0
    (call,) = recorded
    assert list(call.pop("samplers")) == ["ES"]
    assert call == {"baselines": True, "dataset": "small", "progress": True}


def test_every_option_is_a_parameter_of_compare(table, recorded, tmp_path, capsys):
    arguments = ["compare", str(table), "--target", "label", "--n-per-class", "5", "9"]
    arguments += ["--ratio", "3", "--draws", "4", "--test-size", "0.3", "--n-jobs", "2"]
    arguments += ["--scoring", "accuracy", "f1", "--random-state", "7"]
    arguments += ["--samplers", "ES", "jitter", "--resume", str(tmp_path / "r")]
    assert _cli.main(arguments) == 0
    (call,) = recorded
    assert list(call.pop("samplers")) == ["ES"]
    assert call == {
        "baselines": ["real", "jitter"],
        "n_per_class": [5, 9],
        "ratio": 3.0,
        "n_draws": 4,
        "test_size": 0.3,
        "n_jobs": 2,
        "scoring": ["accuracy", "f1"],
        "random_state": 7,
        "resume": tmp_path / "r",
        "dataset": "small",
        "progress": True,
    }
    assert set(call) <= set(inspect.signature(compare).parameters)
    assert capsys.readouterr().out == "the report\n"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--target", "nothing"], "Expected a column 'nothing'"),
        (["--target", "label", "--samplers", "GAN"], "ADASYN, got 'GAN'"),
        (["--target", "label", "--samplers", "imblearn.Nothing"], "class 'Nothing' in"),
        (["--target", "label", "--samplers", "no_such.Thing"], "No module named"),
        (["--target", "label", "--samplers", "sklearn.svm.SVC"], "with fit_resample"),
        (["--target", "label", "--n-per-class", "999"], "n_per_class=999 rows"),
    ],
)
def test_bad_requests_are_refused_in_one_line(table, capsys, more, message):
    assert _cli.main(["compare", str(table), *more]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
