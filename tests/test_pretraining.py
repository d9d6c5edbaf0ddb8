"""Pre-training: lineage, rebuilding, what may change afterwards."""

import hashlib
import pickle

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone

from skexpand import ExpansiveSynthesizer, KoopmanEncoder
from skexpand.pretraining import build_autoencoder


@pytest.fixture(scope="module")
def large():
    return np.random.default_rng(1).random((30, 9, 13))


@pytest.fixture(scope="module")
def large_table():
    rng = np.random.default_rng(1)
    return rng.normal(size=(60, 5)) @ rng.normal(size=(5, 5))


@pytest.fixture(scope="module")
def small():
    return np.random.default_rng(2).random((8, 9, 13)), np.arange(8) % 2


def pretrained(X, y=None, **parameters):
    synthesizer = ExpansiveSynthesizer(max_iter=3, random_state=0, **parameters)
    return synthesizer.pretrain(X, y)


def test_a_table_is_whitened_within_its_classes(generator):
    """Shrinkage aside: many rows, so the covariance of residuals is the identity."""
    rng = np.random.default_rng(0)
    labels = np.arange(3000) % 3
    residuals = rng.normal(size=(3000, 4)) @ rng.normal(size=(4, 4))
    x = torch.from_numpy(residuals + 50 * labels[:, None]).float()
    y = torch.from_numpy(labels)
    autoencoder = build_autoencoder(x, y, n_groups=2, generator=generator)
    z = autoencoder.encode(x)[0].detach().flatten(1)
    for label in range(3):
        rows = z[y == label]
        torch.testing.assert_close(rows.T.cov(), torch.eye(4), atol=0.15, rtol=0)
    back = autoencoder.decode(autoencoder.encode(x)[0])
    torch.testing.assert_close(back, x, atol=1e-2, rtol=1e-3)


def test_whitening_stays_in_the_span_of_the_rows(generator):
    """More columns than rows: at most n - 1 latents, and rows still come back."""
    x = torch.randn(6, 40, generator=generator)
    y = torch.arange(6) % 2
    autoencoder = build_autoencoder(x, y, n_groups=1, generator=generator)
    assert autoencoder.latent_shape == (5, 1, 1)
    back = autoencoder.decode(autoencoder.encode(x)[0])
    torch.testing.assert_close(back, x, atol=1e-3, rtol=1e-3)


def test_rows_all_alike_neither_divide_nor_move(generator):
    x = torch.full((6, 3), 2.0)
    autoencoder = build_autoencoder(
        x, torch.arange(6) % 2, n_groups=4, generator=generator
    )
    mean, log_variance = autoencoder.encode(x)
    assert not mean.any() and log_variance.isfinite().all()
    torch.testing.assert_close(autoencoder.decode(mean), x)


def test_the_lineage_says_what_was_seen(large):
    lineage = pretrained(large, np.arange(30) % 5).pretrained.lineage
    low, high = large.min(), large.max()
    x = ((large[:, None] - low) / (high - low)).clip(0, 1).astype(np.float32)
    assert lineage["n_samples"] == 30 and lineage["sample_shape"] == [1, 9, 13]
    assert lineage["labeled"] is True and lineage["n_steps"] == 3
    assert lineage["sha256"] == hashlib.sha256(np.ascontiguousarray(x)).hexdigest()
    assert np.isfinite(lineage["final_loss"])
    assert pretrained(large).pretrained.lineage["labeled"] is False


@pytest.mark.parametrize("kind", ["large", "large_table"])
def test_a_rebuilt_encoder_encodes_as_the_one_that_was_trained(kind, request):
    """Unadapted and adapted networks start from the same function."""
    X = request.getfixturevalue(kind)
    encoder = KoopmanEncoder(max_iter=3, random_state=0).pretrain(X)
    latents = [
        clone(encoder).set_params(finetune=finetune, max_iter=0).fit(X).transform(X)
        for finetune in ("none", "filters", "all")
    ]
    np.testing.assert_allclose(latents[1], latents[0], atol=1e-5)
    np.testing.assert_array_equal(latents[2], latents[0])


def test_filters_train_fewer_numbers_than_everything_and_none_trains_none(large, small):
    counts = {
        finetune: pretrained(large, finetune=finetune).fit(*small).n_trainable_
        for finetune in ("none", "filters", "all")
    }
    scratch = ExpansiveSynthesizer(max_iter=1, random_state=0).fit(*small)
    assert counts["none"] == 0 < counts["filters"] < counts["all"] / 10
    assert counts["all"] == scratch.n_trainable_


def test_adapting_filters_leaves_the_weights_of_pretraining_alone(large, small):
    synthesizer = pretrained(large)
    before = {k: v.copy() for k, v in synthesizer.pretrained.weights.items()}
    synthesizer.fit(*small).sample(4)
    for name, weight in synthesizer.pretrained.weights.items():
        np.testing.assert_array_equal(weight, before[name])


def test_pretraining_changes_what_is_drawn(large, small):
    plain = ExpansiveSynthesizer(max_iter=3, random_state=0)
    with_material = pretrained(large)
    assert not np.array_equal(
        plain.fit(*small).sample(6)[0], with_material.fit(*small).sample(6)[0]
    )


@pytest.mark.parametrize("kind", ["large", "large_table"])
def test_a_clone_keeps_the_encoder_and_its_hash(kind, request):
    synthesizer = pretrained(request.getfixturevalue(kind))
    copy = clone(synthesizer)
    assert copy.pretrained.lineage == synthesizer.pretrained.lineage
    hashes = {
        joblib.hash(encoder)
        for encoder in (
            synthesizer.pretrained,
            copy.pretrained,
            pickle.loads(pickle.dumps(synthesizer.pretrained)),
            pretrained(request.getfixturevalue(kind)).pretrained,
        )
    }
    assert len(hashes) == 1


def test_other_data_have_another_hash(large):
    assert joblib.hash(pretrained(large).pretrained) != joblib.hash(
        pretrained(large[1:]).pretrained
    )


def test_one_encoder_serves_both_estimators(large, small):
    encoder = KoopmanEncoder(max_iter=3, random_state=0).pretrain(large).pretrained
    synthesizer = ExpansiveSynthesizer(pretrained=encoder, max_iter=2, random_state=0)
    assert synthesizer.fit(*small).sample(3)[0].shape == (3, 9, 13)


def test_a_table_is_encoded_as_its_pretraining_data_were(large_table):
    """Standardised by X'', although the few rows have another center and scale."""
    encoder = KoopmanEncoder(max_iter=0, random_state=0).pretrain(large_table)
    few = large_table[:6] * 0.1 + 3
    both = [
        clone(encoder).fit(X).transform(large_table[:4]) for X in (few, large_table)
    ]
    np.testing.assert_allclose(both[0], both[1], atol=1e-5)


def test_columns_in_another_order_than_in_pretraining_are_refused(large_table):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(large_table, columns=list("abcde"))
    synthesizer = pretrained(frame)
    with pytest.raises(ValueError, match="must be in the same order"):
        synthesizer.fit(frame[list("ebcda")], np.arange(60) % 2)


def test_labels_of_another_length_are_refused(large):
    with pytest.raises(ValueError, match="X_large has 30 samples, y_large has 2"):
        pretrained(large, [0, 1])


def test_labels_of_the_larger_set_make_latents_tell_classes_apart():
    """A faint pattern on patches of all shades, which reconstruction is about."""
    rng = np.random.default_rng(0)
    y = np.arange(400) % 4
    shades = np.kron(rng.random(size=(400, 4, 4)), np.ones((2, 2)))
    patterns = 0.06 * rng.choice([-1, 1], size=(4, 8, 8))
    X = np.clip(shades + patterns[y], 0, 1)

    def accuracy(labels):
        encoder = KoopmanEncoder(max_iter=150, random_state=0, finetune="none")
        encoder.pretrain(X[:200], labels).fit(X[:200])
        z = encoder.transform(X)
        centers = np.stack([z[:200][y[:200] == c].mean(axis=0) for c in range(4)])
        distance = np.linalg.norm(z[200:, None] - centers, axis=2)
        return (distance.argmin(axis=1) == y[200:]).mean()

    assert accuracy(y[:200]) > accuracy(None) + 0.1


def bands(n, seed):
    """Images of two classes, bright above or below."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    x = 0.4 * rng.random((n, 8, 8))
    x[y == 0, :4] += 0.6
    x[y == 1, 4:] += 0.6
    return (255 * x).astype(np.uint8), y


@pytest.fixture(scope="module")
def with_bands():
    X_large, y_large = bands(200, 0)
    return ExpansiveSynthesizer(max_iter=20, random_state=0).pretrain(X_large, y_large)


def test_material_is_marked_by_its_row_and_is_of_its_class(with_bands):
    X_large, y_large = bands(200, 0)
    X, y = bands(20, 1)
    X_big, y_big = with_bands.fit_resample(X, y)
    rows = with_bands.material_rows_
    assert (rows[:20] == -1).all() and 0 < (rows >= 0).sum() <= 90
    for image, label, row in zip(X_big, y_big, rows, strict=True):
        if row >= 0:
            assert label == y_large[row]
            assert (image == X_large[row]).all() or (
                image == X_large[row, :, ::-1]
            ).all()
    is_material = rows >= 0
    assert (with_bands.parents_[is_material, 0] == -2 - rows[is_material]).all()
    assert (with_bands.parents_[is_material, 1:] == -1).all()
    assert (with_bands.parents_[~is_material, 0] >= 0).all()


def test_no_material_is_kept_on_request(with_bands):
    X, y = bands(20, 1)
    synthesizer = ExpansiveSynthesizer(max_iter=3, random_state=0)
    synthesizer.pretrain(*bands(200, 0), n_material=0).fit_resample(X, y)
    assert synthesizer.pretrained.material is None
    assert (synthesizer.material_rows_ == -1).all()
    with pytest.raises(ValueError, match="n_material must be an int from 0 on"):
        synthesizer.pretrain(*bands(20, 0), n_material=-1)


def test_unlike_material_is_not_used(with_bands):
    """Vertical bands are sure to be neither; all new images are moved real ones."""
    X, y = bands(20, 1)
    synthesizer = clone(with_bands)
    synthesizer.fit_resample(np.ascontiguousarray(X.transpose(0, 2, 1)), y)
    assert (synthesizer.material_rows_ >= 0).mean() < 0.05


def test_the_same_seed_repeats_the_material(with_bands):
    X, y = bands(20, 1)
    first, second = (clone(with_bands).fit_resample(X, y)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_features_that_know_less_than_pixels_are_not_used(with_bands, monkeypatch):
    monkeypatch.setattr("skexpand.recognition.pixel_accuracy", lambda x, y: 1.1)
    synthesizer = clone(with_bands)
    synthesizer.fit_resample(*bands(20, 1))
    assert (synthesizer.material_rows_ == -1).all()
    assert synthesizer.judge_accuracy_ > 0.8


def test_features_that_know_less_than_the_images_teach_are_not_used(
    with_bands, monkeypatch
):
    """As photographs do about traffic signs."""
    monkeypatch.setattr("skexpand.nn.probe.ImageProbe.accuracy", 1.1)
    synthesizer = clone(with_bands)
    synthesizer.fit_resample(*bands(20, 1))
    assert (synthesizer.material_rows_ == -1).all()
    assert synthesizer.judge_accuracy_ > 0.8
