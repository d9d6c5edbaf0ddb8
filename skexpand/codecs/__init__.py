"""From the user's containers to plain arrays, and back.

`find_codec` looks at ``X`` once and gives the codec that reads it: a
:class:`~skexpand.codecs.tables.TableCodec` or an
:class:`~skexpand.codecs.images.ImageCodec`. Labels have a codec of their own,
:class:`~skexpand.codecs.labels.LabelCodec`.
"""

import numpy as np

from skexpand.codecs.images import ImageCodec
from skexpand.codecs.labels import LabelCodec
from skexpand.codecs.tables import TableCodec

__all__ = ["ImageCodec", "LabelCodec", "TableCodec", "find_codec"]


def find_codec(X, image_shape=None):
    """Choose the codec for a data set: images when N-D or `image_shape`, else a table.

    Parameters
    ----------
    X : object
        Any supported container.
    image_shape : tuple of int or None, default=None
        Shape of one image, for rows of pixels.

    Returns
    -------
    ImageCodec or TableCodec
        Unfitted.
    """
    if hasattr(X, "__array__") and not hasattr(X, "shape"):
        X = np.asarray(X)
    is_flat = len(getattr(X, "shape", ())) == 2 or _is_flat_list(X)
    if image_shape is not None or not is_flat:
        return ImageCodec(image_shape=image_shape)
    return TableCodec()


def _is_flat_list(X):
    """Whether a list is a table: its rows hold cells, not rows."""
    if not isinstance(X, list | tuple) or len(X) == 0:
        return isinstance(X, list | tuple)
    row = X[0]
    if hasattr(row, "ndim"):
        return row.ndim <= 1
    is_nested = isinstance(row, list | tuple) and len(row) > 0
    return not (is_nested and isinstance(row[0], list | tuple))
