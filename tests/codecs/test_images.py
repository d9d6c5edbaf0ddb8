import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from skexpand.codecs import ImageCodec, TableCodec, find_codec


def pixels(*shape, dtype=np.uint8):
    high = 2 if dtype is bool else 256
    return np.random.default_rng(0).integers(0, high, shape).astype(dtype)


@pytest.mark.parametrize(
    ("shape", "image_shape", "encoded"),
    [
        ((5, 8, 8), None, (1, 8, 8)),
        ((5, 9, 13), None, (1, 9, 13)),
        ((5, 9, 13, 1), None, (1, 9, 13)),
        ((5, 9, 13, 3), None, (3, 9, 13)),
        ((5, 9, 13, 4), None, (4, 9, 13)),
        ((5, 3, 9, 13), None, (3, 9, 13)),
        ((5, 64, 64, 3), None, (3, 64, 64)),
        ((5, 117), (9, 13), (1, 9, 13)),
        ((5, 351), (9, 13, 3), (3, 9, 13)),
        ((5, 351), (3, 9, 13), (3, 9, 13)),
        ((5, 9, 13), (9, 13), (1, 9, 13)),
    ],
)
def test_every_layout_becomes_planes_and_comes_back(shape, image_shape, encoded):
    X = pixels(*shape)
    codec = ImageCodec(image_shape=image_shape).fit(X)
    x = codec.encode(X)
    assert (x.shape, x.dtype, codec.image_shape_) == (
        (5, *encoded),
        np.float32,
        encoded,
    )
    assert codec.n_features_in_ == np.prod(encoded)
    back = codec.decode(x)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, X)


def test_channels_keep_their_place():
    """A red image lights plane 0, whichever side the channels are on."""
    X = np.zeros((2, 8, 9, 3), dtype=np.uint8)
    X[..., 0] = 255
    for layout in (X, np.moveaxis(X, -1, 1)):
        x = ImageCodec().fit(layout).encode(layout)
        assert (x[:, 0] == 1).all() and (x[:, 1:] == 0).all()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i2", "i8", "u2"])
def test_the_observed_range_and_dtype_are_kept(dtype):
    X = (pixels(6, 8, 8).astype("f8") / 16 - 3).astype(dtype)
    codec = ImageCodec().fit(X)
    x = codec.encode(X)
    assert x.min() == 0 and x.max() == 1
    back = codec.decode(np.concatenate([x, x + 9, x - 9]))
    assert back.dtype == X.dtype
    assert back.min() == X.min() and back.max() == X.max()
    np.testing.assert_allclose(back[:6].astype("f8"), X.astype("f8"), atol=1e-2)


def test_bytes_span_255_whatever_was_observed():
    X = np.full((2, 8, 8), 51, dtype=np.uint8)
    np.testing.assert_allclose(ImageCodec().fit(X).encode(X), 0.2)


def test_booleans_stay_booleans():
    X = pixels(4, 8, 8, dtype=bool)
    codec = ImageCodec().fit(X)
    np.testing.assert_array_equal(codec.decode(codec.encode(X) * 0.4 + 0.3), X)


def test_blank_images_stay_blank():
    X = np.full((3, 8, 8), 0.7)
    codec = ImageCodec().fit(X)
    assert (codec.encode(X) == 0).all()
    assert (codec.decode(np.ones((1, 1, 8, 8))) == 0.7).all()


def test_tensors_and_nested_lists_are_images_too():
    import torch

    X = pixels(3, 8, 8)
    codec = ImageCodec().fit(torch.from_numpy(X))
    assert torch.equal(codec.decode(codec.encode(X)), torch.from_numpy(X))
    codec = ImageCodec().fit(X.tolist())
    assert codec.decode(codec.encode(X.tolist())) == X.tolist()


@pytest.mark.parametrize(
    ("X", "image_shape", "kind"),
    [
        (np.zeros((3, 4)), None, TableCodec),
        ([[1, 2], [3, 4]], None, TableCodec),
        (np.zeros((3, 64)), (8, 8), ImageCodec),
        (np.zeros((3, 8, 8)), None, ImageCodec),
        (np.zeros((3, 8, 8)).tolist(), None, ImageCodec),
        ([np.zeros((8, 8))] * 3, None, ImageCodec),
    ],
)
def test_the_codec_is_found_by_the_shape(X, image_shape, kind):
    assert type(find_codec(X, image_shape)) is kind


def test_other_shapes_are_refused_once_fitted():
    codec = ImageCodec().fit(pixels(3, 8, 8))
    with pytest.raises(ValueError, match=r"shape \(8, 8\), as in fit, got \(8, 9\)"):
        codec.encode(pixels(3, 8, 9))
    with pytest.raises(ValueError, match=r"Encoded images must have shape"):
        codec.decode(np.zeros((2, 3, 8, 8)))
    with pytest.raises(NotFittedError, match="call fit first"):
        ImageCodec().encode(pixels(3, 8, 8))
