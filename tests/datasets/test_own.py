"""Images of one's own: arrays and folders of pictures."""

import numpy as np
import pytest

from skexpand.datasets import read_images


@pytest.mark.parametrize("names", [("X", "y"), ("x_train", "y_train")])
def test_arrays_come_as_they_are(tmp_path, names):
    X, y = np.zeros((4, 5, 6), np.uint8), np.arange(4)
    np.savez(tmp_path / "own.npz", **dict(zip(names, (X, y), strict=True)))
    X_read, y_read = read_images(tmp_path / "own.npz")
    assert X_read.shape == X.shape and y_read.tolist() == y.tolist()


def test_labels_may_be_missing_and_images_may_not(tmp_path):
    np.savez(tmp_path / "own.npz", X=np.zeros((4, 5, 6)))
    assert read_images(tmp_path / "own.npz")[1] is None
    np.savez(tmp_path / "other.npz", Z=np.zeros(3))
    with pytest.raises(ValueError, match="Expected an array X"):
        read_images(tmp_path / "other.npz")


def test_folders_are_classes(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    for name, shade in [("cat", 10), ("dog", 200)]:
        (tmp_path / name).mkdir()
        for number in range(2):
            picture = Image.fromarray(np.full((6, 5, 3), shade, np.uint8))
            picture.save(tmp_path / name / f"{number}.png")
    X, y = read_images(tmp_path)
    assert X.shape == (4, 6, 5, 3) and y.tolist() == ["cat", "cat", "dog", "dog"]
    assert X[0, 0, 0, 0] == 10
    assert read_images(tmp_path / "cat")[1] is None
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(tmp_path / "cat" / "z.png")
    with pytest.raises(ValueError, match="pictures of one size"):
        read_images(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    pytest.importorskip("PIL.Image")
    with pytest.raises(ValueError, match="found none"):
        read_images(tmp_path)
