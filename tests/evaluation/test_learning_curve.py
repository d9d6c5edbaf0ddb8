"""The data multiplier, against curves that are known."""

import math

import numpy as np
import pytest

from skexpand.evaluation.learning_curve import LearningCurve, Multiplier

SIZES = np.array([10, 20, 50, 100])


def line(noise=0.0, n_draws=5, seed=0):
    """Score of 0.5 plus a tenth for every doubling, with noise of its own."""
    rng = np.random.default_rng(seed)
    mean = 0.5 + 0.1 * np.log2(SIZES / 10)
    return mean[:, None] + noise * rng.standard_normal((len(SIZES), n_draws))


def test_a_curve_linear_in_the_logarithm_is_inverted_exactly():
    """A score of one and a half doublings is worth 2**1.5 the data."""
    curve = LearningCurve.fit(SIZES, line())

    found = curve.multiplier(np.full(5, 0.65), n=10)

    assert found.value == pytest.approx(2**1.5)
    assert found.low <= found.value <= found.high
    assert found.high - found.low < 0.03  # the grid of multiples
    np.testing.assert_allclose(curve.predict([10 * 2**1.5, 100]), [0.65, line()[-1, 0]])


def test_multiples_count_from_the_size_the_arm_was_given():
    """The same score is worth half as much of twice the data."""
    curve = LearningCurve.fit(SIZES, line(0.01))
    arm = line(0.01, seed=1)[2]

    at_ten, at_twenty = curve.multiplier(arm, n=10), curve.multiplier(arm, n=20)

    assert at_twenty.value == pytest.approx(at_ten.value / 2)
    assert at_twenty.high == pytest.approx(at_ten.high / 2)
    assert (at_twenty.smallest, at_twenty.largest) == (0.5, 5)


def test_points_of_the_curve_give_their_own_multiple():
    """No augmentation is worth 1x and the last size its ratio, exactly and sure."""
    curve = LearningCurve.fit(SIZES, line(0.01))

    first = curve.multiplier(curve.scores[0], n=10)
    last = curve.multiplier(curve.scores[-1], n=10)

    assert (first.value, first.low, first.censored) == (1.0, 1.0, None)
    assert (last.value, last.high, last.censored) == (10.0, 10.0, None)


def test_scores_outside_the_curve_are_censored_not_extrapolated():
    """Above all that was measured and below its start."""
    curve = LearningCurve.fit(SIZES, line(0.005))

    above = curve.multiplier(line(0.005, seed=1)[-1] + 0.2, n=10)
    below = curve.multiplier(line(0.005, seed=1)[0] - 0.2, n=10)

    assert (str(above), above.censored, above.high) == ("> 10x", "above", math.inf)
    assert (str(below), below.censored, below.low) == ("< 1x", "below", 0.0)


def test_one_end_may_lie_outside():
    """A noisy arm near the end of the curve is half censored."""
    curve = LearningCurve.fit(SIZES, line(0.01))
    noise = np.array([-0.08, 0.08, 0.02, -0.03, 0.02])

    near_end = curve.multiplier(line()[-1] - 0.01 + noise, n=10)
    near_start = curve.multiplier(line()[0] + 0.01 + noise, n=10)

    assert near_end.high == math.inf and near_end.low > 1
    assert str(near_end).endswith(" to > 10)")
    assert near_start.low == 0 and near_start.high < 10
    assert "x (< 1 to " in str(near_start)


def test_a_flat_curve_allows_every_multiple_and_says_so():
    """With nothing to gain from more data no multiple can be told."""
    rng = np.random.default_rng(0)
    noisy = LearningCurve.fit(SIZES, 0.8 + 0.01 * rng.standard_normal((4, 5)))
    exact = LearningCurve.fit(SIZES, np.full((4, 5), 0.8))

    found = noisy.multiplier(0.8 + 0.01 * rng.standard_normal(5), n=10)
    level = exact.multiplier(np.full(5, 0.8), n=10)

    assert str(found) == "undetermined (< 1 to > 10)"
    assert not found.is_determined
    assert (level.value, str(level)) == (1.0, "undetermined (1.0-10)")


def test_a_falling_curve_is_pooled():
    """The fit never falls; a plateau claims its smallest multiple."""
    scores = np.repeat([[0.5], [0.7], [0.6], [0.8]], 3, axis=1)
    curve = LearningCurve.fit(SIZES, scores)

    np.testing.assert_allclose(curve.predict(SIZES), [0.5, 0.65, 0.65, 0.8])
    assert curve.multiplier([0.65] * 3, n=10).value == pytest.approx(2)


def test_negative_scores_work_as_they_are():
    """Errors come negated, so greater is better there too."""
    scores = line(0.01) - 3

    shifted = LearningCurve.fit(SIZES, scores).multiplier(line()[2] - 3, n=10)

    plain = LearningCurve.fit(SIZES, line(0.01)).multiplier(line()[2], n=10)
    assert shifted.value == pytest.approx(plain.value)
    assert shifted.low == pytest.approx(plain.low)


def test_what_arm_and_curve_share_cancels():
    """A draw that is easy for all tells nothing about the multiple."""
    shared = 0.1 * np.random.default_rng(0).standard_normal(5)
    curve = LearningCurve.fit(SIZES, line() + shared)

    paired = curve.multiplier(np.full(5, 0.65) + shared, n=10)
    shuffled = curve.multiplier(np.full(5, 0.65) + shared[::-1], n=10)

    assert paired.high - paired.low < 0.03
    assert shuffled.high - shuffled.low > 1


@pytest.mark.parametrize("truth", [1.5, 3.0, 8.0])
def test_the_interval_holds_its_level_on_a_known_curve(truth):
    """95 % of the intervals hold the multiple, over 600 simulated comparisons."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(600):
        shared = 0.05 * rng.standard_normal(5)
        scores = line() + shared + 0.03 * rng.standard_normal((4, 5))
        arm = 0.5 + 0.1 * math.log2(truth) + shared + 0.03 * rng.standard_normal(5)
        found = LearningCurve.fit(SIZES, scores).multiplier(arm, n=10)
        hits += found.low <= truth <= found.high

    assert hits / 600 == pytest.approx(0.95, abs=0.027)


def test_overlap_widens_the_interval_and_the_band():
    """Draws that correlate say less."""
    scores, arm = line(0.02), line(0.02, seed=1)[1]
    free = LearningCurve.fit(SIZES, scores)
    tied = LearningCurve.fit(SIZES, scores, overlap=0.3)

    widths = [np.ptp(curve.band(SIZES), axis=0) for curve in (free, tied)]
    np.testing.assert_array_less(*widths)
    assert tied.multiplier(arm, 10).low < free.multiplier(arm, 10).low


def test_the_band_is_monotone_and_holds_the_fit():
    """Both ends rise, with the fit between them."""
    curve = LearningCurve.fit(SIZES, line(0.1))
    sizes = np.geomspace(10, 100, 30)

    low, high = curve.band(sizes)

    assert (np.diff(low) >= 0).all() and (np.diff(high) >= 0).all()
    assert (low <= curve.predict(sizes)).all() and (curve.predict(sizes) <= high).all()


def test_one_draw_gives_a_value_without_interval():
    """The spread between draws is unknown."""
    curve = LearningCurve.fit(SIZES, line(n_draws=1))

    found = curve.multiplier([0.6], n=10)

    assert str(found) == "2.0x"
    assert math.isnan(found.low) and np.isnan(curve.band(SIZES)).all()
    assert str(curve.multiplier([2.0], n=10)) == "> 10x"
    assert str(curve.multiplier([0.1], n=10)) == "< 1x"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ((3.14, 2.4, 4.0, None), "3.1x (2.4-4.0)"),
        ((10, 3.2, math.inf, "above"), "> 10x (3.2 to > 10)"),
        ((1, 0, 1.6, "below"), "< 1x (< 1 to 1.6)"),
        ((1, 0, math.inf, "below"), "undetermined (< 1 to > 10)"),
    ],
)
def test_the_text_of_a_multiplier(fields, text):
    """One form for each way it may end."""
    assert str(Multiplier(*fields, smallest=1, largest=10, n_draws=5)) == text


@pytest.mark.parametrize(
    ("sizes", "scores", "message"),
    [
        ([10], [[0.1]], "at least two sizes"),
        ([10, 10], [[0.1], [0.2]], "positive and increasing"),
        ([0, 10], [[0.1], [0.2]], "positive and increasing"),
        ([10, 20], [[0.1, 0.2]], r"shape \(2, n_draws\)"),
        ([10, 20], [[0.1], [np.nan]], "finite score at every size"),
    ],
)
def test_wrong_curves_are_refused(sizes, scores, message):
    """The message says what was expected and what came."""
    with pytest.raises(ValueError, match=message):
        LearningCurve.fit(sizes, scores)


def test_wrong_questions_are_refused():
    """No extrapolation, and one score for every draw."""
    curve = LearningCurve.fit(SIZES, line())

    with pytest.raises(ValueError, match="from 10 to 100 samples"):
        curve.predict([5])
    with pytest.raises(ValueError, match="each of the 5 draws"):
        curve.multiplier([0.6, 0.7], n=10)
    with pytest.raises(ValueError, match="n must be positive"):
        curve.multiplier([0.6] * 5, n=0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        LearningCurve.fit(SIZES, line(), level=95)
