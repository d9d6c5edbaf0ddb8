"""Images of one's own: an .npz file, or a folder with one folder a class."""

from pathlib import Path

import numpy as np

_ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp")
_NAMES = (("X", "y"), ("X_train", "y_train"), ("x_train", "y_train"))


def read_images(path):
    """Read images of one's own.

    Parameters
    ----------
    path : str or path-like
        An .npz file with arrays ``X`` and, if there are labels, ``y`` (or ``x_train``
        and ``y_train``); or a folder of pictures, all of one size and in one folder a
        class, or in none where there are no labels. Pictures need Pillow.

    Returns
    -------
    X : ndarray of shape (n, H, W) or (n, H, W, C)
    y : ndarray of shape (n,), or None

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If it holds no images, or pictures of several sizes.
    ImportError
        If Pillow is needed and missing.
    """
    path = Path(path)
    if path.is_dir():
        return _read_folder(path)
    with np.load(path, allow_pickle=False) as arrays:
        for images, labels in _NAMES:
            if images in arrays.files:
                return arrays[images], arrays.get(labels)
        raise ValueError(
            f"Expected an array X, and y for labels, in {path}, got "
            f"{', '.join(arrays.files)}."
        )


def _read_folder(folder):
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "Reading pictures needs Pillow: pip install 'skexpand[data]'."
        ) from error
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in _ENDINGS)
    if not files:
        raise ValueError(f"Expected pictures in {folder}, found none.")
    arrays = []
    for file in files:
        with Image.open(file) as picture:
            is_grey = picture.mode in ("1", "L")
            arrays.append(np.asarray(picture.convert("L" if is_grey else "RGB")))
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise ValueError(
            f"Expected pictures of one size in {folder}, got {shapes[:3]}. Resize them."
        )
    classes = np.array([file.parent.relative_to(folder).as_posix() for file in files])
    return np.stack(arrays), classes if len(set(classes.tolist())) > 1 else None
