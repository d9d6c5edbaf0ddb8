"""Image sets: scikit-learn's digits, a local folder of .npz files, the network."""

import io
from typing import NamedTuple

import numpy as np
from sklearn.utils import Bunch

from skexpand.datasets._downloads import ARCHIVES, fetch_archive
from skexpand.datasets._folder import ENVIRONMENT_VARIABLE, find_data_dir

IMAGE_SETS = (
    "cifar10",
    "cifar100",
    "emnist_letters",
    "fashion_mnist",
    "mnist",
    "omniglot28",
)
"""Names :func:`load_images` knows."""


class _Source(NamedTuple):
    """A set on OpenML; its first `n_train` rows are the official train split."""

    name: str
    n_train: int
    shape: tuple[int, ...]  # of one image, as stored
    axes: tuple[int, ...]  # order of (n, *shape) that gives (n, H, W[, C])


_OPENML = {
    "mnist": _Source("mnist_784", 60_000, (28, 28), (0, 1, 2)),
    "fashion_mnist": _Source("Fashion-MNIST", 60_000, (28, 28), (0, 1, 2)),
    "cifar10": _Source("CIFAR_10", 50_000, (3, 32, 32), (0, 2, 3, 1)),
}


def load_digits_images():
    """Load scikit-learn's bundled digits as 8 x 8 grey images.

    Returns
    -------
    X : ndarray of shape (1797, 8, 8), dtype uint8
        Grey values; the 0 to 16 of the source are spread over 0 to 255.
    y : ndarray of shape (1797,), dtype int64
        The digit.

    Examples
    --------
    >>> from skexpand.datasets import load_digits_images
    >>> X, y = load_digits_images()
    >>> X.shape, X.dtype, int(X.max())
    ((1797, 8, 8), dtype('uint8'), 255)
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    X = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return X, digits.target.astype(np.int64)


def load_images(name, data_dir=None):
    """Load an image set with its train and test split.

    The folder is looked at first: `data_dir`, else the environment variable
    ``SKEXPAND_DATA``. Where neither is given, or the environment's folder lacks
    the file, ``"mnist"``, ``"fashion_mnist"`` and ``"cifar10"`` are fetched from
    OpenML (and cached by scikit-learn), ``"cifar100"`` with its fine labels and
    ``"emnist_letters"`` from their homes (and cached by pooch). All but
    ``"omniglot28"`` thus come with a checksum.

    Parameters
    ----------
    name : str
        One of ``"cifar10"``, ``"cifar100"``, ``"emnist_letters"``,
        ``"fashion_mnist"``, ``"mnist"``, ``"omniglot28"``.
    data_dir : str or path-like, default=None
        Folder with ``<name>.npz``, holding the arrays ``x_train``, ``y_train``,
        ``x_test``, ``y_test`` either plainly or with the images as strips of
        lossless WebP (``x_train_blob``, ``x_train_off``, ``x_train_shape``, which
        needs Pillow).

    Returns
    -------
    Bunch
        ``X_train`` and ``X_test``, uint8 images of shape (n, H, W) or (n, H, W, 3);
        ``y_train`` and ``y_test``, int64 labels of shape (n,); and any further
        array of the file under its own name.

    Raises
    ------
    ValueError
        If the name is not known or the file lacks an array.
    FileNotFoundError
        If the set is neither in the folder nor to be fetched.
    ImportError
        If Pillow or pooch is needed and missing.
    """
    if name not in IMAGE_SETS:
        raise ValueError(
            f"Expected an image set out of {', '.join(IMAGE_SETS)}, got {name!r}."
        )
    folder = find_data_dir(data_dir)
    path = None if folder is None else folder / f"{name}.npz"
    if path is not None and path.is_file():
        return _read_npz(path)
    if data_dir is None and name in _OPENML:
        return _fetch_openml(name)
    if data_dir is None and name in ARCHIVES:
        return fetch_archive(name)

    looked = "no folder was named" if path is None else f"{path} does not exist"
    network = (
        "leave data_dir out to fetch it"
        if name in _OPENML or name in ARCHIVES
        else "there is no copy of this set to fetch"
    )
    raise FileNotFoundError(
        f"Expected a file {name}.npz, but {looked}. Pass data_dir or set the "
        f"environment variable {ENVIRONMENT_VARIABLE}; {network}."
    )


def _read_npz(path):
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    for key in [key for key in arrays if key.endswith("_blob")]:
        stem = key.removesuffix("_blob")
        arrays[stem] = _decode_strips(
            arrays.pop(key), arrays.pop(f"{stem}_off"), arrays.pop(f"{stem}_shape")
        )
    missing = [
        key for key in ("x_train", "y_train", "x_test", "y_test") if key not in arrays
    ]
    if missing:
        raise ValueError(
            f"{path.name} must hold x_train, y_train, x_test and y_test; it lacks "
            f"{', '.join(missing)}."
        )
    return Bunch(
        X_train=arrays.pop("x_train"),
        X_test=arrays.pop("x_test"),
        y_train=arrays.pop("y_train").astype(np.int64),
        y_test=arrays.pop("y_test").astype(np.int64),
        **arrays,
    )


def _decode_strips(blob, offsets, shape):
    """Decode images stacked on top of each other in strips of lossless WebP.

    Strip ``s`` is the file ``blob[offsets[s]:offsets[s + 1]]``, a picture W wide
    and a multiple of H high. Grey images were stored with three equal channels.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "This file stores images as WebP and needs Pillow: "
            "pip install 'skexpand[data]'."
        ) from error

    shape = tuple(int(side) for side in shape)  # (n, H, W) or (n, H, W, 3)
    images = np.empty(shape, dtype=np.uint8)
    filled = 0
    for start, stop in zip(offsets[:-1], offsets[1:], strict=True):
        with Image.open(io.BytesIO(blob[start:stop].tobytes())) as picture:
            strip = np.asarray(picture.convert("RGB"))
        strip = strip.reshape(-1, *shape[1:3], 3)
        if len(shape) == 3:
            strip = strip[..., 0]
        images[filled : filled + len(strip)] = strip
        filled += len(strip)
    if filled != shape[0]:
        raise ValueError(
            f"The file promises {shape[0]} images, its strips hold {filled}. "
            "It is damaged: get it anew."
        )
    return images


def _fetch_openml(name):
    from sklearn.datasets import fetch_openml

    source = _OPENML[name]
    try:
        data, target = fetch_openml(
            source.name, version=1, as_frame=False, parser="auto", return_X_y=True
        )
    except OSError as error:
        raise FileNotFoundError(
            f"{name} is in no local folder, and OpenML could not be reached "
            f"({error}). Pass data_dir, set {ENVIRONMENT_VARIABLE}, or try again "
            "with a connection."
        ) from error
    X = data.astype(np.uint8).reshape(-1, *source.shape)
    X = np.ascontiguousarray(X.transpose(source.axes))
    y = target.astype(np.int64)
    return Bunch(
        X_train=X[: source.n_train],
        X_test=X[source.n_train :],
        y_train=y[: source.n_train],
        y_test=y[source.n_train :],
    )
