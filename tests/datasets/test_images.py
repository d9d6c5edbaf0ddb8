"""Image sets: what comes out, where it comes from, and what is said when it cannot."""

import io
import urllib.error

import numpy as np
import pytest
import sklearn.datasets

from skexpand.datasets import _images, load_digits_images, load_images


def write_strips(path, splits, per_strip):
    """Write images as the WebP strips of the format, `per_strip` to a picture."""
    from PIL import Image

    arrays = {}
    for split, (X, y) in splits.items():
        rgb = X if X.ndim == 4 else np.repeat(X[..., None], 3, axis=3)
        files = []
        for start in range(0, len(X), per_strip):
            buffer = io.BytesIO()
            strip = rgb[start : start + per_strip].reshape(-1, X.shape[2], 3)
            Image.fromarray(strip).save(buffer, "WEBP", lossless=True, exact=True)
            files.append(np.frombuffer(buffer.getvalue(), dtype=np.uint8))
        arrays[f"x_{split}_blob"] = np.concatenate(files)
        arrays[f"x_{split}_off"] = np.cumsum([0, *map(len, files)])
        arrays[f"x_{split}_shape"] = np.array(X.shape)
        arrays[f"y_{split}"] = y.astype(np.uint8)
    np.savez(path, **arrays)


def draw_splits(image_shape, random_state=0):
    rng = np.random.default_rng(random_state)
    return {
        split: (
            rng.integers(0, 256, (n, *image_shape), dtype=np.uint8),
            rng.integers(0, 10, n),
        )
        for split, n in {"train": 7, "test": 3}.items()
    }


def test_digits_are_grey_bytes_over_the_full_range():
    X, y = load_digits_images()
    assert X.shape == (1797, 8, 8)
    assert X.dtype == np.uint8
    assert (X.min(), X.max()) == (0, 255)
    np.testing.assert_array_equal(np.unique(y), np.arange(10))


def test_digits_keep_the_order_of_grey_values():
    """Rescaling is exact: 0..16 times 255/16, rounded."""
    source = sklearn.datasets.load_digits().images
    X, _ = load_digits_images()
    np.testing.assert_array_equal(np.rint(X * (16 / 255)), source)


@pytest.mark.parametrize("image_shape", [(5, 4), (5, 4, 3)], ids=["grey", "color"])
@pytest.mark.parametrize("per_strip", [1, 3, 100])
def test_webp_strips_decode_to_the_images_that_went_in(
    tmp_path, image_shape, per_strip
):
    splits = draw_splits(image_shape)
    write_strips(tmp_path / "mnist.npz", splits, per_strip)

    data = load_images("mnist", tmp_path)

    np.testing.assert_array_equal(data.X_train, splits["train"][0])
    np.testing.assert_array_equal(data.X_test, splits["test"][0])
    np.testing.assert_array_equal(data.y_test, splits["test"][1])
    assert data.y_train.dtype == np.int64


def test_plain_arrays_are_read_too_and_extra_arrays_kept(tmp_path):
    splits = draw_splits((6, 6))
    np.savez(
        tmp_path / "omniglot28.npz",
        x_train=splits["train"][0],
        y_train=splits["train"][1],
        x_test=splits["test"][0],
        y_test=splits["test"][1],
        alphabets=np.array(["Greek", "Latin"]),
    )
    data = load_images("omniglot28", tmp_path)
    np.testing.assert_array_equal(data.X_train, splits["train"][0])
    assert list(data.alphabets) == ["Greek", "Latin"]


def test_environment_variable_names_the_folder(tmp_path, monkeypatch):
    splits = draw_splits((6, 6))
    write_strips(tmp_path / "cifar100.npz", splits, 2)
    monkeypatch.setenv("SKEXPAND_DATA", str(tmp_path))
    np.testing.assert_array_equal(load_images("cifar100").X_test, splits["test"][0])


def test_missing_strip_is_reported_as_damage(tmp_path):
    path = tmp_path / "mnist.npz"
    write_strips(path, draw_splits((6, 6)), 2)
    with np.load(path) as file:
        arrays = dict(file)
    arrays["x_test_shape"] = np.array([4, 6, 6])
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="promises 4 images, its strips hold 3"):
        load_images("mnist", tmp_path)


def test_file_without_labels_names_what_it_lacks(tmp_path):
    np.savez(tmp_path / "mnist.npz", x_train=np.zeros((2, 3, 3), np.uint8))
    with pytest.raises(ValueError, match="lacks y_train, x_test, y_test"):
        load_images("mnist", tmp_path)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="mnist.*got 'imagenet'"):
        load_images("imagenet")


def test_set_that_is_nowhere_says_what_to_do(monkeypatch):
    monkeypatch.delenv("SKEXPAND_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="no folder was named.*SKEXPAND_DATA"):
        load_images("omniglot28")


def test_named_folder_without_the_file_does_not_download(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", refuse)
    with pytest.raises(FileNotFoundError, match="leave data_dir out"):
        load_images("mnist", tmp_path)


def test_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="Expected data_dir to name a folder"):
        load_images("mnist", tmp_path / "nowhere")


def test_openml_planes_become_color_images_and_the_official_split(monkeypatch):
    """OpenML stores 1,024 reds, then greens, then blues."""
    data = np.zeros((6, 3072))
    data[:, 1024] = 7  # green of the pixel in the top left corner
    data[:, 31] = 9  # red of the top right corner
    target = np.array(["3"] * 6)
    source = _images._OPENML["cifar10"]
    assert source.n_train == 50_000
    monkeypatch.setitem(_images._OPENML, "cifar10", source._replace(n_train=4))
    monkeypatch.delenv("SKEXPAND_DATA", raising=False)
    monkeypatch.setattr(
        sklearn.datasets, "fetch_openml", lambda *args, **kwargs: (data, target)
    )
    images = load_images("cifar10")
    assert images.X_train.shape == (4, 32, 32, 3)
    assert images.X_test.shape == (2, 32, 32, 3)
    np.testing.assert_array_equal(images.X_test[0, 0, 0], [0, 7, 0])
    np.testing.assert_array_equal(images.X_test[0, 0, 31], [9, 0, 0])
    assert images.y_test.tolist() == [3, 3]


def test_openml_out_of_reach_names_the_local_way(monkeypatch):
    def fail(*args, **kwargs):
        raise urllib.error.URLError("no route")

    monkeypatch.delenv("SKEXPAND_DATA", raising=False)
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fail)
    with pytest.raises(FileNotFoundError, match="no route.*Pass data_dir"):
        load_images("mnist")
