import pickle
import subprocess
import sys
from collections import Counter, OrderedDict

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skexpand import _base
from skexpand._base import BaseExpander, Provenance
from skexpand._random import RandomStreams
from skexpand.baselines import GaussianJitter, Mixup


class Repeater(BaseExpander):
    """Repeat the first row of each class, classes in falling order."""

    def _learn(self, x, y, streams):
        self.seen_ = x, y
        self._first = np.array([np.flatnonzero(y == c)[0] for c in range(y.max() + 1)])

    def _draw(self, counts, streams):
        y_new = np.repeat(np.arange(len(counts))[::-1], counts[::-1])
        parents = np.column_stack([self._first[y_new], np.full(len(y_new), -1)])
        weights = np.tile([1.0, 0.0], (len(y_new), 1))
        return self.seen_[0][self._first[y_new]], y_new, Provenance(parents, weights)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    y = np.array([2] * 5 + [7] * 12 + [-1] * 3)
    return rng.normal(size=(20, 4)) + y[:, None], rng.permutation(y)


def test_every_class_grows_to_ratio_times_its_count(table):
    X, y = table
    sampler = GaussianJitter(ratio=2.5, random_state=0)
    _, y_res = sampler.fit_resample(X, y)
    assert Counter(y_res.tolist()) == {2: round(12.5), 7: 30, -1: round(7.5)}
    assert sampler.sampling_strategy_ == OrderedDict([(-1, 5), (2, 7), (7, 18)])


def test_ratio_one_returns_the_input(table):
    X, y = table
    X_res, y_res = Mixup(ratio=1).fit_resample(X, y)
    np.testing.assert_array_equal(X_res, X)
    np.testing.assert_array_equal(y_res, y)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("all", {2: 12, 7: 12, -1: 12}),
        ("auto", {2: 12, 7: 12, -1: 12}),
        ("minority", {2: 5, 7: 12, -1: 12}),
        ({2: 50}, {2: 50, 7: 12, -1: 3}),
        (lambda y: {7: 13, -1: 4}, {2: 5, 7: 13, -1: 4}),
    ],
)
def test_sampling_strategy_means_what_the_host_means_and_wins(
    table, strategy, expected
):
    X, y = table
    sampler = GaussianJitter(ratio=99, sampling_strategy=strategy, random_state=0)
    _, y_res = sampler.fit_resample(X, y)
    assert Counter(y_res.tolist()) == expected


def test_originals_come_first_bit_for_bit_then_classes_in_order(table):
    X, y = table
    X_res, y_res = Repeater(ratio=3).fit_resample(X, y)
    assert X_res[:20].tobytes() == X.tobytes()
    np.testing.assert_array_equal(y_res[:20], y)
    assert (np.diff(y_res[20:]) >= 0).all()


def test_provenance_names_the_row_every_row_came_from(table):
    X, y = table
    sampler = Repeater(ratio=3).fit(X, y)
    X_new, y_new = sampler.sample()
    np.testing.assert_allclose(X_new, X[sampler.parents_[:, 0]])
    np.testing.assert_array_equal(y_new, y[sampler.parents_[:, 0]])
    assert sampler.synthetic_mask_.all() and len(sampler.synthetic_mask_) == 40

    X_res, _ = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(np.flatnonzero(~sampler.synthetic_mask_), range(20))
    np.testing.assert_array_equal(sampler.parents_[:20, 0], range(20))
    np.testing.assert_array_equal(sampler.parents_[:, 1], -1)
    np.testing.assert_array_equal(sampler.mixing_weights_[:, 0], 1)
    np.testing.assert_allclose(X_res, X[sampler.parents_[:, 0]])


def test_mixing_weights_reproduce_a_mix_from_its_parents(table):
    X, y = table
    sampler = Mixup(random_state=0)
    X_res, _ = sampler.fit_resample(X, y)
    mixed = (sampler.mixing_weights_[:, :, None] * X[sampler.parents_]).sum(1)
    np.testing.assert_allclose(mixed, X_res, atol=1e-5)


def test_sample_gives_exact_counts_at_any_time(table):
    X, y = table
    sampler = GaussianJitter(random_state=0).fit(X, y)
    _, y_new = sampler.sample({7: 11, -1: 2})
    assert y_new.tolist() == [-1] * 2 + [7] * 11
    X_none, y_none = sampler.sample(0)
    assert X_none.shape == (0, 4) and len(y_none) == 0
    _, y_default = sampler.sample()
    assert Counter(y_default.tolist()) == sampler.sampling_strategy_


@pytest.mark.parametrize(
    ("total", "expected"),
    [(20, [3, 5, 12]), (1, [0, 0, 1]), (7, [1, 2, 4]), (10, [2, 2, 6])],
)
def test_a_total_is_split_by_largest_remainder(table, total, expected):
    """Shares of 10 are 1.5, 2.5, 6: the tie goes to the first class."""
    X, y = table
    _, y_new = GaussianJitter(random_state=0).fit(X, y).sample(total)
    assert [int((y_new == c).sum()) for c in (-1, 2, 7)] == expected


def test_sample_repeats_its_bits_and_another_state_is_another_draw(table):
    X, y = table
    sampler = GaussianJitter(random_state=0).fit(X, y)
    first = sampler.sample(50)[0]
    assert first.tobytes() == sampler.sample(50)[0].tobytes()
    other = sampler.sample(50, random_state=1)[0]
    assert not np.array_equal(first, other)
    assert other.tobytes() == sampler.sample(50, random_state=1)[0].tobytes()
    assert first.tobytes() == sampler.sample(50)[0].tobytes()


@pytest.mark.parametrize("sampler", [GaussianJitter(), Mixup()], ids=repr)
def test_the_same_seed_gives_the_same_bits_in_any_container(table, sampler):
    X, y = table
    sampler.set_params(random_state=3)
    expected = sampler.fit_resample(X, y)[0].tobytes()
    assert clone(sampler).fit_resample(np.asfortranarray(X), y)[0].tobytes() == expected
    for X_other in (X.tolist(), sparse.csc_array(X)):
        X_res = clone(sampler).fit_resample(X_other, y.tolist())[0]
        X_res = X_res.toarray() if sparse.issparse(X_res) else np.array(X_res)
        assert np.ascontiguousarray(X_res).tobytes() == expected


def test_classes_with_identical_rows_get_different_synthetic_rows():
    X = np.tile(np.random.default_rng(0).normal(size=(6, 3)), (2, 1))
    y = np.repeat([0, 1], 6)
    X_new, y_new = GaussianJitter(random_state=0).fit(X, y).sample()
    assert not np.isin(X_new[y_new == 0], X_new[y_new == 1]).all(axis=1).any()


def test_shards_keep_exact_counts_and_differ(table, monkeypatch):
    X, y = table
    monkeypatch.setattr(_base, "_CHUNK_CELLS", 4 * 7)  # seven rows a shard
    sampler = GaussianJitter(random_state=0).fit(X, y)
    X_new, y_new = sampler.sample({-1: 3, 2: 30, 7: 1})
    assert y_new.tolist() == [-1] * 3 + [2] * 30 + [7]
    assert len(np.unique(X_new, axis=0)) == 34
    assert len(sampler.parents_) == 34


def test_every_shard_has_streams_of_its_own(table, monkeypatch):
    X, y = table
    monkeypatch.setattr(_base, "_CHUNK_CELLS", 4 * 7)
    sampler = GaussianJitter(random_state=0).fit(X, y)
    X_new, _ = sampler.sample({2: 10})
    streams = RandomStreams(0).child("sample").child("shard", 1)
    x_second, *_ = sampler._draw(np.array([0, 3, 0]), streams)
    np.testing.assert_array_equal(X_new[7:], sampler._codec.decode(x_second))


def test_a_subclass_that_miscounts_is_caught(table):
    class Short(Repeater):
        def _draw(self, counts, streams):
            return super()._draw(counts // 2, streams)

    with pytest.raises(RuntimeError, match="Short._draw must return"):
        Short().fit_resample(*table)


def test_images_reach_the_subclass_as_float32_planes():
    X = np.random.default_rng(0).integers(0, 256, (6, 9, 8, 3), dtype=np.uint8)
    sampler = Repeater(ratio=2)
    X_res, _ = sampler.fit_resample(X, [0, 0, 0, 1, 1, 1])
    x, y = sampler.seen_
    assert (x.shape, x.dtype, y.tolist()) == (
        (6, 3, 9, 8),
        np.float32,
        [0] * 3 + [1] * 3,
    )
    assert (X_res.dtype, X_res.shape) == (np.uint8, (12, 9, 8, 3))
    np.testing.assert_array_equal(X_res[6:], X[[0] * 3 + [3] * 3])
    assert sampler.n_features_in_ == 216


def test_frames_leave_their_names_and_arrays_remove_them(table):
    pd = pytest.importorskip("pandas")
    X, y = table
    sampler = Mixup(random_state=0).fit(pd.DataFrame(X, columns=list("abcd")), y)
    assert sampler.feature_names_in_.tolist() == list("abcd")
    assert sampler.fit(X, y).n_features_in_ == 4
    assert not hasattr(sampler, "feature_names_in_")
    sampler.fit(pd.DataFrame(X, columns=["a", "a", "b", 3]), y)
    assert not hasattr(sampler, "feature_names_in_")


def test_frames_and_series_share_a_fresh_index(table):
    pd = pytest.importorskip("pandas")
    X, y = table
    frame, labels = pd.DataFrame(X, index=range(100, 120)), pd.Series(y, name="t")
    X_res, y_res = GaussianJitter(random_state=0).fit_resample(frame, labels)
    pd.testing.assert_index_equal(X_res.index, pd.RangeIndex(200))
    pd.testing.assert_index_equal(y_res.index, pd.RangeIndex(200))


@pytest.mark.parametrize("n", [-1, 2.5, "many", {2: -1}])
def test_counts_that_are_none_are_refused(table, n):
    sampler = GaussianJitter().fit(*table)
    with pytest.raises(ValueError, match="n must be None, a number of rows from 0 on"):
        sampler.sample(n)


def test_unknown_labels_are_named(table):
    with pytest.raises(ValueError, match=r"Labels \['x'\] were not seen in fit"):
        GaussianJitter().fit(*table).sample({"x": 3})


def test_sampling_before_fitting_is_refused():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        GaussianJitter().sample(3)


def test_a_sampler_whose_learning_failed_is_not_fitted(table):
    class Failing(Repeater):
        def _learn(self, x, y, streams):
            raise ArithmeticError("diverged")

    sampler = Failing()
    with pytest.raises(ArithmeticError, match="diverged"):
        sampler.fit(*table)
    with pytest.raises(NotFittedError):
        sampler.sample()


def test_a_subclass_may_refuse_before_it_learns(table):
    class Picky(Repeater):
        def _check_learnable(self, x, y):
            raise ValueError(f"needs 9 columns, got {x.shape[1]}")

    sampler = Picky()
    with pytest.raises(ValueError, match="needs 9 columns, got 4"):
        sampler.fit(*table)
    assert not hasattr(sampler, "seen_") and not hasattr(sampler, "classes_")


def test_a_pickled_sampler_draws_the_same_bits(table):
    sampler = GaussianJitter(random_state=0).fit(*table)
    copy = pickle.loads(pickle.dumps(sampler))
    np.testing.assert_array_equal(copy.sample(9)[0], sampler.sample(9)[0])


def test_a_generator_as_random_state_is_used_and_advanced(table):
    first = GaussianJitter(random_state=np.random.default_rng(0))
    a = clone(first).fit_resample(*table)[0]
    b, c = first.fit_resample(*table)[0], first.fit_resample(*table)[0]
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(b, c)


def test_importing_the_package_is_light():
    code = (
        "import sys, skexpand; skexpand.__version__, dir(skexpand);"
        "print({'torch', 'matplotlib', 'pandas', 'sklearn'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.stdout.strip(), run.stderr) == ("set()", "")


def test_unknown_public_names_are_refused():
    import skexpand
    import skexpand.baselines

    with pytest.raises(AttributeError, match="has no attribute 'Missing'"):
        _ = skexpand.Missing
    with pytest.raises(AttributeError, match="has no attribute 'Missing'"):
        _ = skexpand.baselines.Missing


@pytest.mark.slow
def test_a_million_rows_take_seconds():
    """The bound of the issue, 20 s, with room for a busy machine."""
    import time

    rng = np.random.default_rng(0)
    sampler = Mixup(random_state=0).fit(rng.normal(size=(100, 20)), np.arange(100) % 2)
    start = time.perf_counter()
    X_new, _ = sampler.sample(1_000_000)
    assert X_new.shape == (1_000_000, 20)
    assert time.perf_counter() - start < 20
