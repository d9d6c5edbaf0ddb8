"""Images of any layout and dtype to float32 (n, C, H, W) in [0, 1], and back."""

import numpy as np
from sklearn.exceptions import NotFittedError

from skexpand.codecs.containers import find_container

_CHANNELS = (1, 3, 4)
_MIN_SIDE = 4


class ImageCodec:
    """Encode images of any layout as one: float32 (n, C, H, W) in [0, 1].

    Layouts: (n, H, W); (n, H, W, C) and (n, C, H, W) with 1, 3 or 4 channels, where
    channels last wins when both fit; and rows of pixels with `image_shape`. Unsigned
    bytes span [0, 255] and booleans [0, 1]; any other dtype spans the range observed in
    fit and comes back inside it. Whole numbers come back whole.

    Parameters
    ----------
    image_shape : tuple of int or None, default=None
        Shape of one image, (H, W), (H, W, C) or (C, H, W), for rows of pixels.

    Attributes
    ----------
    kind : str
        ``"image"``.
    image_shape_ : tuple of int
        (C, H, W) of one encoded image.
    layout_ : str
        ``"hw"``, ``"hwc"`` or ``"chw"``, of the input.
    n_features_in_, n_encoded_ : int
        Pixels times channels of one image.

    Examples
    --------
    >>> import numpy as np
    >>> from skexpand.codecs import ImageCodec
    >>> X = np.full((2, 8, 9, 3), 255, dtype=np.uint8)
    >>> codec = ImageCodec().fit(X)
    >>> codec.encode(X).shape
    (2, 3, 8, 9)
    >>> codec.decode(codec.encode(X)).dtype
    dtype('uint8')
    """

    kind = "image"

    def __init__(self, image_shape=None):
        self.image_shape = image_shape

    def fit(self, X):
        """Learn layout, dtype and range.

        Parameters
        ----------
        X : object of shape (n, H, W), (n, H, W, C), (n, C, H, W) or (n, pixels)

        Returns
        -------
        ImageCodec
            Itself.

        Raises
        ------
        ValueError
            For shapes that are no images, a wrong `image_shape`, empty input, or NaN
            and infinity.
        TypeError
            For pixels that are not numbers, or an unknown container.
        """
        self._container = find_container(X)
        array = _check_pixels(self._container.to_array(X))
        shape = self._single_shape(array.shape)
        self.layout_ = _find_layout(shape)
        self._in_shape, self._single = array.shape[1:], shape
        self.image_shape_ = {
            "hw": (1, *shape),
            "hwc": (shape[-1], *shape[:-1]),
            "chw": shape,
        }[self.layout_]
        self.n_features_in_ = self.n_encoded_ = int(np.prod(shape))
        self.dtype_ = array.dtype
        self._low, self._high = _span(array)
        return self

    def encode(self, X):
        """Turn images into float32 in [0, 1].

        Parameters
        ----------
        X : object
            Images of the fitted shape.

        Returns
        -------
        ndarray of float32, shape (n, C, H, W), C-contiguous

        Raises
        ------
        ValueError
            If the shape of one image differs from the fitted one.
        """
        self._check_fitted()
        array = _check_pixels(find_container(X).to_array(X))
        if array.shape[1:] != self._in_shape:
            raise ValueError(
                f"X must hold images of shape {self._in_shape}, as in fit, got "
                f"{array.shape[1:]}."
            )
        x = array.reshape(len(array), *self._single)
        if self.layout_ == "hw":
            x = x[:, None]
        elif self.layout_ == "hwc":
            x = np.moveaxis(x, -1, 1)
        x = x.astype(np.float64 if x.dtype.itemsize > 2 else np.float32)
        x = (x - self._low) / (self._high - self._low or 1)
        return np.ascontiguousarray(x.clip(0, 1), dtype=np.float32)

    def decode(self, x):
        """Turn encoded images into the container, layout and dtype of fit.

        Parameters
        ----------
        x : ndarray of shape (m, C, H, W)

        Returns
        -------
        object
        """
        return self.restore(self.decode_values(x))

    def decode_values(self, x):
        """Turn encoded images into an array of the layout and dtype of fit.

        Parameters
        ----------
        x : ndarray of shape (m, C, H, W)

        Returns
        -------
        ndarray

        Raises
        ------
        ValueError
            If the shape of one image is not (C, H, W).
        """
        self._check_fitted()
        x = np.asarray(x)
        if x.shape[1:] != self.image_shape_:
            raise ValueError(
                f"Encoded images must have shape (m, *{self.image_shape_}), got "
                f"{x.shape}."
            )
        x = np.clip(x, 0, 1)
        if self.layout_ == "hwc":
            x = np.moveaxis(x, 1, -1)
        x = np.ascontiguousarray(x).reshape(len(x), *self._in_shape)
        if self.dtype_.kind == "b":
            return x > 0.5
        wide = np.float32 if self.dtype_.itemsize <= 2 else np.float64
        x = x.astype(wide) * (self._high - self._low) + self._low
        if self.dtype_.kind in "iu":
            np.rint(x, out=x)
        # The last bit of the product may leave the observed range.
        return x.clip(self._low, self._high).astype(self.dtype_)

    def count_violations(self, values):
        """Count broken constraints between columns: pixels have none.

        Parameters
        ----------
        values : ndarray
            From `decode_values`.

        Returns
        -------
        dict
            Empty.
        """
        return {}

    def restore(self, values):
        """Put decoded images in the container that was fitted.

        Parameters
        ----------
        values : ndarray

        Returns
        -------
        object
        """
        return self._container.from_array(values)

    def join(self, X, X_new):
        """Put real images, untouched, before synthetic ones.

        Parameters
        ----------
        X : object
        X_new : object

        Returns
        -------
        object
        """
        return self._container.join(X, X_new)

    def _check_fitted(self):
        if not hasattr(self, "image_shape_"):
            raise NotFittedError("This ImageCodec is not fitted yet: call fit first.")

    def _single_shape(self, shape):
        if self.image_shape is None:
            return shape[1:]
        given = tuple(int(side) for side in self.image_shape)
        if len(shape) == 2 and np.prod(given) != shape[1]:
            raise ValueError(
                f"image_shape={given} needs {int(np.prod(given))} columns, got "
                f"{shape[1]}. Pass the shape of one image: (H, W), (H, W, C) or "
                "(C, H, W)."
            )
        if len(shape) > 2 and given != shape[1:]:
            raise ValueError(
                f"image_shape={given} contradicts X, whose images have shape "
                f"{shape[1:]}. Leave image_shape out: it is for rows of pixels."
            )
        return given


def _find_layout(shape):
    """Name the layout of one image."""
    sides = ()
    if len(shape) == 2:
        layout, sides = "hw", shape
    elif len(shape) == 3 and shape[-1] in _CHANNELS:
        layout, sides = "hwc", shape[:-1]
    elif len(shape) == 3 and shape[0] in _CHANNELS:
        layout, sides = "chw", shape[1:]
    if not sides or min(sides) < _MIN_SIDE:
        raise ValueError(
            "One image must have shape (H, W), (H, W, C) or (C, H, W), C in 1, 3, 4 "
            f"and sides of at least {_MIN_SIDE} pixels, got {tuple(shape)}. Reshape X, "
            "or pass a 2-D X to expand it as a table."
        )
    return layout


def _check_pixels(array):
    if array.ndim < 2:
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array instead: images have shape "
            "(n, H, W), (n, H, W, C) or (n, C, H, W). Reshape your data."
        )
    if 0 in array.shape:
        raise ValueError(
            f"Found array with 0 sample(s) or pixels (shape={array.shape}) while a "
            "minimum of 1 is required."
        )
    if array.dtype.kind not in "biuf":
        try:
            if array.dtype.kind in "mM":
                raise TypeError("numpy would count their ticks")
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"Pixels must be numbers, got dtype {array.dtype}. Convert the images "
                "with X.astype('float32')."
            ) from error
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).reshape(len(array), -1).any(axis=1).sum())
        raise ValueError(
            f"Images must be finite: input X contains NaN or infinity in {bad} of "
            f"{len(array)} images. Fill or drop them."
        )
    return array


def _span(array):
    if array.dtype == np.uint8:
        return 0.0, 255.0
    if array.dtype.kind == "b":
        return 0.0, 1.0
    return float(array.min()), float(array.max())
