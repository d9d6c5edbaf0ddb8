"""Pictures of scores: gains and ranks. Arrays in, nothing computed here.

As in scikit-learn: a Display stores what it draws, ``plot`` draws it and can be called
again, on other axes.
"""

import numpy as np

from skexpand.evaluation import _style as style
from skexpand.evaluation._analysis import gain_arrays, rank_arrays
from skexpand.evaluation._text import interval, scale_of, unit_of


class GainDisplay:
    """Gain over no augmentation: one line per arm, its interval and its draws.

    An interval that excludes zero is drawn in blue (better) or orange (worse), any
    other in gray. Use :meth:`from_results` to create one from a report. All parameters
    are stored as attributes.

    Parameters
    ----------
    names : list of str of length n_arms
        Arms, from top to bottom.
    gains, lows, highs : ndarray of shape (n_arms,)
        Mean paired difference to no augmentation and its interval, in the metric's own
        unit. NaN ends mean that there is no interval.
    differences : list of ndarray of shape (n_draws,)
        Differences of the single draws, arm by arm; the arms may differ in number.
    metric : str, default="score"
        Name of the score. Accuracies and the like are drawn in percent points.
    unit : str, default="draws"
        What `differences` are of.
    title : str, default=""
        What the arms have in common.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes drawn on.
    figure_ : matplotlib.figure.Figure
        Their figure.
    lines_ : dict of str to matplotlib.lines.Line2D
        The interval of each arm; its marker's place is the gain.

    Examples
    --------
    >>> import numpy as np
    >>> from skexpand.evaluation.displays import GainDisplay
    >>> display = GainDisplay(
    ...     names=["SMOTE"], gains=np.array([0.02]), lows=np.array([0.01]),
    ...     highs=np.array([0.03]), differences=[np.array([0.01, 0.03])],
    ...     metric="accuracy",
    ... )
    >>> display.plot().lines_["SMOTE"].get_xdata().tolist()
    [1.0, 2.0, 3.0]
    """

    def __init__(
        self,
        *,
        names,
        gains,
        lows,
        highs,
        differences,
        metric="score",
        unit="draws",
        title="",
    ):
        self.names = names
        self.gains = gains
        self.lows = lows
        self.highs = highs
        self.differences = differences
        self.metric = metric
        self.unit = unit
        self.title = title

    @classmethod
    def from_results(
        cls,
        report,
        *,
        dataset=None,
        n_per_class=None,
        classifier=None,
        metric=None,
        ax=None,
    ):
        """Create and draw the display from a report.

        Parameters
        ----------
        report : Report
            Results of a comparison.
        dataset : str or None, default=None
            Data set; None takes all, each as one unit.
        n_per_class : int or None, default=None
            Size of the small training set; None takes the mean over all sizes.
        classifier : str or None, default=None
            Classifier; None takes the mean over all, draw by draw.
        metric : str or None, default=None
            Score; None is the primary one of the protocol.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        GainDisplay
        """
        scores = report.scores(metric)
        settings = scores.settings(
            dataset=dataset, n_per_class=n_per_class, classifier=classifier
        )
        return cls(**gain_arrays(scores, settings)).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the gains.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        GainDisplay
        """
        n_arms = len(self.names)
        ax = style.axes_for(self, ax, 8, 1.3 + 0.4 * n_arms)
        scale = scale_of(self.metric)
        ax.axvline(0, color=style.QUIET, linewidth=1, zorder=1)
        counts = {len(draws) for draws in self.differences}
        self.lines_ = {}
        for place, name in enumerate(self.names):
            self.lines_[name] = self._draw_arm(ax, place, scale, len(counts) > 1)
        labels = [style.plain(style.label(name)) for name in self.names]
        ax.set_yticks(range(n_arms), labels)
        ax.set_ylim(n_arms - 0.4, -0.6)
        ax.set_xlabel(
            f"gain over no augmentation, {unit_of(self.metric)}\n"
            f"dot: mean, bar: 95 % interval, ticks: single {self.unit}"
        )
        style.dress(ax, grid="x")
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        n = counts.pop() if len(counts) == 1 else None
        unit = self.unit.removesuffix("s") if n == 1 else self.unit
        style.title(ax, self.title, "" if n is None else f"(n = {n} {unit})")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_arm(self, ax, place, scale, say_n):
        gain, low, high = (
            values[place] for values in (self.gains, self.lows, self.highs)
        )
        color = style.BLUE if low > 0 else style.ORANGE if high < 0 else style.GRAY
        draws = scale * np.asarray(self.differences[place])
        ax.plot(
            draws,
            np.full(len(draws), place + 0.27),
            "|",
            color=color,
            markersize=7,
            alpha=0.75,
        )
        (line,) = ax.plot(
            [scale * low, scale * gain, scale * high],
            [place] * 3,
            color=color,
            linewidth=2.5,
            solid_capstyle="butt",
            marker="o",
            markersize=7,
            markevery=[1],
            # Hollow: nobody can choose more real data, it is what gains are held to.
            markerfacecolor="none" if self.names[place].startswith("real x") else None,
            markeredgewidth=2,
        )
        text = interval(gain, low, high, scale, signed=True)
        if np.isnan(gain):
            text = f"no pair of {self.unit}"
        elif say_n:
            text += f"  n = {len(draws)}"
        beside = ("axes fraction", "data")
        style.write(ax, text, (1.02, place), xycoords=beside, va="center")
        return line


class CriticalDifferenceDisplay:
    """Mean ranks over data sets; arms joined by a bar cannot be told apart.

    Demšar's diagram. Use :meth:`from_results` to create one from a report of at least
    two data sets. All parameters are stored as attributes.

    Parameters
    ----------
    names : list of str of length n_arms
        Arms.
    ranks : ndarray of shape (n_arms,)
        Mean rank of each; 1 is best.
    critical_difference : float
        Ranks closer than this are not significantly different.
    cliques : list of sequence of int
        Arms, by index, that cannot be told apart.
    n_blocks : int
        Number of data sets ranked over.
    title : str, default=""
        What was ranked.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes drawn on.
    figure_ : matplotlib.figure.Figure
        Their figure.
    bars_ : list of matplotlib.lines.Line2D
        One bar for each clique of two arms or more.

    References
    ----------
    .. [1] Demšar, "Statistical comparisons of classifiers over multiple data sets",
       JMLR 7, 2006.
    """

    def __init__(
        self, *, names, ranks, critical_difference, cliques, n_blocks, title=""
    ):
        self.names = names
        self.ranks = ranks
        self.critical_difference = critical_difference
        self.cliques = cliques
        self.n_blocks = n_blocks
        self.title = title

    @classmethod
    def from_results(cls, report, *, metric=None, ax=None):
        """Create and draw the display from a report of several data sets.

        Parameters
        ----------
        report : Report
            Results of at least two data sets.
        metric : str or None, default=None
            Score; None is the primary one of the protocol.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        CriticalDifferenceDisplay

        Raises
        ------
        ValueError
            If there is one data set only.
        """
        return cls(**rank_arrays(report.scores(metric))).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the diagram.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        CriticalDifferenceDisplay
        """
        n_arms = len(self.names)
        n_rows = (n_arms + 1) // 2
        bars = [clique for clique in self.cliques if len(clique) > 1]
        depth = 0.5 + 0.3 * len(bars)  # in rows, what the bars take
        ax = style.axes_for(self, ax, 8, 1.3 + 0.3 * (n_rows + depth))
        ax.set_xlim(n_arms + 0.1, 0.9)  # the best on the right, as in the paper
        ax.set_ylim(-(n_rows + depth) - 0.2, 1.4)
        self._draw_arms(ax, depth)
        self.bars_ = []
        for level, clique in enumerate(bars):
            spans = self.ranks[list(clique)]
            (bar,) = ax.plot(
                [spans.min() - 0.04, spans.max() + 0.04],
                [-0.4 - 0.3 * level] * 2,
                color=style.INK,
                linewidth=3.5,
                solid_capstyle="butt",
            )
            self.bars_.append(bar)
        right = 1 + self.critical_difference
        ax.plot([1, right], [0.9, 0.9], color=style.QUIET, linewidth=1.5, marker="|")
        ax.annotate(
            f"critical difference {self.critical_difference:.2f}",
            (right, 0.9),
            xytext=(-8, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            size=9,
            color=style.QUIET,
        )
        style.dress(ax)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
        ax.spines["top"].set(visible=True, color=style.QUIET, position=("data", 0))
        ax.xaxis.set_ticks_position("top")
        ax.set_xticks(range(1, n_arms + 1))
        ax.tick_params(axis="x", color=style.QUIET)
        ax.set_yticks([])
        scope = f"mean rank over n = {self.n_blocks} data sets (1 is best)"
        style.title(ax, self.title, scope)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_arms(self, ax, depth):
        order = np.argsort(self.ranks, kind="stable")
        n_right = (len(order) + 1) // 2
        for place, arm in enumerate(order):
            is_right = place < n_right
            row = place if is_right else len(order) - 1 - place
            height = -(depth + row + 0.3)
            side = 1.02 if is_right else -0.02
            edge = 0.9 if is_right else len(order) + 0.1
            rank = self.ranks[arm]
            ax.plot(
                [rank, rank, edge],
                [0, height, height],
                color=style.QUIET,
                linewidth=1,
            )
            style.write(
                ax,
                f"{style.label(self.names[arm])}  {rank:.2f}",
                (side, height),
                xycoords=("axes fraction", "data"),
                ha="left" if is_right else "right",
                va="center",
                weight="bold" if place == 0 else "normal",
            )
