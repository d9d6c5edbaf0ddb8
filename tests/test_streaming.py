"""A stream shows the real samples in every pass, and never a synthetic one twice."""

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.over_sampling import SMOTE
from sklearn.exceptions import NotFittedError
from torch.utils.data import DataLoader

from skexpand import ExpandedStream, ExpansiveSynthesizer
from skexpand.baselines import ClassicalAugmenter, GaussianJitter
from skexpand.datasets import load_digits_images

IMAGES, LABELS = load_digits_images()
X, Y = IMAGES[:30], LABELS[:30]
SAMPLER = ClassicalAugmenter(ratio=4, random_state=0).fit(X, Y)


def collect(batches):
    """Return all images and codes of a pass, as arrays."""
    x, codes = zip(*batches, strict=True)
    return torch.cat(x).numpy(), torch.cat(codes).numpy()


def sorted_rows(x):
    return sorted(image.tobytes() for image in x)


def test_a_pass_is_what_fit_resample_returns_in_another_order():
    stream = ExpandedStream(SAMPLER, X, Y, random_state=0)
    x, codes = collect(stream)
    assert x.dtype == X.dtype and x.shape[1:] == X.shape[1:]
    np.testing.assert_array_equal(np.bincount(codes), 4 * np.bincount(Y))
    assert set(sorted_rows(X)) <= set(sorted_rows(x))
    assert not np.array_equal(codes, np.sort(codes))


def test_synthetic_images_are_new_in_every_pass_and_the_seed_decides_all():
    stream = ExpandedStream(SAMPLER, X, Y, random_state=0)
    first, second = collect(stream), collect(stream)
    real = set(sorted_rows(X))
    assert not (set(sorted_rows(first[0])) & set(sorted_rows(second[0]))) - real
    again = collect(ExpandedStream(SAMPLER, X, Y, random_state=0))
    other = collect(ExpandedStream(SAMPLER, X, Y, random_state=1))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert sorted_rows(first[0]) != sorted_rows(other[0])


def test_batches_are_of_nearly_the_same_size():
    stream = ExpandedStream(SAMPLER, X, Y, batch_size=59, random_state=0)
    assert [len(x) for x, _ in stream] == [40, 40, 40]
    assert len(stream) == 3


def test_labels_of_any_kind_become_places_in_the_classes():
    names = np.array(["zero", "one"])[(Y > 4).astype(int)]
    sampler = ClassicalAugmenter(ratio=2, random_state=0).fit(X, list(names))
    stream = ExpandedStream(sampler, X, list(names), random_state=0)
    assert stream.classes_.tolist() == ["one", "zero"]
    _, codes = collect(stream)
    assert np.bincount(codes).tolist() == [
        2 * (names == "one").sum(),
        2 * (names == "zero").sum(),
    ]


def test_tensors_and_tables_stream_too():
    rows = torch.from_numpy(X.reshape(30, -1)).double()
    sampler = GaussianJitter(ratio=3, random_state=0).fit(rows, torch.from_numpy(Y))
    stream = ExpandedStream(sampler, rows, torch.from_numpy(Y), random_state=0)
    x, codes = collect(stream)
    assert x.shape == (90, 64) and x.dtype == np.float64
    np.testing.assert_array_equal(np.bincount(codes), 3 * np.bincount(Y))


def test_workers_share_a_pass_and_draw_anew_in_the_next():
    stream = ExpandedStream(SAMPLER, X, Y, random_state=0)
    passes = []
    for seed in (0, 0, 1):
        loader = DataLoader(
            stream,
            batch_size=None,
            num_workers=2,
            generator=torch.Generator().manual_seed(seed),
        )
        passes.append(collect(loader))
    for x, codes in passes:
        np.testing.assert_array_equal(np.bincount(codes), 4 * np.bincount(Y))
        assert set(sorted_rows(X)) <= set(sorted_rows(x))
    np.testing.assert_array_equal(passes[0][0], passes[1][0])
    assert sorted_rows(passes[0][0]) != sorted_rows(passes[2][0])


def test_workers_that_stay_draw_anew_too():
    loader = DataLoader(
        ExpandedStream(SAMPLER, X, Y, random_state=0),
        batch_size=None,
        num_workers=2,
        persistent_workers=True,
        generator=torch.Generator().manual_seed(0),
    )
    first, second = collect(loader), collect(loader)
    shared = set(sorted_rows(first[0])) & set(sorted_rows(second[0]))
    assert shared == set(sorted_rows(X))


def test_only_the_classes_asked_for_grow():
    rows = np.flatnonzero(Y < 3)
    sampler = ClassicalAugmenter(sampling_strategy={2: 20}, random_state=0)
    stream = ExpandedStream(sampler.fit(X[rows], Y[rows]), X[rows], Y[rows])
    assert np.bincount(collect(stream)[1]).tolist() == [
        (Y == 0).sum(),
        (Y == 1).sum(),
        20,
    ]


def test_one_hot_labels_are_read():
    one_hot = np.eye(10, dtype=int)[Y]
    sampler = ClassicalAugmenter(ratio=2, random_state=0).fit(X, one_hot)
    codes = collect(ExpandedStream(sampler, X, one_hot, random_state=0))[1]
    np.testing.assert_array_equal(np.bincount(codes), 2 * np.bincount(Y))


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_a_pass_without_samples_for_a_worker_ends_at_once():
    rows = np.r_[np.flatnonzero(Y == 0)[:2], np.flatnonzero(Y == 1)[:2]]
    sampler = ClassicalAugmenter(ratio=1, random_state=0).fit(X[rows], Y[rows])
    stream = ExpandedStream(sampler, X[rows], Y[rows], random_state=0)
    loader = DataLoader(
        stream,
        batch_size=None,
        num_workers=5,
        generator=torch.Generator().manual_seed(0),
    )
    assert len(collect(loader)[1]) == len(rows)


@pytest.mark.parametrize(
    ("X", "y", "settings", "error", "message"),
    [
        (X.tolist(), Y, {}, TypeError, "X must be an array of numbers .* got list"),
        (X, Y[:-1], {}, ValueError, "X and y must be what the sampler was fitted on"),
        (X, Y % 5, {}, ValueError, "Fit the sampler on them first"),
        (X / 255, Y, {}, ValueError, "fitted on, ndarray of uint8.*got ndarray of fl"),
        (X.reshape(30, 64), Y, {}, ValueError, r"samples \(8, 8\); got .* \(64,\)"),
        (torch.from_numpy(X), Y, {}, ValueError, "got Tensor of torch.uint8"),
        (X, Y, {"batch_size": 0}, ValueError, "batch_size must be an int .* got 0"),
        (X, Y, {"batch_size": 6.4}, ValueError, "batch_size must be an int"),
    ],
)
def test_what_does_not_fit_is_refused(X, y, settings, error, message):
    with pytest.raises(error, match=message):
        ExpandedStream(SAMPLER, X, y, **settings)


def test_an_unfitted_sampler_is_refused():
    with pytest.raises(NotFittedError):
        ExpandedStream(ExpansiveSynthesizer(), X, Y)


def test_samplers_that_draw_once_are_refused():
    with pytest.raises(TypeError, match=r"one of this package.*got SMOTE"):
        ExpandedStream(SMOTE(), X, Y)


def test_a_frame_says_what_to_fit_on():
    rows = X.reshape(30, -1).astype(float)
    sampler = GaussianJitter(ratio=2, random_state=0).fit(pd.DataFrame(rows), Y)
    with pytest.raises(ValueError, match="fitted on, DataFrame.*Fit the sampler on t"):
        ExpandedStream(sampler, rows, Y)
