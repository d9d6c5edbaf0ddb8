"""Image sets from their own homes, by pooch, which checks every byte by a hash."""

import gzip
import tarfile
import zipfile
from typing import NamedTuple

import numpy as np
from sklearn.utils import Bunch


class _Archive(NamedTuple):
    """An archive, and what it must be."""

    url: str
    known_hash: str


ARCHIVES = {
    "cifar100": _Archive(
        "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        "md5:03b5dce01913d631647c71ecec9e9cb8",
    ),
    "emnist_letters": _Archive(
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        "md5:58c8d27c78d21e728a6bc7b3cc06412e",
    ),
}


def fetch_archive(name):
    """Download an image set once, into pooch's cache, and read it.

    Parameters
    ----------
    name : {"cifar100", "emnist_letters"}
        170 and 560 MB.

    Returns
    -------
    Bunch
        As from `load_images`.

    Raises
    ------
    ImportError
        If pooch is missing.
    FileNotFoundError
        If the set cannot be reached.
    ValueError
        If what came is not what the hash promises.
    """
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            f"{name} is in no local folder, and downloading it needs pooch: "
            "pip install 'skexpand[data]'. Or pass data_dir."
        ) from error
    archive = ARCHIVES[name]
    try:
        path = pooch.retrieve(archive.url, known_hash=archive.known_hash)
    except OSError as error:
        raise FileNotFoundError(
            f"{name} is in no local folder, and {archive.url} could not be reached "
            f"({error}). Pass data_dir, or try again with a connection."
        ) from error
    read = {"cifar100": _read_cifar100, "emnist_letters": _read_emnist_letters}[name]
    arrays = {}
    for split in ("train", "test"):
        arrays[f"X_{split}"], arrays[f"y_{split}"] = read(path, split)
    return Bunch(**arrays)


def _read_cifar100(path, split):
    """Read records of coarse label, fine label, and a plane each of R, G and B."""
    with tarfile.open(path) as archive:
        file = archive.extractfile(f"cifar-100-binary/{split}.bin")
        records = np.frombuffer(file.read(), dtype=np.uint8).reshape(-1, 2 + 3 * 32**2)
    X = records[:, 2:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(X), records[:, 1].astype(np.int64)


def _read_emnist_letters(path, split):
    """Read idx files: a header of big-endian sizes, then bytes."""
    stem = f"gzip/emnist-letters-{split}"
    with zipfile.ZipFile(path) as archive:
        images = gzip.decompress(archive.read(f"{stem}-images-idx3-ubyte.gz"))
        labels = gzip.decompress(archive.read(f"{stem}-labels-idx1-ubyte.gz"))
    X = np.frombuffer(images, dtype=np.uint8, offset=16).reshape(-1, 28, 28)
    y = np.frombuffer(labels, dtype=np.uint8, offset=8).astype(np.int64)
    # Letters lie on their side in this set, and are counted from 1.
    return np.ascontiguousarray(X.transpose(0, 2, 1)), y - 1
