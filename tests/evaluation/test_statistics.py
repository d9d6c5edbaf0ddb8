"""Intervals, tests over data sets and the verdict, against known answers."""

import math

import numpy as np
import pytest
from scipy import stats

from skexpand.evaluation.statistics import (
    cliques,
    critical_difference,
    friedman,
    holm,
    mean_interval,
    mean_ranks,
    paired_gain,
    standard_error_factor,
    verdict,
    wilcoxon_over_datasets,
)

# The 5 % quantiles of the studentized range over sqrt(2), as printed by
# Demsar (2006), Table 5a, for 2 to 10 arms.
NEMENYI_Q = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]


def gain_of(differences, **options):
    differences = np.asarray(differences, dtype=float)
    return paired_gain(0.5 + differences, np.full(len(differences), 0.5), **options)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_without_overlap_the_interval_is_the_paired_t_test(rng):
    """Agrees with scipy's paired t test and its interval."""
    a, b = rng.uniform(0.6, 0.9, (2, 8))

    gain = paired_gain(a, b, level=0.9)

    expected = stats.ttest_rel(a, b)
    ends = expected.confidence_interval(0.9)
    assert gain.p_value == pytest.approx(expected.pvalue)
    assert (gain.low, gain.high) == pytest.approx((ends.low, ends.high))
    assert gain.effect_size == pytest.approx((a - b).mean() / (a - b).std(ddof=1))


def test_overlap_widens_as_nadeau_and_bengio_say(rng):
    """Ten 80/20 splits: the error is sqrt(1/10 + 1/4) of the spread."""
    values = rng.standard_normal(10)

    interval = mean_interval(values, overlap=0.2)

    half = stats.t.ppf(0.975, 9) * math.sqrt(1 / 10 + 20 / 80) * values.std(ddof=1)
    assert interval.high - interval.mean == pytest.approx(half)


@pytest.mark.parametrize("n_draws", [5, 10])
@pytest.mark.parametrize("kind", ["t", "bootstrap"])
def test_intervals_hold_their_level(n_draws, kind, rng):
    """95 % of the intervals hold the truth, over 1500 simulated comparisons."""
    n = 1500
    hits = 0
    for values in rng.standard_normal((n, n_draws)):
        gain = gain_of(values, n_bootstrap=400 if kind == "bootstrap" else 1)
        ends = (gain.low, gain.high)
        if kind == "bootstrap":
            ends = (gain.low_bootstrap, gain.high_bootstrap)
        hits += ends[0] <= 0 <= ends[1]

    # Three binomial errors; the percentile bootstrap (0.84) is far outside.
    assert hits / n == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / n))


def test_correlated_draws_need_the_overlap(rng):
    """Draws that correlate by 0.3 are covered with the correction, not without."""
    shared = rng.standard_normal((1500, 1)) * math.sqrt(0.3)
    draws = shared + rng.standard_normal((1500, 10)) * math.sqrt(0.7)

    with_it = [mean_interval(row, overlap=0.3) for row in draws]
    without = [mean_interval(row) for row in draws]

    coverage = np.mean([low <= 0 <= high for _, low, high in with_it])
    assert coverage == pytest.approx(0.95, abs=0.02)
    assert np.mean([low <= 0 <= high for _, low, high in without]) < 0.75


def test_the_same_seed_gives_the_same_bootstrap(rng):
    """The bootstrap ends depend on the data and the seed alone."""
    values = rng.standard_normal(6)

    assert gain_of(values) == gain_of(values)
    other = gain_of(values, random_state=1)
    assert other.low_bootstrap != gain_of(values).low_bootstrap


def test_one_draw_has_a_mean_and_no_interval():
    """Nothing can be said about the spread of one draw."""
    gain = gain_of([0.1])

    assert gain.mean == pytest.approx(0.1)
    assert all(math.isnan(end) for end in (gain.low, gain.high_bootstrap))
    assert math.isnan(gain.p_value)


def test_equal_gains_in_every_draw_count_by_their_sign():
    """Without spread the p-value is that of the sign test; rounding is no spread."""
    gain = paired_gain([0.3, 0.4, 0.5, 0.6], [0.2, 0.3, 0.4, 0.5])

    assert gain.std == 0
    assert gain.p_value == 2 * 0.5**4
    assert gain.low == gain.high == gain.mean
    same = paired_gain([0.3, 0.4], [0.3, 0.4])
    assert (same.p_value, same.effect_size, same.low_bootstrap) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([0.1, 0.2], [0.1]), {}, "got 2 scores and 1"),
        (([0.1, np.nan], [0.1, 0.2]), {}, "got nan at draw 1"),
        (([], []), {}, "one score a draw"),
        (([0.1, 0.2], [0.1, 0.2]), {"overlap": 1.0}, "from 0 to below 1"),
        (([0.1, 0.2], [0.1, 0.2]), {"level": 95}, "between 0 and 1"),
        (([0.1, 0.2], [0.1, 0.2]), {"n_bootstrap": 0}, "at least 1"),
    ],
)
def test_wrong_scores_are_refused(arguments, options, message):
    """The message says what was expected and what came."""
    with pytest.raises(ValueError, match=message):
        paired_gain(*arguments, **options)
    with pytest.raises(ValueError, match="At least one draw"):
        standard_error_factor(0)


def test_holm_agrees_with_a_worked_example():
    """Ordered 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1, never falling."""
    adjusted = holm([0.04, 0.01, 0.03, 0.02])

    np.testing.assert_allclose(adjusted, [0.06, 0.04, 0.06, 0.06])
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        holm([0.2, np.nan])


def test_a_clear_gain_is_recommended_with_its_figures():
    """The sentence gives sampler, gain, interval and number of draws."""
    found = verdict(
        {
            "SMOTE": gain_of([0.001, -0.002, 0.0, 0.001, -0.001]),
            "ES": gain_of([0.02, 0.03, 0.02, 0.01, 0.025]),
        }
    )

    assert (found.outcome, found.sampler) == ("augment", "ES")
    assert found.sentence == "Augment with ES: +2.1 points (1.2 to 3.0; 5 draws)."
    assert found.draws_needed is None


def test_clear_losses_are_advised_against():
    """Every sampler must be shown not to gain."""
    loss = gain_of([-0.02, -0.03, -0.02, -0.01, -0.025])
    worse = gain_of([-0.05, -0.07, -0.06, -0.05, -0.07])

    found = verdict({"ROS": worse, "SMOTE": loss})

    assert found.outcome == "do not augment"
    assert found.sentence == (
        "Do not augment: SMOTE, the best of 2, gives -2.1 points (-3.0 to -1.2; "
        "5 draws)."
    )
    unclear = gain_of([0.03, -0.03, 0.01, 0.0, -0.01])
    assert verdict({"ROS": worse, "SMOTE": unclear}).outcome == "cannot tell"


def test_an_unclear_gain_says_how_many_draws_would_tell():
    """The number is that of the t test's power, as a simulation confirms."""
    found = verdict({"ES": gain_of([0.02, -0.01, 0.02, -0.005, 0.005])})

    assert found.outcome == "cannot tell"
    assert found.sentence.startswith("Cannot tell with 5 draws: ES gains +0.6 points (")
    assert f"about {found.draws_needed} draws would be needed" in found.sentence
    assert "to tell a gain of +0.6." in found.sentence

    rng = np.random.default_rng(0)
    differences = np.array([0.02, -0.01, 0.02, -0.005, 0.005])
    effect = differences.mean() / differences.std(ddof=1)
    t = stats.ttest_1samp(rng.normal(effect, 1, (4000, found.draws_needed)), 0, axis=1)
    power = np.mean((t.pvalue < 0.05) & (t.statistic > 0))
    assert power == pytest.approx(0.8, abs=0.025)


def test_draws_that_overlap_may_never_tell():
    """The error of the mean has a floor that more draws do not lower."""
    found = verdict({"ES": gain_of([0.02, -0.01, 0.02, 0.0, 0.01], overlap=0.5)})

    assert found.outcome == "cannot tell"
    assert found.draws_needed is None
    assert "a gain of +0.8 is too small to tell from 0.0" in found.sentence
    nothing = verdict({"ES": gain_of([0.01, -0.01, 0.02, -0.02])})
    assert "; this is too small to tell from 0.0" in nothing.sentence


def test_a_loss_is_called_a_loss():
    found = verdict({"ES": gain_of([-0.02, 0.01, -0.02, 0.0, -0.01])})
    assert found.outcome == "cannot tell"
    assert "a loss of 0.8" in found.sentence and "gain of" not in found.sentence


def test_trying_many_samplers_raises_the_bar():
    """A gain that just holds alone does not among eight."""
    just = gain_of([0.02, 0.03, 0.015, 0.001, 0.025])
    zero = gain_of([0.01, -0.01, 0.02, -0.02, 0.001])
    assert verdict({"ES": just}).outcome == "augment"

    found = verdict({"ES": just, **{str(i): zero for i in range(7)}})

    assert found.outcome == "cannot tell"
    assert "8 were tried (Holm)" in found.sentence


def test_a_threshold_asks_for_more_than_zero():
    """A gain below what is worth having is advised against."""
    gain = gain_of([0.002, 0.003, 0.002, 0.001, 0.0025])

    assert verdict({"ES": gain}).outcome == "augment"
    found = verdict({"ES": gain}, threshold=0.01)
    assert found.outcome == "do not augment"
    assert found.sentence.endswith("5 draws), not more than the +1.0 asked for.")
    more = verdict({"ES": gain}, threshold=0.001)
    assert more.sentence.endswith("5 draws), more than the +0.1 asked for.")


def test_equal_scores_and_single_draws_have_their_own_words():
    """No gain at all is an answer; one draw is none."""
    assert verdict({"weights": gain_of([0, 0, 0])}).sentence == (
        "Do not augment: weights changes no score in 3 draws."
    )
    one = verdict({"ES": gain_of([0.02])})
    assert one.outcome == "cannot tell"
    assert one.sentence == (
        "Cannot tell with 1 draw: ES gains +2.0 points (no interval from one draw); "
        "at least two draws are needed to tell anything."
    )


def test_constant_gains_need_enough_draws():
    """Five equal signs come up once in 16 by chance, six once in 32."""
    assert verdict({"ES": gain_of([0.01] * 5)}).draws_needed == 6
    assert verdict({"ES": gain_of([0.01] * 6)}).outcome == "augment"


def test_unbounded_scores_keep_their_units():
    """Without points the figures are printed as they are."""
    gain = paired_gain([-1.2, -1.3, -1.25], [-1.5, -1.61, -1.56])

    sentence = verdict({"ES": gain}, points=False).sentence

    assert sentence == "Augment with ES: +0.307 (0.292 to 0.321; 3 draws)."


def test_gains_must_be_comparable():
    """No gain, or gains of several levels, are refused."""
    with pytest.raises(ValueError, match="at least one sampler"):
        verdict({})
    one, other = gain_of([0.1, 0.2]), gain_of([0.1, 0.2], level=0.9)
    with pytest.raises(ValueError, match=r"one level, got \[0.9, 0.95\]"):
        verdict({"a": one, "b": other})


def test_identical_samplers_are_not_told_apart(rng):
    """Among three samplers of one law at most 5 % wrong verdicts, of 300."""
    wrong = 0
    for scores in rng.normal(0.8, 0.02, (300, 4, 5)):
        gains = {
            str(i): paired_gain(scores[i], scores[0], n_bootstrap=1) for i in (1, 2, 3)
        }
        wrong += verdict(gains).outcome != "cannot tell"

    assert wrong / 300 <= 0.05


def test_wilcoxon_is_exact_on_few_data_sets():
    """Six wins of six: 2 / 2**6."""
    p_value, n = wilcoxon_over_datasets(np.arange(1, 7), np.zeros(6))

    assert (p_value, n) == (pytest.approx(2 / 64), 6)
    assert wilcoxon_over_datasets([0.5, 0.6], [0.5, 0.6]) == (1.0, 2)
    with pytest.raises(ValueError, match="each data set"):
        wilcoxon_over_datasets([0.5, 0.6], [0.5])


def test_ranks_share_ties_and_best_is_one():
    """Greater scores rank first; every row sums to k (k + 1) / 2."""
    ranks = mean_ranks([[0.9, 0.9, 0.1, 0.5], [0.2, 0.2, 0.2, 0.2]])

    np.testing.assert_allclose(ranks, [2.0, 2.0, 3.25, 2.75])
    with pytest.raises(ValueError, match="nan for arm 1 on data set 0"):
        mean_ranks([[0.1, np.nan]])


def test_friedman_agrees_with_scipy_and_needs_three_arms(rng):
    """The p-value comes with the number of data sets."""
    scores = rng.uniform(size=(9, 4))

    expected = stats.friedmanchisquare(*scores.T).pvalue
    assert friedman(scores) == (pytest.approx(expected), 9)
    assert friedman(np.ones((4, 3))) == (1.0, 4)
    with pytest.raises(ValueError, match="three arms or more, got 2"):
        friedman(scores[:, :2])


@pytest.mark.parametrize(
    ("n_arms", "q"), [(k, q) for k, q in enumerate(NEMENYI_Q, start=2)]
)
def test_critical_difference_agrees_with_the_published_table(n_arms, q):
    """Demsar's q values to their last digit."""
    unit = math.sqrt(n_arms * (n_arms + 1) / (6 * 25))

    assert critical_difference(n_arms, 25) / unit == pytest.approx(q, abs=1e-3)


def test_critical_difference_checks_its_arguments():
    """One arm cannot differ from itself."""
    with pytest.raises(ValueError, match="at least 2 arms"):
        critical_difference(1, 10)
    with pytest.raises(ValueError, match="between 0 and 1"):
        critical_difference(3, 10, level=95)


def test_cliques_are_maximal_and_skip_loners():
    """Demsar's rule: a whole difference apart is different."""
    assert cliques([1.0, 2.0, 3.0], 1.0) == []
    assert cliques([3.0, 1.0, 2.0], 1.1) == [(1, 2), (2, 0)]
    assert cliques([1.0, 1.5, 2.0, 4.0], 1.2) == [(0, 1, 2)]
    assert cliques([2.0, 2.0], 0.5) == [(0, 1)]


def test_agrees_with_scikit_posthocs(rng):
    """Nemenyi's p-value falls below 5 % exactly where ranks are far enough apart."""
    posthocs = pytest.importorskip("scikit_posthocs")
    scores = rng.uniform(size=(12, 5)) + np.array([0, 0.1, 0.3, 0.6, 0.9])
    p_values = posthocs.posthoc_nemenyi_friedman(scores).to_numpy()
    ranks = mean_ranks(scores)

    distance = np.abs(ranks[:, None] - ranks)
    is_far = distance >= critical_difference(5, 12)

    off_diagonal = ~np.eye(5, dtype=bool)
    np.testing.assert_array_equal(
        is_far[off_diagonal], (p_values <= 0.05)[off_diagonal]
    )
    assert is_far.any() and not is_far[off_diagonal].all()
