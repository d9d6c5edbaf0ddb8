"""Archives in the layouts of their makers, handed over by a stand-in for pooch."""

import gzip
import io
import struct
import sys
import tarfile
import types
import zipfile

import numpy as np
import pytest

from skexpand.datasets import load_images


@pytest.fixture
def pooch(monkeypatch):
    """Answer downloads by local files, and remember what was asked."""
    monkeypatch.delenv("SKEXPAND_DATA", raising=False)
    stand_in = types.SimpleNamespace(path=None, error=None, asked=[])

    def retrieve(url, known_hash):
        stand_in.asked.append((url, known_hash))
        if stand_in.error is not None:
            raise stand_in.error
        return str(stand_in.path)

    stand_in.retrieve = retrieve
    monkeypatch.setitem(sys.modules, "pooch", stand_in)
    return stand_in


def test_cifar100_comes_with_fine_labels_and_colors_last(pooch, tmp_path):
    pooch.path = tmp_path / "cifar.tar.gz"
    record = np.zeros((3, 2 + 3072), np.uint8)
    record[:, 0] = 7  # coarse label
    record[:, 1] = [11, 12, 99]  # fine label
    record[1, 2 + 1024 + 33] = 5  # green, second row, second column
    with tarfile.open(pooch.path, "w:gz") as archive:
        for split, rows in (("train", record[:2]), ("test", record[2:])):
            info = tarfile.TarInfo(f"cifar-100-binary/{split}.bin")
            info.size = rows.nbytes
            archive.addfile(info, io.BytesIO(rows.tobytes()))
    data = load_images("cifar100")
    assert data.X_train.shape == (2, 32, 32, 3) and data.X_test.shape == (1, 32, 32, 3)
    assert data.y_train.tolist() == [11, 12] and data.y_test.tolist() == [99]
    assert data.X_train[1, 1, 1].tolist() == [0, 5, 0]
    assert data.X_train.dtype == np.uint8 and data.y_train.dtype == np.int64
    assert pooch.asked[0][1].startswith("md5:")


def test_letters_stand_upright_and_count_from_zero(pooch, tmp_path):
    pooch.path = tmp_path / "emnist.zip"
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 20, 3] = 200  # in the file rows and columns are exchanged
    with zipfile.ZipFile(pooch.path, "w") as archive:
        for split, label in (("train", 1), ("test", 26)):
            stem = f"gzip/emnist-letters-{split}"
            images = struct.pack(">4i", 2051, 1, 28, 28) + image.tobytes()
            labels = struct.pack(">2i", 2049, 1) + bytes([label])
            archive.writestr(f"{stem}-images-idx3-ubyte.gz", gzip.compress(images))
            archive.writestr(f"{stem}-labels-idx1-ubyte.gz", gzip.compress(labels))
    data = load_images("emnist_letters")
    assert data.X_train.shape == (1, 28, 28)
    assert np.argwhere(data.X_train[0]).tolist() == [[3, 20]]
    assert data.y_train.tolist() == [0] and data.y_test.tolist() == [25]


def test_no_connection_and_no_pooch_name_the_local_way(pooch, monkeypatch):
    pooch.error = OSError("no route")
    with pytest.raises(FileNotFoundError, match="no route.*Pass data_dir"):
        load_images("cifar100")
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r"needs pooch.*skexpand\[data\]"):
        load_images("cifar100")


def test_a_named_folder_without_the_file_does_not_download(pooch, tmp_path):
    with pytest.raises(FileNotFoundError, match="leave data_dir out"):
        load_images("emnist_letters", tmp_path)
    assert not pooch.asked
