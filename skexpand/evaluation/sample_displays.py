"""Pictures of images: beside their nearest neighbors, and under attention."""

import numpy as np

from skexpand.evaluation import _style as style


class SampleSheetDisplay:
    """Real images, synthetic ones, and the real image nearest to each synthetic one.

    A synthetic image that equals the one below it in the third block was copied. Use
    :meth:`from_samples` to create one. All parameters are stored as attributes.

    Parameters
    ----------
    real : list of ndarray of shape (n_columns, H, W) or (n_columns, H, W, 3)
        Real images of each class; a class may have fewer.
    synthetic : list of ndarray of the same shape
        Synthetic images of each class.
    neighbors : list of ndarray of the same shape
        The nearest real image of each synthetic one, of any class.
    classes : sequence
        Names of the classes, from top to bottom.
    title : str, default=""
        Where the synthetic images come from.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes drawn on.
    figure_ : matplotlib.figure.Figure
        Their figure.
    images_ : dict of str to list of matplotlib.image.AxesImage
        The images drawn, by block: "real", "synthetic", "neighbors".

    Examples
    --------
    >>> import numpy as np
    >>> from skexpand.evaluation.sample_displays import SampleSheetDisplay
    >>> X, y = np.eye(4).reshape(4, 2, 2), [0, 0, 1, 1]
    >>> sheet = SampleSheetDisplay.from_samples(X, y, X[::-1] + 0.1, y[::-1])
    >>> len(sheet.images_["synthetic"])
    4
    """

    def __init__(self, *, real, synthetic, neighbors, classes, title=""):
        self.real = real
        self.synthetic = synthetic
        self.neighbors = neighbors
        self.classes = classes
        self.title = title

    @classmethod
    def from_samples(
        cls, X, y, X_new, y_new, *, n_columns=6, n_classes=10, title="", ax=None
    ):
        """Find the nearest real images, and draw the sheet.

        Cost is one distance for each pair of a shown and a real image.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, 3) or (n, 3, H, W)
            Real images the sampler saw, of any number type.
        y : array-like of shape (n,)
            Their classes.
        X_new : array-like of shape (m, H, W), (m, H, W, 3) or (m, 3, H, W)
            Synthetic images.
        y_new : array-like of shape (m,)
            Their classes.
        n_columns : int, default=6
            Images of a class in each block, the first ones.
        n_classes : int, default=10
            Classes shown, the first ones.
        title : str, default=""
            Where the synthetic images come from.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        SampleSheetDisplay

        Raises
        ------
        ValueError
            If the arrays hold no images, or images of two shapes.
        """
        from sklearn.neighbors import NearestNeighbors

        X, X_new = _as_images(X, "X"), _as_images(X_new, "X_new")
        if X.shape[1:] != X_new.shape[1:]:
            raise ValueError(
                "X and X_new must hold images of one shape, got "
                f"{X.shape[1:]} and {X_new.shape[1:]}."
            )
        y, y_new = np.asarray(y), np.asarray(y_new)
        classes = np.unique(y)[:n_classes]
        real = [X[y == label][:n_columns] for label in classes]
        synthetic = [X_new[y_new == label][:n_columns] for label in classes]
        index = NearestNeighbors(n_neighbors=1).fit(_flat(X))
        neighbors = [
            X[index.kneighbors(_flat(images), return_distance=False)[:, 0]]
            if len(images)
            else images
            for images in synthetic
        ]
        sheet = cls(
            real=real,
            synthetic=synthetic,
            neighbors=neighbors,
            classes=classes,
            title=title,
        )
        return sheet.plot(ax=ax)

    def plot(self, ax=None):
        """Draw the three blocks side by side, a class in each row.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        SampleSheetDisplay
        """
        blocks = {
            "real": self.real,
            "synthetic": self.synthetic,
            "neighbors": self.neighbors,
        }
        headings = ["real", "synthetic", "nearest real to each synthetic"]
        n_columns = max(len(row) for rows in blocks.values() for row in rows)
        pitch = 1.08  # images stand 0.08 apart, blocks 0.6
        block_width = pitch * n_columns + 0.52
        width = 3 * block_width - 0.6
        height = pitch * len(self.classes) - 0.08
        inches = min(0.55, 11 / width)
        ax = style.axes_for(self, ax, width * inches + 0.8, height * inches + 0.9)
        low, high = _limits([*self.real, *self.synthetic])
        self.images_ = {}
        for block, (name, rows) in enumerate(blocks.items()):
            left = block * block_width
            self.images_[name] = [
                _show(ax, image, left + pitch * column, pitch * row, low, high)
                for row, images in enumerate(rows)
                for column, image in enumerate(images)
            ]
            style.write(ax, headings[block], (left, -0.12), va="bottom")
        _frame(ax, width, height)
        for row, name in enumerate(self.classes):
            place = (-0.2, row * pitch + 0.5)
            style.write(ax, style.label(name), place, ha="right", va="center")
        style.title(ax, self.title, pad=26)  # above the headings
        self.ax_, self.figure_ = ax, ax.figure
        return self


class AttentionDisplay:
    """Images under the attention that each head pays to their places.

    The paper's Figure 4. Bright places are those the head reads; heads that look alike
    add nothing. Each map is scaled to its own greatest value, printed in its corner.
    Use
    :meth:`from_attention` to create one. All parameters are stored as attributes.

    Parameters
    ----------
    images : ndarray of shape (n, H, W) or (n, H, W, 3)
        Images.
    attention : ndarray of shape (n, n_heads, h, w)
        Attention that each place of the latent map receives, by head.
    labels : sequence of length n or None, default=None
        Names of the images.
    title : str, default=""
        What was looked at.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes drawn on.
    figure_ : matplotlib.figure.Figure
        Their figure.
    heat_maps_ : list of list of matplotlib.image.AxesImage
        The map of each image and head.
    """

    def __init__(self, *, images, attention, labels=None, title=""):
        self.images = images
        self.attention = attention
        self.labels = labels
        self.title = title

    @classmethod
    def from_attention(cls, images, attention, *, labels=None, title="", ax=None):
        """Check the arrays and draw the display.

        Parameters
        ----------
        images : array-like of shape (n, H, W), (n, H, W, 3) or (n, 3, H, W)
            Images.
        attention : array-like of shape (n, n_heads, h, w)
            Non-negative attention of each head to each place.
        labels : sequence of length n or None, default=None
            Names of the images.
        title : str, default=""
            What was looked at.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        AttentionDisplay

        Raises
        ------
        ValueError
            If the shapes do not fit each other or attention is negative.
        """
        images, attention = _as_images(images, "images"), np.asarray(attention, float)
        if attention.ndim != 4 or len(attention) != len(images):
            raise ValueError(
                f"attention must have shape ({len(images)}, n_heads, h, w), a map for "
                f"each image and head, got {attention.shape}."
            )
        if attention.min() < 0:
            raise ValueError(
                f"attention must not be negative, got {attention.min():.3g}: give the "
                "weights after the softmax."
            )
        display = cls(images=images, attention=attention, labels=labels, title=title)
        return display.plot(ax=ax)

    def plot(self, ax=None):
        """Draw a row for each image: the image, then each head's map over it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        AttentionDisplay
        """
        n, n_heads = self.attention.shape[:2]
        pitch = 1.12  # images stand 0.12 apart
        width, height = pitch * (n_heads + 1) - 0.12, pitch * n - 0.12
        inches = min(1.2, 10 / width)
        ax = style.axes_for(self, ax, width * inches + 0.8, height * inches + 1.0)
        low, high = _limits(self.images)
        self.heat_maps_ = []
        for row in range(n):
            top = pitch * row
            _show(ax, self.images[row], 0, top, low, high)
            maps = [
                self._draw_head(ax, row, head, pitch * (head + 1), top, low, high)
                for head in range(n_heads)
            ]
            self.heat_maps_.append(maps)
        for column in range(n_heads + 1):
            text = f"head {column}" if column else "image"
            place = (pitch * column + 0.5, -0.06)
            style.write(ax, text, place, ha="center", va="bottom")
        for row, name in enumerate(() if self.labels is None else self.labels):
            place = (-0.1, pitch * row + 0.5)
            style.write(ax, style.label(name), place, ha="right", va="center")
        _frame(ax, width, height)
        style.title(ax, self.title, pad=26)  # above the headings
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_head(self, ax, row, head, left, top, low, high):
        _show(ax, self.images[row], left, top, low, high)
        heat = self.attention[row, head]
        corner = (left + 0.96, top + 0.96)
        greatest = f"{heat.max():.2g}"
        style.write(
            ax, greatest, corner, ha="right", va="bottom", size=7, color="white"
        )
        return ax.imshow(
            heat,
            extent=(left, left + 1, top + 1, top),
            cmap="inferno",
            vmin=0,
            # A head that saw nothing is dark all over, not bright all over.
            vmax=heat.max() or 1,
            alpha=0.6,
            interpolation="bilinear",
        )


def _as_images(X, name):
    """Return images as (n, H, W) or (n, H, W, 3); channels may come first."""
    X = np.asarray(X)
    if X.ndim == 4 and X.shape[1] in (1, 3) and X.shape[3] not in (1, 3):
        X = np.moveaxis(X, 1, 3)
    if X.ndim == 4 and X.shape[3] == 1:
        X = X[..., 0]
    if X.ndim == 3 or (X.ndim == 4 and X.shape[3] == 3):
        return X
    raise ValueError(
        f"{name} must hold images, of shape (n, H, W), (n, H, W, 3) or (n, 3, H, W), "
        f"got {X.shape}. Reshape rows of pixels; draw tables with LatentDisplay."
    )


def _flat(X):
    return X.reshape(len(X), -1).astype(float)


def _limits(images):
    values = [part for part in images if len(part)]
    return (
        min(float(part.min()) for part in values),
        max(float(part.max()) for part in values),
    )


def _show(ax, image, left, top, low, high):
    """Draw one image into a unit square of the axes; colors are scaled to [0, 1]."""
    if image.ndim == 3:
        image = np.clip((image - low) / ((high - low) or 1), 0, 1)
    return ax.imshow(
        image,
        extent=(left, left + 1, top + 1, top),
        cmap="gray",
        vmin=low,
        vmax=high,
        interpolation="nearest",
    )


def _frame(ax, width, height):
    """Set limits once: every imshow moved them."""
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.set_axis_off()
