"""Algorithm 1: losses fall, weights are checked, time is kept."""

import logging

import numpy as np
import pytest
import torch

from skexpand import ExpansiveSynthesizer
from skexpand.nn.autoencoder import ConvAutoencoder
from skexpand.training import LOSS_TERMS, Budget, LossWeights, koopman_consistency


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = rng.normal(size=(40, 6)) @ rng.normal(size=(6, 6)) + 2 * y[:, None]
    return X, y


@pytest.fixture(scope="module")
def images():
    """Blobs in two places, a class each, 12 x 12."""
    rng = np.random.default_rng(0)
    y = np.arange(24) % 2
    centers = 4 + 3 * y[:, None] + rng.normal(size=(24, 2))
    grid = np.stack(np.meshgrid(np.arange(12), np.arange(12), indexing="ij"), -1)
    distance = ((grid - centers[:, None, None]) ** 2).sum(-1)
    return np.exp(-distance / 8), y


def fit(data, **parameters):
    return ExpansiveSynthesizer(random_state=0, **parameters).fit(*data)


def mean_of(curve, steps):
    return float(np.mean(curve[steps]))


@pytest.mark.parametrize("kind", ["table", "images"])
def test_the_curve_holds_every_term_and_the_total_is_their_weighted_sum(kind, request):
    curve = fit(request.getfixturevalue(kind), max_iter=4).loss_curve_
    assert list(curve) == [*LOSS_TERMS, "koopman", "total"]
    assert all(len(values) == 4 for values in curve.values())
    weights = LossWeights()
    total = sum(getattr(weights, t) * np.array(curve[t]) for t in LOSS_TERMS)
    total += weights.reconstruction * np.array(curve["koopman"])
    np.testing.assert_allclose(curve["total"], total, rtol=1e-5)


def test_the_total_and_the_classification_loss_fall(images):
    curve = fit(images, max_iter=40, degree=2).loss_curve_
    for term in ("total", "reconstruction", "classification"):
        assert mean_of(curve[term], slice(-5, None)) < mean_of(curve[term], slice(5))


@pytest.mark.parametrize(
    ("side", "decoder", "are_all"),
    [(28, "flow", True), (90, "flow", False), (90, "autoencoder", True)],
)
def test_of_large_images_that_are_moved_some_are_painted(
    side, decoder, are_all, monkeypatch
):
    painted, decode = [], ConvAutoencoder.decode

    def spy(self, z):
        painted.append(len(z))
        return decode(self, z)

    monkeypatch.setattr(ConvAutoencoder, "decode", spy)
    X = np.random.default_rng(0).random((20, side, side, 3))
    fit((X, np.arange(20) % 2), max_iter=1, decoder=decoder)
    # A step of 32 pairs meets nearly all of the twenty images.
    assert 17 <= painted[-1] <= 20 if are_all else painted[-1] == 10


def test_no_step_is_taken_when_none_is_allowed(table):
    fitted = fit(table, max_iter=0)
    assert fitted.n_iter_ == 0 and fitted.loss_curve_["total"] == []
    assert len(fitted.sample(5)[0]) == 5


def test_training_stops_when_the_loss_is_flat(table):
    """Weights of zero leave nothing to learn: one patience of 60 steps."""
    nothing = dict.fromkeys(LOSS_TERMS, 0)
    assert fit(table, max_iter=500, loss_weights=nothing).n_iter_ == 61


def test_loss_weights_default_to_those_documented_and_may_be_given_in_part():
    assert LossWeights.from_parameter(None) == LossWeights()
    assert LossWeights.from_parameter({"transport": 0}) == LossWeights(transport=0)


@pytest.mark.parametrize("weight", [-1, np.nan, np.inf, "heavy", None])
def test_a_weight_that_is_no_finite_number_from_zero_on_is_refused(weight):
    with pytest.raises(ValueError, match="The weight of the transport loss must be"):
        LossWeights.from_parameter({"transport": weight})


def test_an_unknown_term_is_refused_by_name():
    with pytest.raises(ValueError, match=r"names \['beauty'\]; the terms are"):
        LossWeights.from_parameter({"beauty": 1})


def test_pairs_joined_by_one_linear_map_are_consistent(generator):
    source = torch.randn(60, 4, generator=generator)
    turn = torch.linalg.qr(torch.randn(4, 4, generator=generator)).Q
    assert koopman_consistency(source, source @ turn) < 0.05


def test_unrelated_pairs_are_worse_than_their_mean(generator):
    source, target = torch.randn(2, 60, 4, generator=generator)
    assert koopman_consistency(source, target) > 0.9


def test_consistency_does_not_depend_on_units_or_origin(generator):
    source, target = torch.randn(2, 30, 4, generator=generator).double()
    here = koopman_consistency(source, target)
    there = koopman_consistency(7 * source + 3, 7 * target + 3)
    torch.testing.assert_close(there, here, rtol=1e-3, atol=0)


def test_too_few_pairs_are_consistent_by_definition():
    source = torch.ones(3, 2, requires_grad=True)
    assert koopman_consistency(source, source) == 0


def test_a_spent_budget_stops_and_says_so(caplog):
    budget = Budget(1e-9, verbose=False)
    with caplog.at_level(logging.WARNING, logger="skexpand"):
        assert list(budget.steps(10, "training")) == []
    assert "training stopped after 0 of 10 steps: max_seconds=1e-09" in caplog.text


def test_an_unlimited_budget_counts_to_the_end_silently(capfd):
    assert list(Budget(None, verbose=False).steps(3, "training")) == [0, 1, 2]
    assert capfd.readouterr() == ("", "")


def test_a_verbose_budget_shows_a_bar_on_stderr(capfd):
    list(Budget(None, verbose=True).steps(3, "training"))
    out, err = capfd.readouterr()
    assert out == "" and "training: 100%" in err


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["table", "images"])
@pytest.mark.parametrize("term", ["covariance", "transport"])
def test_without_its_weight_a_term_ends_higher(term, kind, request):
    """Each alone against none of the three that shape the latents."""
    data = request.getfixturevalue(kind)
    silent = {"transport": 0, "covariance": 0}
    on = fit(data, max_iter=150, degree=2, loss_weights={**silent, term: 1.0})
    off = fit(data, max_iter=150, degree=2, loss_weights=silent)
    last = slice(-10, None)
    assert mean_of(on.loss_curve_[term], last) < mean_of(off.loss_curve_[term], last)


@pytest.mark.slow
def test_without_its_weight_reconstruction_ends_higher(images):
    on = fit(images, max_iter=150, degree=2)
    off = fit(images, max_iter=150, degree=2, loss_weights={"reconstruction": 0})
    last = slice(-10, None)
    name = "reconstruction"
    assert mean_of(on.loss_curve_[name], last) < mean_of(off.loss_curve_[name], last)
    X = images[0]
    errors = [np.square(s.decode(s.encode(X)) - X).mean() for s in (on, off)]
    assert errors[0] < errors[1] / 2


@pytest.mark.slow
def test_without_its_weight_classification_stays_and_images_have_no_judge(images):
    on = fit(images, max_iter=60, degree=2)
    off = fit(images, max_iter=60, degree=2, loss_weights={"classification": 0})
    last = slice(-10, None)
    name = "classification"
    assert mean_of(on.loss_curve_[name], last) < mean_of(off.loss_curve_[name], last)
    off.sample(30)
    assert off.acceptance_rate_ == 1.0
