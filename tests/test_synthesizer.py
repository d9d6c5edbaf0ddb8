"""The estimator: exact counts, every container, odd data, pre-training, time."""

import pickle
import time
from collections import Counter

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skexpand import ExpansiveSynthesizer


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [12, 7, 5])
    return rng.normal(size=(24, 5)) + y[:, None], y


def quick(**parameters):
    return ExpansiveSynthesizer(**{"max_iter": 2, "random_state": 0, **parameters})


def counts_of(y):
    return dict(Counter(np.asarray(y).tolist()))


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (None, {0: 108, 1: 63, 2: 45}),
        (24, {0: 12, 1: 7, 2: 5}),
        ({2: 7, 0: 1}, {0: 1, 2: 7}),
        ({}, {}),
    ],
    ids=str,
)
def test_a_sample_has_exactly_the_counts_asked_for(table, n, expected):
    assert counts_of(quick().fit(*table).sample(n)[1]) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {0: 120, 1: 70, 2: 50}),
        ({"ratio": 1}, {0: 12, 1: 7, 2: 5}),
        ({"ratio": 1.5}, {0: 18, 1: round(10.5), 2: round(7.5)}),
        ({"sampling_strategy": "auto"}, {0: 12, 1: 12, 2: 12}),
        ({"sampling_strategy": {1: 9}}, {0: 12, 1: 9, 2: 5}),
    ],
    ids=str,
)
def test_classes_grow_as_the_strategy_says_and_originals_come_first(
    table, parameters, expected
):
    X, y = table
    X_res, y_res = quick(**parameters).fit_resample(X, y)
    assert counts_of(y_res) == expected
    assert X_res[:24].tobytes() == X.tobytes()


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((8, 8), "uint8"),
        ((9, 13), "float64"),
        ((9, 13), "float16"),
        ((13, 9, 3), "uint8"),
        ((3, 9, 12), "float32"),
        ((4, 4), "bool"),
        ((64, 64, 3), "uint8"),
    ],
    ids=str,
)
def test_images_of_any_layout_and_dtype_come_back_as_they_were(shape, dtype):
    rng = np.random.default_rng(0)
    values = rng.integers(0, 256, (6, *shape)) if dtype == "uint8" else None
    X = (rng.random((6, *shape)) * 3 - 1 if values is None else values).astype(dtype)
    X_res, y_res = quick(ratio=2, max_iter=1).fit_resample(X, np.arange(6) % 2)
    assert X_res.shape == (12, *shape) and X_res.dtype == X.dtype
    assert X_res[:6].tobytes() == X.tobytes()
    assert X.min() <= X_res.min() and X_res.max() <= X.max()
    assert counts_of(y_res) == {0: 6, 1: 6}


def test_rows_of_pixels_are_images_by_their_shape():
    X = np.random.default_rng(0).random((6, 72))
    y = np.arange(6) % 2
    rows = quick(ratio=2, image_shape=(8, 9)).fit_resample(X, y)[0]
    images = quick(ratio=2).fit_resample(X.reshape(6, 8, 9), y)[0]
    np.testing.assert_array_equal(rows, images.reshape(12, 72))


def test_frames_keep_dtypes_categories_whole_numbers_and_missing_cells():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=40),
            "count": rng.integers(0, 9, 40),
            "maybe": pd.array([*range(38), None, None], dtype="Int64"),
            "one": pd.Categorical(["only"] * 40),
            "kind": pd.Categorical(list("aabc") * 10, categories=list("abcd")),
            "flag": pd.array([True, False] * 20, dtype="boolean"),
            "word": ["u", "v", None, "w"] * 10,
        }
    )
    y = pd.Series(list("pq") * 20, name="label")
    X_res, y_res = quick(ratio=4).fit_resample(X, y)
    assert isinstance(X_res, pd.DataFrame) and (X_res.dtypes == X.dtypes).all()
    pd.testing.assert_frame_equal(X_res[:40], X)
    new = X_res[40:]
    assert new["count"].between(X["count"].min(), X["count"].max()).all()
    assert set(new["one"]) == {"only"} and set(new["kind"]) <= set("abc")
    assert set(new["word"].dropna()) <= set("uvw") and new["word"].isna().any()
    assert new["size"].between(X["size"].min(), X["size"].max()).all()
    assert y_res.name == "label" and counts_of(y_res) == {"p": 80, "q": 80}


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix])
def test_sparse_tables_stay_sparse(table, kind):
    X = kind(np.where(table[0] > 0, table[0], 0))
    X_res, _ = quick(ratio=2).fit_resample(X, table[1])
    assert isinstance(X_res, kind) and X_res.shape == (48, 5)


def test_lists_come_back_as_lists(table):
    X, y = table
    X_res, y_res = quick(ratio=2).fit_resample(X.tolist(), y.tolist())
    assert isinstance(X_res, list) and isinstance(y_res, list)
    assert X_res[:24] == X.tolist()


@pytest.mark.parametrize(
    "labels",
    [list("abc"), [True, False, True], [-5, 0, 90]],
    ids=str,
)
def test_labels_of_any_kind_come_back(table, labels):
    X, y = table
    named = np.array(labels)[y]
    y_res = quick(ratio=2).fit_resample(X, named)[1]
    assert y_res.dtype == named.dtype
    assert counts_of(y_res) == {k: 2 * v for k, v in counts_of(named).items()}


def test_one_hot_labels_come_back_one_hot(table):
    X, y = table
    y_res = quick(ratio=2).fit_resample(X, np.eye(3, dtype=int)[y])[1]
    assert y_res.sum(axis=0).tolist() == [24, 14, 10]


@pytest.mark.parametrize(
    "X",
    [
        np.full((12, 3), 0.1),
        np.tile([1.0, -2.0, 1e9], (12, 1)),
        np.full((12, 8, 8), 0.5),
    ],
    ids=["constant", "duplicates", "flat images"],
)
@pytest.mark.parametrize("decoder", ["flow", "autoencoder"])
def test_rows_all_alike_expand_to_themselves(X, decoder):
    X_res, _ = quick(ratio=3, decoder=decoder).fit_resample(X, np.arange(12) % 2)
    np.testing.assert_array_equal(X_res, np.tile(X[:1], (36, *[1] * (X.ndim - 1))))


def test_a_constant_column_stays_constant_among_others(table):
    X, y = table
    X = np.column_stack([X, np.full(24, 0.1)])
    X_res, _ = quick().fit_resample(X, y)
    assert (X_res[:, 5] == 0.1).all() and X_res[24:, :5].std() > 0.1


@pytest.mark.parametrize("shape", [(20, 200), (6, 50), (40, 1)], ids=str)
def test_wide_and_narrow_tables_are_expanded_within_their_range(shape):
    X = np.random.default_rng(0).normal(size=shape)
    X_res, _ = quick(ratio=5).fit_resample(X, np.arange(len(X)) % 2)
    assert X_res.shape == (5 * len(X), shape[1])
    assert (X_res.min(0) >= X.min(0)).all() and (X_res.max(0) <= X.max(0)).all()


def test_columns_of_any_scale_are_expanded():
    X = np.random.default_rng(0).normal(size=(20, 3)) * [1e-12, 1e12, 1]
    X_res, _ = quick().fit_resample(X, np.arange(20) % 2)
    ratio = X_res[20:].std(axis=0) / X.std(axis=0)
    assert (ratio > 0.3).all() and (ratio < 3).all()


@pytest.mark.parametrize("kind", ["table", "image"])
def test_one_sample_in_a_class_borrows_its_variation_with_a_warning(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(13, 4)) if kind == "table" else rng.random((13, 8, 8))
    y = np.array([0] * 6 + [1] * 6 + [2])
    with pytest.warns(UserWarning, match=r"Classes \[2\] have one sample each"):
        X_res, y_res = quick().fit_resample(X, y)
    new = X_res[13:][y_res[13:] == 2]
    assert len(new) == 9 and (new != X[12]).reshape(9, -1).any(axis=1).sum() >= 8


def test_more_classes_than_half_the_rows_are_no_reason_to_warn_of_regression():
    """scikit-learn suspects one in every tree of the judge."""
    y = np.arange(60) % 30
    X = np.random.default_rng(0).normal(size=(60, 4)) + y[:, None]
    y_res = quick(ratio=2).fit_resample(X, y)[1]
    assert set(counts_of(y_res).values()) == {4}


@pytest.mark.parametrize("kind", ["table", "image"])
def test_strength_zero_repeats_the_rows(table, kind):
    """Up to the codec and, for images, to interpolation."""
    X, y = table
    if kind == "image":
        X = np.random.default_rng(0).random((24, 9, 13))
    synthesizer = quick(strength=0).fit(X, y)
    X_new, _ = synthesizer.sample(30)
    np.testing.assert_allclose(X_new, X[synthesizer.parents_[:, 0]], atol=1e-4)


def test_latents_are_flat_and_decode_to_the_container(table):
    X, y = table
    synthesizer = quick(max_iter=0).fit(X, y)
    Z = synthesizer.encode(X)
    assert Z.dtype == np.float64 and Z.shape == (24, 8)
    assert synthesizer.koopman_operator_.shape == (8, 8)
    np.testing.assert_allclose(synthesizer.decode(Z), X, atol=1e-4)
    with pytest.raises(ValueError, match=r"Latents must have shape \(n, 8\)"):
        synthesizer.decode(Z[:, 1:])


def test_images_are_decoded_in_their_layout():
    X = np.random.default_rng(0).integers(0, 256, (8, 9, 13, 3), dtype=np.uint8)
    synthesizer = quick().fit(X, np.arange(8) % 2)
    back = synthesizer.decode(synthesizer.encode(X))
    assert back.shape == X.shape and back.dtype == np.uint8


def test_images_in_any_position_are_expanded_into_any_position():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 50)
    upright = rng.integers(0, 30, (100, 12, 12)).astype(np.uint8)
    for row, label in enumerate(y):  # one bar or two of them, at some place above
        left = rng.integers(0, 7)
        for place in (left, left + 4) if label else (left + 2,):
            upright[row, 1:6, place : place + 2] += 200
    turned = np.stack([np.rot90(image, rng.integers(4)) for image in upright])
    synthesizer = quick(ratio=2, n_candidates=1).fit(upright, y)
    assert synthesizer.symmetries_ == ("left-right",)
    x_new, _ = synthesizer.sample()
    assert x_new[:, :6].mean() > 2 * x_new[:, 6:].mean()
    synthesizer.fit(turned, y)
    assert synthesizer.symmetries_ == ("left-right", "up-down", "transpose")
    assert quick().fit(np.c_[turned[:, 0]], y).symmetries_ == ()  # a table


@pytest.mark.parametrize("symmetries", [(), ["up-down"], ("negative", "left-right")])
def test_images_are_turned_as_told(symmetries):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 40, (30, 12, 12)).astype(np.uint8)
    X[:, 2:5, 2:5] += 200  # a spot above, to the left
    synthesizer = quick(ratio=9, n_candidates=1, strength=0.1, symmetries=symmetries)
    synthesizer.fit(X, np.arange(30) % 2)
    assert set(synthesizer.symmetries_) == set(symmetries)
    x_new, _ = synthesizer.sample()
    is_negative = np.median(x_new, axis=(1, 2)) >= 128
    spot = np.where(is_negative[:, None, None], x_new < 105, x_new > 150)
    rows, columns = (spot.mean(axis=axis).argmax(axis=1) for axis in (2, 1))
    shares = {
        "up-down": np.mean(rows > 6),
        "left-right": np.mean(columns > 6),
        "negative": np.mean(is_negative),
    }
    for name, share in shares.items():
        assert 0.4 < share < 0.6 if name in symmetries else share == 0, name


def test_reordered_columns_are_not_encoded(table):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(table[0], columns=list("abcde"))
    synthesizer = quick().fit(frame, table[1])
    with pytest.raises(ValueError, match="feature names should match"):
        synthesizer.encode(frame[list("edcba")])


@pytest.mark.parametrize("call", ["sample", "encode", "decode"])
def test_nothing_is_drawn_or_encoded_before_fit(table, call):
    arguments = () if call == "sample" else (table[0],)
    with pytest.raises(NotFittedError):
        getattr(quick(), call)(*arguments)


def test_each_class_has_a_certified_graph_over_the_heads(table):
    graphs = quick(n_heads=6, degree=3).fit(*table).graphs_
    assert list(graphs) == [0, 1, 2]
    assert all(0 < graph.spectral_gap <= 1.5 for graph in graphs.values())
    assert all(graph.neighbors.shape == (6, 3) for graph in graphs.values())


def test_provenance_covers_every_returned_row(table):
    X, y = table
    synthesizer = quick(ratio=3)
    X_res, _ = synthesizer.fit_resample(X, y)
    assert synthesizer.synthetic_mask_.tolist() == [False] * 24 + [True] * 48
    assert synthesizer.parents_.shape == synthesizer.mixing_weights_.shape == (72, 17)
    np.testing.assert_array_equal(synthesizer.parents_[:24, 0], np.arange(24))
    assert (synthesizer.parents_[24:] >= 0).all()


def test_a_fitted_estimator_is_pickled_with_its_draws():
    X = np.random.default_rng(0).random((8, 8, 8))
    fitted = quick().fit(X, np.arange(8) % 2)
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.sample(9)[0], fitted.sample(9)[0])


def test_time_over_stops_training_early(table):
    fitted = quick(max_iter=10**6, max_seconds=0.3)
    start = time.monotonic()
    fitted.fit(*table)
    assert time.monotonic() - start < 10
    assert 0 <= fitted.n_iter_ < 10**6 and len(fitted.sample(5)[0]) == 5


def test_a_bar_is_shown_on_stderr_only_when_asked(table, capfd):
    quick().fit(*table)
    assert capfd.readouterr() == ("", "")
    quick(verbose=True).fit(*table)
    out, err = capfd.readouterr()
    assert out == "" and "training" in err and "100%" in err


def test_pretraining_returns_itself_and_is_kept_by_clones():
    rng = np.random.default_rng(0)
    X, y = rng.random((8, 9, 13)), np.arange(8) % 2
    synthesizer = quick()
    assert synthesizer.pretrain(rng.random((20, 9, 13))) is synthesizer
    assert clone(synthesizer).fit(X, y).n_trainable_ < quick().fit(X, y).n_trainable_
    assert synthesizer.pretrained.lineage["n_samples"] == 20


def test_candidates_are_judged_unless_one_is_enough(table):
    X, y = table
    far = X + 100 * y[:, None]
    assert quick(n_candidates=1).fit(X, y)._expansion.judge is None
    synthesizer = quick(ratio=20).fit(far, y)
    synthesizer.sample()
    assert synthesizer.acceptance_rate_ > 0.95
    mixed = quick(ratio=20).fit(X, np.random.default_rng(0).permutation(y))
    mixed.sample()
    assert mixed.acceptance_rate_ < synthesizer.acceptance_rate_


def test_a_large_strength_keeps_numbers_finite_and_in_range(table):
    X, y = table
    X_res, _ = quick(strength=1e3).fit_resample(X, y)
    assert np.isfinite(X_res).all() and X_res.max() <= X.max()


def test_more_pairs_than_there_are_may_be_asked_for():
    X = np.random.default_rng(0).normal(size=(6, 3))
    assert len(quick(degree=50).fit_resample(X, np.arange(6) % 2)[0]) == 60
