"""The evaluator finds the answers that are known: good, useless, harmful, copied."""

import numpy as np
import pytest

from tests.evaluation.comparisons import (
    Collapsed,
    Mislabeled,
    Repeat,
    Unseen,
    gaussians,
    run,
)

SAMPLERS = {
    "unseen": Unseen(),
    "copies": Repeat(),
    "mislabeled": Mislabeled(),
    "collapsed": Collapsed(),
}


@pytest.fixture(scope="module")
def report():
    X, y = gaussians(250)
    return run(X, y, SAMPLERS, baselines=["ROS", "real"], n_draws=10)


@pytest.fixture(scope="module")
def frame(report):
    return report.to_frame().set_index("sampler")


def test_unseen_real_rows_are_worth_their_number(frame):
    unseen = frame.loc["unseen"]
    assert unseen.data_multiplier_low <= 4 <= unseen.data_multiplier_high
    assert 2.5 < unseen.data_multiplier < 6
    assert unseen.gain_low > 0
    assert unseen.score == pytest.approx(frame.loc["real x4"].score, abs=0.03)


def test_copies_are_worth_nothing(frame):
    for name in ("ROS", "copies"):
        assert frame.loc[name].data_multiplier < 1.5
        assert frame.loc[name].gain_low < 0.01


def test_wrong_labels_are_worth_less_than_no_rows(frame):
    mislabeled = frame.loc["mislabeled"]
    assert mislabeled.gain_high < 0
    assert not mislabeled.data_multiplier > 1  # below the curve: 1 or no number


def test_the_verdict_is_to_augment_with_the_good_one(report):
    verdict = report.verdict()
    assert (verdict.outcome, verdict.sampler) == ("augment", "unseen")


def test_identical_samplers_score_the_same():
    frame = run(samplers={"a": Unseen(), "b": Unseen()}).to_frame()
    scores = frame.set_index("sampler").score
    assert scores["a"] == scores["b"] != scores["none"]


@pytest.fixture(scope="module")
def quality():
    X, y = gaussians(150)
    return (
        run(X, y, SAMPLERS, n_draws=1, ratio=10, n_per_class=10, quality=True)
        .quality_frame()
        .set_index("sampler")
    )


def test_real_rows_look_real(quality):
    unseen = quality.loc["unseen"]
    assert unseen.two_sample_auc_low < 0.5 < unseen.two_sample_auc_high
    assert unseen.covariance_trace_ratio == pytest.approx(1, abs=0.1)
    assert unseen.neighbor_ratio == pytest.approx(1, abs=0.1)
    assert unseen.duplicate_share == 0
    assert unseen.coverage > 0.9


def test_copying_is_caught_by_the_copying_figures(quality):
    assert quality.loc["copies"].duplicate_share == 1
    assert quality.loc["copies"].neighbor_ratio == 0


def test_collapse_is_caught_by_the_collapse_figures(quality):
    collapsed, unseen = quality.loc["collapsed"], quality.loc["unseen"]
    assert collapsed.covariance_trace_ratio < 0.01
    assert collapsed.energy_distance > 10 * unseen.energy_distance
    assert collapsed.two_sample_auc_low > 0.9


class Shuffled(Unseen):
    """New rows and the originals in any order."""

    def fit_resample(self, X, y):
        X_big, y_big = super().fit_resample(X, y)
        order = np.random.default_rng(0).permutation(len(y_big))
        return X_big[order], y_big[order]


def test_originals_are_no_copies_wherever_they_stand():
    X, y = gaussians(60)
    samplers = {"mine": Shuffled()}
    settings = {"n_draws": 1, "ratio": 3, "n_per_class": 10, "quality": True}
    (row,) = run(X, y, samplers, **settings).quality_frame().itertuples()
    assert row.duplicate_share == 0
    assert row.neighbor_ratio > 0.8


def test_label_drift_is_caught_by_the_oracle(quality):
    agreement = quality.label_agreement
    assert agreement["unseen"] > 0.65
    assert agreement["mislabeled"] < agreement["unseen"] - 0.1
