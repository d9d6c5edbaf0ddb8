import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from skexpand import ExpansiveSynthesizer
from skexpand.codecs import TableCodec


def labels(*cells):
    return np.array(cells, dtype=object)[:, None]


def test_numbers_become_standard_scores():
    X = np.array([[1.0, -10.0], [3.0, 10.0]])
    x = TableCodec().fit(X).encode(X)
    np.testing.assert_allclose(x, [[-1, -1], [1, 1]])
    assert x.dtype == np.float64 and x.flags.c_contiguous


def test_numbers_stay_in_range_and_whole_numbers_stay_whole():
    X = np.array([[1, 0.5], [4, 2.5]])
    values = TableCodec().fit(X).decode(np.array([[-9.0, 9.0], [0.1, 0.1]]))
    np.testing.assert_allclose(values, [[1, 2.5], [3, 1.6]])


def test_a_constant_column_is_zero_inside_and_exact_outside():
    X = np.full((7, 1), 0.1)
    codec = TableCodec().fit(X)
    np.testing.assert_allclose(codec.encode(X), 0, atol=1e-12)
    assert (codec.decode(np.full((3, 1), 5.0)) == 0.1).all()


def test_a_change_of_category_is_as_far_as_one_standard_deviation():
    x = TableCodec().fit(labels("a", "b", "c")).encode(labels("a", "b", "c"))
    np.testing.assert_allclose(np.linalg.norm(x[0] - x[1:], axis=1), 1)


def test_an_ordered_level_lies_between_its_neighbors_and_unused_ones_never_come():
    pd = pytest.importorskip("pandas")
    dtype = pd.CategoricalDtype(["low", "unused", "mid", "high"], ordered=True)
    X = pd.DataFrame({"grade": pd.Series(["low", "mid", "high"] * 4, dtype=dtype)})
    codec = TableCodec().fit(X)
    x = codec.encode(X)
    assert x.shape == (12, 1) and x[0] < x[1] < x[2]
    seen = codec.decode(np.linspace(x[0], x[2], 99))["grade"]
    assert seen.drop_duplicates().tolist() == ["low", "mid", "high"]


@pytest.mark.parametrize("n_levels", [50, 51, 10_000])
def test_many_levels_take_bounded_width_and_round_trip(n_levels):
    X = labels(*(f"level {i}" for i in range(n_levels)), *["level 0"] * n_levels)
    codec = TableCodec().fit(X)
    assert codec.n_encoded_ == (50 if n_levels == 50 else 32)
    assert (codec.decode(codec.encode(X)) == X).all()


def test_many_levels_are_about_as_far_apart_as_few():
    X = labels(*(f"level {i}" for i in range(200)), *["level 0"] * 200)
    x = TableCodec().fit(X).encode(X)[:200]
    distance = np.linalg.norm(x[:, None] - x, axis=-1)[np.triu_indices(200, 1)]
    assert abs(distance.mean() - 1) < 0.05 and distance.min() > 0.5


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.7])
@pytest.mark.parametrize("noise", [0.0, 0.2, 0.4])
def test_missing_cells_keep_their_rate_under_noise(rate, noise):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 2))
    X[rng.random(4000) < rate, 0] = np.nan
    codec = TableCodec().fit(X)
    x = codec.encode(X)
    x_new = x + noise * x.std(axis=0) * rng.normal(size=x.shape)
    values = codec.decode(x_new)
    assert abs(np.isnan(values[:, 0]).mean() - np.isnan(X[:, 0]).mean()) < 0.02
    assert not np.isnan(values[:, 1]).any()


def test_rows_without_noise_decode_to_themselves_in_any_batch():
    X = np.array([[np.nan], [1.0], [2.0], [3.0]])
    codec = TableCodec().fit(X)
    x = codec.encode(X)
    np.testing.assert_allclose(codec.decode(x[1:]), X[1:])
    np.testing.assert_allclose(codec.decode(x[:1]), X[:1])


def test_labels_that_hardly_repeat_are_taken_with_a_warning():
    names = labels(*(f"patient {i}" for i in range(30)), None, "patient 0")
    with pytest.warns(UserWarning, match="Column 0 holds 30 different labels in 31"):
        codec = TableCodec().fit(names)
    assert (codec.decode(codec.encode(names)) == names).all()
    TableCodec().fit(names[:19])  # among few rows they may well differ


def test_rare_levels_survive_expansion_in_proportion():
    rng = np.random.default_rng(0)
    levels = labels(*["a"] * 25, *["b"] * 10, "c", "d", "d", "e", "f")
    X = np.hstack([levels, rng.normal(size=(40, 3)).astype(object)])
    synthesizer = ExpansiveSynthesizer(ratio=41, max_iter=1, random_state=0)
    X_res, _ = synthesizer.fit_resample(X, np.arange(40) % 2)
    for level, count in zip("abcdef", (25, 10, 1, 2, 1, 1), strict=True):
        share = (X_res[40:, 0] == level).sum() / 40
        assert 0.5 * count < share < 1.5 * count, level


def test_missing_cells_and_spikes_stay_with_their_class():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 100)
    X = rng.lognormal(size=(200, 4)) + y[:, None]
    X[rng.random(200) < np.where(y, 0.4, 0.05), 0] = np.nan
    X[rng.random(200) < np.where(y, 0.6, 0.2), 1] = 0
    synthesizer = ExpansiveSynthesizer(ratio=10, max_iter=1, random_state=0)
    X_new, y_new = synthesizer.fit(X, y).sample()
    for code in (0, 1):
        real, new = X[y == code], X_new[y_new == code]
        assert abs(np.isnan(new[:, 0]).mean() - np.isnan(real[:, 0]).mean()) < 0.05
        assert abs((new[:, 1] == 0).mean() - (real[:, 1] == 0).mean()) < 0.05


def test_a_missing_category_is_one_more_level():
    X = labels("a", None, "b", None)
    codec = TableCodec().fit(X)
    assert codec.n_encoded_ == 3
    assert codec.decode(codec.encode(X))[:, 0].tolist() == ["a", None, "b", None]


def test_blocks_tell_which_columns_are_whose():
    X = np.array([[1, "a", 2.5], [2, "b", None], [3, "a", 0.5]], dtype=object)
    codec = TableCodec().fit(X)
    blocks = [(label, block.start, block.stop) for label, block in codec.blocks_]
    assert blocks == [(0, 0, 1), (2, 1, 2), (2, 2, 3), (1, 3, 5)]
    assert codec.is_continuous_.tolist() == [True, True, False, False, False]


def test_levels_of_another_table_are_matched_by_value():
    codec = TableCodec().fit(labels("a", "b", "c"))
    whole = codec.encode(labels("a", "b", "c"))
    np.testing.assert_array_equal(codec.encode(labels("c", "b")), whole[[2, 1]])
    np.testing.assert_array_equal(codec.encode(labels("new", "b"))[0], 0)


def test_another_width_or_kind_is_refused():
    codec = TableCodec().fit(np.eye(3))
    with pytest.raises(ValueError, match="must have 3 columns, as in fit, got 2"):
        codec.encode(np.eye(2))
    with pytest.raises(ValueError, match=r"shape \(m, 3\), got \(2, 2\)"):
        codec.decode(np.eye(2))
    with pytest.raises(ValueError, match="difference in column 0"):
        codec.encode(np.array([["a", 1, 2]], dtype=object))


def test_it_must_be_fitted_first():
    with pytest.raises(NotFittedError, match="call fit first"):
        TableCodec().encode(np.eye(2))


def test_numbers_that_overflow_are_refused():
    with pytest.raises(ValueError, match="too large to be standardised"):
        TableCodec().fit(np.array([[1e308], [-1e308]]))
    codec = TableCodec().fit(np.array([[1e-9], [-1e-9]]))
    with pytest.raises(ValueError, match="too large to be standardised"):
        codec.encode(np.array([[1e308]]))


@pytest.mark.parametrize("name", ["adult", "german_credit", "horse_colic", "mushroom"])
def test_real_mixed_tables_round_trip(data_dir, name):
    pd = pytest.importorskip("pandas")
    frame = pd.read_csv(data_dir / "tables" / f"{name}.csv", nrows=500)
    X = frame.drop(columns="target")
    codec = TableCodec().fit(X)
    x = codec.encode(X)
    assert np.isfinite(x).all()
    pd.testing.assert_frame_equal(codec.decode(x), X)
