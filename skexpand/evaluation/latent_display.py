"""Samples of three kinds in one plane: real, held-out, synthetic."""

import numpy as np

from skexpand.evaluation import _style as style

_KINDS = ("real", "synthetic", "held-out")


class LatentDisplay:
    """Real, held-out and synthetic samples in the plane that real ones spread in most.

    Synthetic points should fill the region of held-out ones of their class: points on
    top of real ones were copied, a small clump collapsed, a foreign region drifted. A
    plane shows only part of the variance, which the axes name. Use
    :meth:`from_features` to create one. All parameters are stored as attributes.

    Parameters
    ----------
    points : dict of str to ndarray of shape (n, 2)
        Coordinates of "real", "held-out" and "synthetic" samples.
    labels : dict of str to ndarray of shape (n,)
        Their classes.
    explained : sequence of float of length 2
        Share of the variance along each axis.
    classes : sequence
        Classes shown, a panel each.
    title : str, default=""
        What the features are.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes drawn on.
    figure_ : matplotlib.figure.Figure
        Their figure.
    panels_ : dict of label to matplotlib.axes.Axes
        The panel of each class.
    points_ : dict of (str, label) to matplotlib.collections.PathCollection
        The points of each kind and class.
    """

    def __init__(self, *, points, labels, explained, classes, title=""):
        self.points = points
        self.labels = labels
        self.explained = explained
        self.classes = classes
        self.title = title

    @classmethod
    def from_features(
        cls,
        real,
        y_real,
        held_out,
        y_held_out,
        synthetic,
        y_synthetic,
        *,
        n_points=100,
        n_classes=12,
        title="",
        ax=None,
    ):
        """Project features with a PCA of real and held-out samples, and draw them.

        Synthetic samples have no say in the plane: it would turn to show them well.

        Parameters
        ----------
        real : array-like of shape (n, d)
            Latents or other features of the real training samples.
        y_real : array-like of shape (n,)
            Their classes.
        held_out : array-like of shape (n_held, d)
            Features of real samples that nobody trained on.
        y_held_out : array-like of shape (n_held,)
            Their classes.
        synthetic : array-like of shape (m, d)
            Features of the synthetic samples.
        y_synthetic : array-like of shape (m,)
            Their classes.
        n_points : int, default=100
            Points drawn of each kind and class, the first ones. More hide each other.
        n_classes : int, default=12
            Classes shown, the first ones.
        title : str, default=""
            What the features are.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        LatentDisplay

        Raises
        ------
        ValueError
            If the features differ in width or have fewer than two columns.
        """
        from sklearn.decomposition import PCA

        features = {"held-out": held_out, "synthetic": synthetic, "real": real}
        labels = {"held-out": y_held_out, "synthetic": y_synthetic, "real": y_real}
        features = {name: np.asarray(rows, float) for name, rows in features.items()}
        widths = {rows.shape[1:] for rows in features.values()}
        if len(widths) > 1 or len(min(widths)) != 1 or min(widths)[0] < 2:
            shapes = ", ".join(f"{name} {x.shape}" for name, x in features.items())
            raise ValueError(
                "Features must be 2-D, as wide as each other and at least two columns "
                f"wide, got {shapes}. Flatten images and latents first."
            )
        basis = np.vstack([features["real"], features["held-out"]])
        pca = PCA(n_components=2, svd_solver="full").fit(basis)
        classes = np.unique(np.asarray(y_real))[:n_classes]
        points, shown = {}, {}
        for name, rows in features.items():
            y = np.asarray(labels[name])
            chosen = [np.flatnonzero(y == label)[:n_points] for label in classes]
            chosen = np.concatenate(chosen)
            points[name] = pca.transform(rows[chosen])
            shown[name] = y[chosen]
        display = cls(
            points=points,
            labels=shown,
            explained=pca.explained_variance_ratio_,
            classes=classes,
            title=title,
        )
        return display.plot(ax=ax)

    def plot(self, ax=None):
        """Draw one panel for each class, all on the same two axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes whose place the panels take; None makes a figure.

        Returns
        -------
        LatentDisplay
        """
        n_columns = min(4, len(self.classes))
        n_rows = -(-len(self.classes) // n_columns)
        ax = style.axes_for(self, ax, 2.3 * n_columns + 0.4, 2.4 * n_rows + 0.8)
        ax.set_axis_off()
        everything = np.vstack(list(self.points.values()))
        low, high = everything.min(axis=0), everything.max(axis=0)
        margin = 0.04 * (high - low)
        self.panels_, self.points_ = {}, {}
        for index, label in enumerate(self.classes):
            row, column = divmod(index, n_columns)
            bounds = _panel(row, column, n_rows, n_columns)
            panel = ax.inset_axes(bounds)
            panel.set(
                xlim=(low[0] - margin[0], high[0] + margin[0]),
                ylim=(low[1] - margin[1], high[1] + margin[1]),
                xticks=[],
                yticks=[],
            )
            self._draw_class(panel, label)
            self.panels_[label] = panel
        self._explain(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_class(self, panel, label):
        looks = {
            "held-out": dict(marker="o", s=16, color=style.GRAY, alpha=0.5),
            "synthetic": dict(marker="x", s=18, color=style.BLUE, linewidths=1),
            "real": dict(marker="o", s=26, color=style.ORANGE),
        }
        for kind, look in looks.items():
            chosen = self.points[kind][self.labels[kind] == label]
            drawn = panel.scatter(*chosen.T, **look)
            if look["marker"] == "o":
                drawn.set_linewidth(0)
            self.points_[kind, label] = drawn
        style.dress(panel)
        for spine in panel.spines.values():
            spine.set(visible=True, color=style.LINE)
        style.title(panel, style.label(label))

    def _explain(self, ax):
        handles = [self.points_[kind, self.classes[0]] for kind in _KINDS]
        names = [f"{kind} (n = {len(self.points[kind])})" for kind in _KINDS]
        legend = ax.legend(
            handles,
            names,
            loc="upper right",
            bbox_to_anchor=(1, -0.01),
            ncols=3,
            frameon=False,
            fontsize=9,
            handletextpad=0.2,
            columnspacing=1,
        )
        for text in legend.get_texts():
            text.set_color(style.INK)
        shares = [f"{share:.0%}" for share in self.explained]
        axes = f"(principal axes of real data: {' and '.join(shares)} of variance)"
        style.title(ax, self.title, axes)


def _panel(row, column, n_rows, n_columns):
    """Place a panel below its title and beside its neighbor; fractions of the axes."""
    width, height = 1 / n_columns, 1 / n_rows
    return (
        column * width + 0.02 * width,
        1 - (row + 1) * height + 0.02 * height,
        0.96 * width,
        0.84 * height,
    )
