import numpy as np
import pytest

from skexpand.codecs import TableCodec
from skexpand.codecs.shapes import find_log_shift, find_spike

SEEDS = range(200)


def share(find, draw):
    """Share of seeds in which something is found."""
    found = [not np.isnan(find(draw(np.random.default_rng(s)))) for s in SEEDS]
    return np.mean(found)


def inflated(rng, n, rate=0.4):
    return np.where(rng.random(n) < rate, 0.0, rng.lognormal(size=n))


@pytest.mark.parametrize("value", [0.0, -3.0, 50.0])
def test_a_repeated_zero_minimum_or_maximum_is_a_spike(value):
    rest = np.linspace(-2.9, 49, 12)
    assert find_spike(np.append(rest, [value] * 4)) == value
    assert np.isnan(find_spike(np.append(rest, [value] * 3)))


def test_a_repeated_value_in_the_middle_is_none():
    assert np.isnan(find_spike(np.append(np.linspace(1, 9, 10), [5.1] * 8)))


@pytest.mark.parametrize("n", [20, 100])
def test_spikes_are_found_where_they_are_and_hardly_elsewhere(n):
    assert share(find_spike, lambda rng: inflated(rng, n)) > 0.95
    assert share(find_spike, lambda rng: rng.poisson(1.0, n)) < 0.05
    assert share(find_spike, lambda rng: rng.integers(0, 2, n)) == 0
    assert share(find_spike, lambda rng: rng.normal(size=n).round(1)) < 0.02


@pytest.mark.parametrize("n", [20, 100])
def test_logs_are_taken_of_what_varies_by_factors_and_hardly_of_else(n):
    assert share(find_log_shift, lambda rng: rng.lognormal(0, 1.5, n)) > 0.7
    assert share(find_log_shift, lambda rng: rng.normal(9, 2, n)) == 0
    assert share(find_log_shift, lambda rng: rng.random(n)) == 0
    assert share(find_log_shift, lambda rng: rng.normal(size=n)) == 0
    # An outlier alone makes logs far likelier: the tails must agree.
    outlier = share(find_log_shift, lambda rng: np.append(rng.normal(9, 2, n), 900))
    assert outlier == 0


def test_scale_does_not_matter():
    values = np.append(np.zeros(3), np.random.default_rng(0).lognormal(0, 2, 40))
    shift = find_log_shift(values)
    assert shift > 0
    np.testing.assert_allclose(find_log_shift(1000 * values), 1000 * shift)


def test_logs_round_trip_and_stay_positive_and_in_range():
    X = np.random.default_rng(0).lognormal(3, 1, size=(50, 1))
    codec = TableCodec().fit(X)
    x = codec.encode(X)
    np.testing.assert_allclose(codec.decode(x), X)
    np.testing.assert_allclose(
        x, (np.log(X) - np.log(X).mean()) / np.log(X).std(), atol=1e-12
    )
    values = codec.decode(np.linspace(-99, 99, 1000)[:, None])
    assert values.min() == X.min() and values.max() == X.max()


def test_rows_below_the_range_of_logs_are_read_as_its_end():
    X = np.random.default_rng(0).lognormal(3, 1, size=(50, 1))
    codec = TableCodec().fit(X)
    assert codec.encode(np.array([[-5.0]])) == codec.encode(X[[X.argmin()]])


def test_a_spike_is_a_state_that_decodes_exactly_and_keeps_its_rate():
    rng = np.random.default_rng(0)
    X = np.column_stack([inflated(rng, 2000, 0.3), rng.normal(size=2000)])
    codec = TableCodec().fit(X)
    x = codec.encode(X)
    assert x.shape == (2000, 3)
    assert codec.is_continuous_.tolist() == [False, True, False]
    np.testing.assert_allclose(codec.decode(x), X)
    noisy = x + 0.4 * x.std(axis=0) * rng.normal(size=x.shape)
    values = codec.decode(noisy)[:, 0]
    assert abs((values == 0).mean() - (X[:, 0] == 0).mean()) < 0.02
    assert values[values != 0].min() >= X[X[:, 0] > 0, 0].min()


def test_a_cell_may_be_missing_or_at_the_spike():
    rng = np.random.default_rng(0)
    X = inflated(rng, 90)[:, None]
    X[::9] = np.nan
    codec = TableCodec().fit(X)
    assert codec.n_encoded_ == 3
    np.testing.assert_allclose(codec.decode(codec.encode(X)), X)
    both = codec.decode(np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]))
    np.testing.assert_array_equal(both, [[np.nan], [0.0]])


def test_whole_amounts_stay_whole_on_the_scale_of_logs():
    X = np.random.default_rng(0).lognormal(5, 2, size=(60, 1)).astype(int)
    codec = TableCodec().fit(X)
    assert (codec.decode(codec.encode(X)) == X).all()
    assert codec.decode(np.array([[0.123]])).dtype == X.dtype


def test_dates_are_not_amounts_but_durations_are():
    ticks = np.geomspace(1, 1e6, 40).astype(int)[:, None]
    x = [
        TableCodec().fit(ticks.astype(d)).encode(ticks.astype(d))
        for d in ("M8[s]", "m8[s]")
    ]
    steps = [np.diff(scores[:, 0]) for scores in x]
    lengths = np.diff(ticks[:, 0])
    np.testing.assert_allclose(steps[0] / steps[0][-1], lengths / lengths[-1])
    np.testing.assert_allclose(steps[1][20:], steps[1][20:].mean(), rtol=0.01)
