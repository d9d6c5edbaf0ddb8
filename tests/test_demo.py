"""The demo's arithmetic and words, on scores made up to have a known answer."""

import numpy as np
import pytest

from skexpand import _demo

ARMS = ["none", "SMOTE", "ES"]


def make_scores(*arm_means, spread=0.0, n_draws=5):
    """Scores (n_arms, n_draws, 2) with the given means and draws `spread` apart."""
    steps = np.linspace(-spread, spread, n_draws)
    scores = np.empty((len(arm_means), n_draws, 2))
    for i, mean in enumerate(arm_means):
        # Turned around for every other arm, so that the differences spread as well.
        scores[i] = (mean + steps * (-1) ** i)[:, np.newaxis]
    return scores


def test_interval_equals_the_one_sample_t_interval():
    from scipy.stats import ttest_1samp

    rng = np.random.default_rng(0)
    scores, reference = rng.random((5, 3)), rng.random((5, 3))
    gain = _demo.paired_gain(scores, reference)
    expected = ttest_1samp(100 * (scores - reference).mean(axis=1), 0)
    interval = expected.confidence_interval(0.95)
    assert gain.low == pytest.approx(interval.low)
    assert gain.high == pytest.approx(interval.high)


def test_same_gain_in_every_draw_has_no_width():
    """Pairing removes what the draws share, however much they differ."""
    reference = np.array([[0.1], [0.5], [0.9]])
    gain = _demo.paired_gain(reference + 0.02, reference)
    assert gain == pytest.approx((2.0, 2.0, 2.0))


def test_classifiers_of_one_draw_are_not_counted_as_draws():
    """Repeating every classifier ten times must not narrow the interval."""
    rng = np.random.default_rng(0)
    scores, reference = rng.random((5, 3)), rng.random((5, 3))
    once = _demo.paired_gain(scores, reference)
    tenfold = _demo.paired_gain(np.tile(scores, 10), np.tile(reference, 10))
    assert tenfold == pytest.approx(once)


def test_clear_winner_is_named_with_its_runner_up():
    verdict = _demo.give_verdict(ARMS, make_scores(0.80, 0.85, 0.90))
    assert verdict == (
        "ES won: +10.0 [+10.0, +10.0] points over no expansion and "
        "+5.0 [+5.0, +5.0] over the runner-up, SMOTE."
    )


def test_gain_within_the_noise_is_not_called_a_win():
    verdict = _demo.give_verdict(ARMS, make_scores(0.80, 0.81, 0.79, spread=0.05))
    assert verdict.startswith("Cannot tell who won: the best in the mean is SMOTE")


def test_equal_rivals_are_not_told_apart():
    scores = make_scores(0.70, 0.89, 0.90, spread=0.01)
    verdict = _demo.give_verdict(ARMS, scores)
    assert verdict.startswith("ES scored best in the mean, +20.0")
    assert "cannot tell it from SMOTE (" in verdict


def test_no_expansion_may_win():
    verdict = _demo.give_verdict(ARMS, make_scores(0.90, 0.85, 0.80))
    assert verdict.startswith("Nothing won")


def test_method_may_lose():
    verdict = _demo.give_verdict(ARMS, make_scores(0.80, 0.90, 0.85))
    assert verdict.startswith("SMOTE won")


def test_table_holds_every_arm_with_its_means_and_gain():
    table = _demo.format_table(ARMS, ["a", "b"], make_scores(0.80, 0.85, 0.90))
    rows = {line.split()[0]: line.split()[1:] for line in table.splitlines()}
    assert rows["none"] == ["80.0", "80.0", "80.0", "-"]
    assert rows["ES"] == ["90.0", "90.0", "90.0", "+10.0", "[+10.0,", "+10.0]"]


def test_sheet_sets_real_digits_left_and_synthetic_ones_right():
    X = np.arange(1, 7, dtype=float).reshape(6, 1, 1) * 10
    y = np.array([0, 1, 0, 0, 1, 1])  # the first two are real
    picture = _demo.make_sheet(X, y, n_real=2, n_columns=2)
    white = 255
    np.testing.assert_array_equal(
        picture[::2],
        [
            [10, white, white, white, white, 30, white, 40, white],
            [20, white, white, white, white, 50, white, 60, white],
        ],
    )
    assert (picture[1::2] == white).all()


def test_every_arm_but_none_reaches_the_same_counts():
    """Ratio 3 on 2 a class: 6 a class from every sampler of the host."""
    X, y = np.zeros((4, 8, 8), dtype=np.uint8), np.array([0, 0, 1, 1])
    X[:] = np.arange(4).reshape(4, 1, 1)
    samplers = _demo.make_samplers(3.0, 2, 0)
    for name in ("ROS", "SMOTE", "classical"):
        X_big, y_big = _demo.expand(samplers[name], X, y)
        assert X_big.shape == (12, 8, 8), name
        assert np.bincount(y_big).tolist() == [6, 6], name


@pytest.mark.parametrize("name", ["n_draws", "n_per_class"])
def test_settings_without_an_interval_are_refused(name, tmp_path):
    with pytest.raises(ValueError, match=f"{name} must be at least 2, got 1"):
        _demo.run_demo(tmp_path, **{name: 1})


def test_comparison_is_written_as_a_picture(tmp_path):
    path = tmp_path / "gains.png"
    _demo.draw_comparison(ARMS, make_scores(0.70, 0.80, 0.90, spread=0.01), path)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_demo_scores_every_arm_and_writes_its_pictures(tmp_path):
    result = _demo.run_demo(tmp_path / "new", n_draws=2, n_per_class=5, ratio=4.0)
    assert result.scores.shape == (5, 2, 3)
    assert (result.scores > 0.5).all()
    for path in result.files:
        assert path.read_bytes().startswith(b"\x89PNG")
    assert all(f"\n{arm} " in result.table for arm in ("none", "ROS", "SMOTE", "ES"))
