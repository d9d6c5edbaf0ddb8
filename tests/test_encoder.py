"""The encoder as a transformer: shapes, containers, pipelines, the operator."""

import warnings

import numpy as np
import pytest
from imblearn.pipeline import Pipeline
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from skexpand import ExpansiveSynthesizer, KoopmanEncoder
from skexpand._encoder import koopman_matrix


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    return rng.normal(size=(40, 5)) + 2 * y[:, None], y


@pytest.fixture
def encoder():
    return KoopmanEncoder(max_iter=3, random_state=0)


@pytest.mark.parametrize(
    "shape", [(9, 13), (8, 8, 3), (3, 12, 10), (1, 20, 20)], ids=str
)
def test_images_are_encoded_flat_and_decoded_in_their_shape(shape, encoder):
    X = np.random.default_rng(0).integers(0, 256, (6, *shape), dtype=np.uint8)
    Z = encoder.fit_transform(X)
    assert Z.shape == (6, np.prod(encoder.latent_shape_)) and Z.dtype == np.float64
    back = encoder.inverse_transform(Z)
    assert back.shape == X.shape and back.dtype == np.uint8


def test_an_untrained_encoder_of_a_table_is_inverted_exactly(table):
    X, y = table
    encoder = KoopmanEncoder(max_iter=0, random_state=0).fit(X, y)
    back = encoder.inverse_transform(encoder.transform(X))
    np.testing.assert_allclose(back, X, atol=1e-4)


def test_frames_come_back_as_frames(table, encoder):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(table[0], columns=list("abcde"))
    frame["f"] = pd.Categorical(["x", "y", None, "x"] * 10)
    back = encoder.fit(frame, table[1]).inverse_transform(encoder.transform(frame))
    assert list(back.columns) == list(frame.columns)
    assert (back.dtypes == frame.dtypes).all()


def test_sparse_tables_are_taken(table, encoder):
    X = sparse.csr_matrix(np.where(table[0] > 1, table[0], 0))
    assert sparse.issparse(encoder.fit(X).inverse_transform(encoder.transform(X)))


def test_columns_in_another_order_are_refused(table, encoder):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(table[0], columns=list("abcde"))
    encoder.fit(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        encoder.transform(frame[list("bacde")])
    np.testing.assert_array_equal(encoder.transform(frame), encoder.transform(table[0]))


def test_another_number_of_columns_is_refused_in_the_words_of_the_host(table, encoder):
    encoder.fit(table[0])
    with pytest.raises(ValueError, match="X has 4 features, but KoopmanEncoder is exp"):
        encoder.transform(table[0][:, :4])


def test_latents_of_another_width_are_refused(table, encoder):
    Z = encoder.fit_transform(table[0])
    with pytest.raises(ValueError, match=r"Latents must have shape \(n, "):
        encoder.inverse_transform(Z[:, :-1])


def test_no_latents_decode_to_no_samples(table, encoder):
    Z = encoder.fit_transform(table[0])
    assert encoder.inverse_transform(Z[:0]).shape == (0, 5)


def test_labels_of_another_length_are_refused(table, encoder):
    with pytest.raises(ValueError, match="X has 40 samples, y has 39 labels"):
        encoder.fit(table[0], table[1][1:])


def test_nothing_is_encoded_before_fit(table, encoder):
    for call in (encoder.transform, encoder.inverse_transform):
        with pytest.raises(NotFittedError):
            call(table[0])
    with pytest.raises(NotFittedError):
        encoder.get_feature_names_out()


def test_latents_have_names(table, encoder):
    names = encoder.fit(*table).get_feature_names_out()
    assert names[0] == "koopmanencoder0" and len(names) == len(set(names))
    assert len(names) == encoder.transform(table[0]).shape[1]


def test_latents_are_an_input_for_frames(table, encoder):
    pytest.importorskip("pandas")
    frame = encoder.set_output(transform="pandas").fit_transform(table[0])
    assert list(frame.columns) == list(encoder.get_feature_names_out())


def test_only_labels_make_an_operator(table, encoder):
    X, y = table
    assert not hasattr(clone(encoder).fit(X), "koopman_operator_")
    operator = encoder.fit(X, y).koopman_operator_
    d = encoder.transform(X).shape[1]
    assert operator.shape == (d, d) and np.isfinite(operator).all()


def test_the_operator_of_known_pairs_is_found():
    """Two samples a class, the second the first turned by a reflection.

    Pairs are used in both directions, so the map must be its own inverse.
    """
    rng = np.random.default_rng(0)
    mirror = np.diag([1.0, -1.0, 1.0])
    first = rng.normal(size=(200, 3))
    z = np.stack([first, first @ mirror], axis=1).reshape(-1, 3)
    operator = koopman_matrix(z, np.repeat(np.arange(200), 2))
    np.testing.assert_allclose(operator, mirror, atol=0.02)
    np.testing.assert_allclose(
        np.sort(np.linalg.eigvals(operator).real), [-1, 1, 1], atol=0.02
    )


def test_without_pairs_the_operator_is_the_identity():
    operator = koopman_matrix(
        np.random.default_rng(0).normal(size=(3, 2)), np.arange(3)
    )
    np.testing.assert_array_equal(operator, np.eye(2))


def test_training_lowers_the_loss():
    rng = np.random.default_rng(0)
    X = np.zeros((12, 8, 8))
    X[np.arange(12), rng.integers(8, size=12)] = 1
    curve = KoopmanEncoder(max_iter=60, random_state=0).fit(X).loss_curve_
    assert np.mean(curve["reconstruction"][-5:]) < np.mean(curve["reconstruction"][:5])


def test_a_pipeline_expands_in_latent_space(table):
    X, y = table
    pipe = Pipeline(
        [
            ("encode", KoopmanEncoder(max_iter=3, random_state=0)),
            ("expand", ExpansiveSynthesizer(ratio=3, max_iter=3, random_state=0)),
            ("classify", LogisticRegression()),
        ]
    )
    assert clone(pipe).fit(X, y).score(X, y) > 0.9
    latents, labels = Pipeline(pipe.steps[:2]).fit_resample(X, y)
    encoder = pipe.named_steps["encode"]
    assert len(latents) == len(labels) == 120
    np.testing.assert_array_equal(latents[:40], encoder.transform(X))
    assert encoder.inverse_transform(latents).shape == (120, 5)


def test_image_pipelines_expand_in_latent_space_too():
    X = np.random.default_rng(0).random((12, 8, 8))
    pipe = Pipeline(
        [
            ("encode", KoopmanEncoder(max_iter=2, random_state=0)),
            ("expand", ExpansiveSynthesizer(ratio=3, max_iter=2, random_state=0)),
        ]
    )
    Z, y = pipe.fit_resample(X, np.arange(12) % 2)
    assert pipe.named_steps["encode"].inverse_transform(Z).shape == (36, 8, 8)
    assert len(y) == 36


def test_a_frozen_encoder_takes_no_steps(table):
    encoder = KoopmanEncoder(max_iter=3, random_state=0).pretrain(table[0])
    frozen = clone(encoder).set_params(finetune="none").fit(table[0])
    assert frozen.n_iter_ == 0 and encoder.fit(table[0]).n_iter_ == 3


def test_fitting_is_silent(table, encoder, capfd):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        encoder.fit(*table)
    assert caught == [] and capfd.readouterr() == ("", "")
