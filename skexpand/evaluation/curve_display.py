"""The learning curve of real data, and where augmented data meet it."""

from itertools import cycle

import numpy as np

from skexpand.evaluation import _style as style
from skexpand.evaluation._analysis import curve_arrays
from skexpand.evaluation._text import readable, scale_of


class LearningCurveDisplay:
    """Score against the number of real samples, and where the augmented data meet it.

    The band is the uncertainty of the curve. From the score of the first arm a line
    leads to the curve and down to the number of real samples that would have scored as
    much: its data multiplier. Use :meth:`from_results` to create one from a report.
    All parameters are stored as attributes.

    Parameters
    ----------
    sizes : ndarray of shape (n_sizes,)
        Numbers of real samples measured.
    scores : ndarray of shape (n_sizes, n_draws)
        Scores of the real samples; a column is one draw.
    grid, fit, band_low, band_high : ndarray of shape (n_points,)
        The fitted curve and its band.
    arms : dict of str to float
        Mean score of the arms to be drawn; the first one's multiplier is drawn in.
    multipliers : dict of str to Multiplier
        Data multiplier of each of them.
    metric : str, default="score"
        Name of the score.
    size_label : str, default="real samples per class"
        What `sizes` counts.
    title : str, default=""
        What the curve is of.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes drawn on.
    figure_ : matplotlib.figure.Figure
        Their figure.
    curve_ : matplotlib.lines.Line2D
        The fitted curve.
    multiplier_line_ : matplotlib.lines.Line2D or None
        From the first arm's score to the curve and down; None where no size can be
        named.
    """

    def __init__(
        self,
        *,
        sizes,
        scores,
        grid,
        fit,
        band_low,
        band_high,
        arms,
        multipliers,
        metric="score",
        size_label="real samples per class",
        title="",
    ):
        self.sizes = sizes
        self.scores = scores
        self.grid = grid
        self.fit = fit
        self.band_low = band_low
        self.band_high = band_high
        self.arms = arms
        self.multipliers = multipliers
        self.metric = metric
        self.size_label = size_label
        self.title = title

    @classmethod
    def from_results(
        cls,
        report,
        *,
        dataset=None,
        n_per_class=None,
        classifier=None,
        arms=None,
        metric=None,
        ax=None,
    ):
        """Create and draw the display from a report.

        Parameters
        ----------
        report : Report
            Results of a comparison that include larger real training sets.
        dataset : str or None, default=None
            Data set; may be left out when there is one.
        n_per_class : int or None, default=None
            Size of the small training set; may be left out when there is one.
        classifier : str or None, default=None
            Classifier; None takes the mean over all, draw by draw.
        arms : list of str or None, default=None
            Arms drawn in, the first with its multiplier; None takes the best four.
        metric : str or None, default=None
            Score; None is the primary one of the protocol.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        LearningCurveDisplay

        Raises
        ------
        ValueError
            If the results hold no larger real training set, or several data sets or
            sizes to choose from.
        """
        scores = report.scores(metric)
        settings = scores.settings(
            dataset=dataset, n_per_class=n_per_class, classifier=classifier
        )
        places = {setting.place for setting in settings}
        if len(places) > 1:
            raise ValueError(
                "A learning curve is of one data set and one size: choose dataset and "
                f"n_per_class from {sorted(places, key=str)}."
            )
        return cls(**curve_arrays(scores, settings, arms)).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the curve, its band and draws, the arms and the multiplier.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        LearningCurveDisplay
        """
        ax = style.axes_for(self, ax, 8, 4.5)
        scale = scale_of(self.metric)
        ax.fill_between(
            self.grid,
            scale * self.band_low,
            scale * self.band_high,
            color=style.GRAY,
            alpha=0.22,
            linewidth=0,
        )
        (self.curve_,) = ax.plot(
            self.grid, scale * self.fit, color=style.GRAY, linewidth=2
        )
        ax.plot(
            self.sizes,
            scale * self.scores,
            "o",
            color=style.GRAY,
            markersize=3.5,
            alpha=0.6,
            markeredgewidth=0,
        )
        ax.set_xscale("log")
        style.dress(ax, grid="y")
        self._label_axes(ax)
        self.multiplier_line_ = None
        self._draw_arms(ax, scale)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _label_axes(self, ax):
        from matplotlib.ticker import NullFormatter

        labels = [f"{size:g}" for size in self.sizes]
        ax.set_xticks(self.sizes, labels)
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.tick_params(axis="x", which="minor", length=0)
        ax.set_xlabel(f"{self.size_label} (log scale)")
        percent = " in percent" if scale_of(self.metric) == 100 else ""
        ax.set_ylabel(f"{readable(self.metric)}{percent}")
        n_draws = self.scores.shape[1]
        n = "n = 1 draw" if n_draws == 1 else f"n = {n_draws} draws; band: 95 %"
        style.title(ax, self.title, f"({n})")

    def _draw_arms(self, ax, scale):
        start, stop = self.sizes[0], self.sizes[-1]
        levels = {name: scale * score for name, score in self.arms.items()}
        colors = dict(zip(levels, cycle(style.PALETTE), strict=False))
        for name, level in levels.items():
            ax.plot(start, level, "D", color=colors[name], markersize=6, zorder=5)
        bottom, top = ax.get_ylim()  # what follows must not move the axis
        ax.set_ylim(bottom, top)
        for place, (name, level) in enumerate(levels.items()):
            if place == 0:
                self._draw_multiplier(ax, name, level, colors[name])
            else:
                thin = dict(color=colors[name], linewidth=0.8, alpha=0.5)
                ax.plot([start, stop], [level, level], **thin)
        entries = {
            name: (level, self._describe(name, f"{level:{_digits(scale)}}"))
            for name, level in levels.items()
        }
        entries["real data"] = (scale * self.fit[-1], "real data")
        self._write_beside(ax, entries, colors, gap=0.062 * (top - bottom))

    def _describe(self, name, score):
        return f"{style.label(name)}  {score},  worth {self.multipliers[name]}"

    def _write_beside(self, ax, entries, colors, gap):
        """Name every level right of the axes, `gap` apart where they would touch."""
        beside = ("axes fraction", "data")
        places = style.spread([level for level, _ in entries.values()], gap)
        for index, (name, (level, text)) in enumerate(entries.items()):
            color = colors.get(name, style.QUIET)
            style.write(
                ax,
                text,
                (1, level),
                xycoords=beside,
                xytext=(1.035, places[index]),
                textcoords=beside,
                va="center",
                color=color,
                weight="bold" if index == 0 and name in colors else "normal",
                arrowprops=dict(arrowstyle="-", color=color, linewidth=0.8),
            )

    def _draw_multiplier(self, ax, name, level, color):
        multiplier = self.multipliers[name]
        dashed = dict(color=color, linewidth=1.6, linestyle=(0, (4, 2)), zorder=4)
        start, floor = self.sizes[0], ax.get_ylim()[0]
        if multiplier.censored is not None or not multiplier.is_determined:
            # No size can be named: the line says how far one has looked.
            ax.plot([start, self.sizes[-1]], [level, level], **dashed)
            return
        reached = start * multiplier.value
        path = [start, reached, reached], [level, level, floor]
        (self.multiplier_line_,) = ax.plot(*path, **dashed)
        style.write(
            ax,
            f"as good as {reached:.0f} real",
            (reached, floor),
            xytext=(6, 8),
            textcoords="offset points",
            color=color,
        )
        if not np.isnan(multiplier.low):
            ends = np.multiply(start, [multiplier.low, multiplier.high])
            # An end that lies beyond what was measured is drawn as far as that.
            ends = ends.clip(start, self.sizes[-1])
            thick = dict(color=color, linewidth=5, alpha=0.6, clip_on=False, zorder=6)
            ax.plot(ends, [floor, floor], solid_capstyle="butt", **thick)


def _digits(scale):
    return ".1f" if scale == 100 else ".3f"
