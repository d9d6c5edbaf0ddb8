"""What the cells of a comparison say: tables, words, pictures, a page."""

from collections import Counter
from functools import cached_property
from pathlib import Path

from skexpand.evaluation import _analysis as analysis
from skexpand.evaluation import _style as style
from skexpand.evaluation import _text as text
from skexpand.evaluation._frames import mean_frame, score_frame
from skexpand.evaluation._notes import notes_of
from skexpand.evaluation._printed import (
    first_tables_of,
    headline_texts,
    panels_of,
    table_of,
    tables_of,
)
from skexpand.evaluation._scores import Scores
from skexpand.evaluation.results import read_results


class Report:
    """Say whether augmenting helped, by how much and with what certainty.

    Gains are paired: only draws that an arm and the arm named ``none`` both have are
    compared. Several classifiers of one draw share its data, so that their mean counts
    once. Every interval is a 95 % one. Larger scores must be better, as they are with
    scikit-learn's scorers.

    Parameters
    ----------
    rows : list of dict
        One for each cell, as :func:`skexpand.evaluation.compare` writes them.
    header : dict or None, default=None
        The settings under which they were measured.

    Attributes
    ----------
    metric : str
        The primary score.

    Examples
    --------
    >>> from skexpand.evaluation.report import Report
    >>> scores = {"none": [0.80, 0.82, 0.79, 0.81], "SMOTE": [0.85, 0.86, 0.85, 0.86]}
    >>> rows = [
    ...     {"dataset": "wine", "n_per_class": 10, "classifier": "SVM",
    ...      "sampler": sampler, "draw": draw, "scores": {"accuracy": score}}
    ...     for sampler, values in scores.items() for draw, score in enumerate(values)
    ... ]
    >>> print(Report(rows).verdict())
    Augment with SMOTE: +5.0 points (3.7 to 6.3; 4 draws).
    """

    def __init__(self, rows, header=None):
        self.rows = rows
        self.header = header or {}

    @classmethod
    def from_file(cls, path):
        """Read a results file, finished or not.

        Parameters
        ----------
        path : str or path-like
            A JSONL file written by `compare` or `merge_results`.

        Returns
        -------
        Report
        """
        header, rows = read_results(path)
        return cls(rows, header)

    @property
    def settings(self):
        """The protocol as a dict; empty where no header came with the rows."""
        return self.header.get("settings") or {}

    @cached_property
    def metrics(self):
        """Names of the scores measured, the primary one first."""
        names = dict.fromkeys(name for row in self.rows for name in row["scores"] or ())
        return list(names)

    @property
    def metric(self):
        """Name of the primary score."""
        if not self.metrics:
            reasons = dict.fromkeys(filter(None, (r.get("skipped") for r in self.rows)))
            raise ValueError(
                f"There is no score among {len(self.rows)} rows: nothing has finished, "
                "or everything was skipped"
                + "".join(f" ({reason})" for reason in list(reasons)[:1])
                + "."
            )
        return self.metrics[0]

    @cached_property
    def _scores(self):
        return {}

    def scores(self, metric=None):
        """Return the scores of one metric, grouped for pairing; what Displays read.

        Parameters
        ----------
        metric : str or None, default=None
            Score; None is the primary one.

        Returns
        -------
        Scores

        Raises
        ------
        ValueError
            If no row has the metric.
        """
        metric = self.metric if metric is None else metric
        if metric not in self.metrics:
            raise ValueError(
                f"metric must be one of those measured, {self.metrics}, got {metric!r}."
            )
        if metric not in self._scores:
            self._scores[metric] = Scores(self.rows, metric)
        return self._scores[metric]

    def verdict(self, *, dataset=None, n_per_class=None, classifier=None, metric=None):
        """Decide whether to augment, and with what.

        What is left open is averaged draw by draw. Over several data sets the unit is
        the data set. Arms that add no rows (class weights, threshold) are not
        candidates.

        Parameters
        ----------
        dataset : str or None, default=None
            Data set; None takes all.
        n_per_class : int or None, default=None
            Size; None takes all.
        classifier : str or None, default=None
            Classifier; None takes all.
        metric : str or None, default=None
            Score; None is the primary one.

        Returns
        -------
        Verdict
        """
        scores = self.scores(metric)
        settings = scores.settings(
            dataset=dataset, n_per_class=n_per_class, classifier=classifier
        )
        return analysis.verdict_of(scores, settings)[0]

    def to_frame(self, metric=None):
        """Return one row per sampler, classifier and size.

        Parameters
        ----------
        metric : str or None, default=None
            Score; None is the primary one.

        Returns
        -------
        pandas.DataFrame
            Scores in the metric's own unit, with NaN where something cannot be told;
            `notes` say why. A multiplier ends at 0 or infinity where its interval
            leaves the range of real data measured. With results of several data sets
            the first column is `dataset`. Seconds are those of resampling and fitting.
        """
        return score_frame(analysis.lines_of(self.scores(metric)))

    def quality_frame(self):
        """Return how the synthetic rows compare with held-out real ones.

        Returns
        -------
        pandas.DataFrame
            One row per sampler and size, the mean over draws of every figure that was
            computed; `n_draws` says over how many.
        """
        return mean_frame(self.rows, "quality", ["sampler", "n_per_class"])

    def calibration_frame(self):
        """Return how far predicted probabilities can be believed.

        Returns
        -------
        pandas.DataFrame
            One row per sampler, classifier and size: the mean Brier score and expected
            calibration error over draws; smaller is better.
        """
        keys = ["sampler", "classifier", "n_per_class"]
        return mean_frame(self.rows, "calibration", keys)

    def notes(self, metric=None):
        """Return what a reader must know beside the table, a sentence each.

        Cells that are missing, arms that do not apply and why, gains that rest on fewer
        draws than were run, intervals and multipliers that cannot be told.

        Parameters
        ----------
        metric : str or None, default=None
            Score; None is the primary one.

        Returns
        -------
        list of str
        """
        return notes_of(self.scores(metric), self.settings)

    def plot(self, metric=None):
        """Draw the gains: a panel for each data set and size, then for each classifier.

        Parameters
        ----------
        metric : str or None, default=None
            Score; None is the primary one.

        Returns
        -------
        matplotlib.figure.Figure
            Show it in a notebook, or save it with ``savefig``.
        """
        from skexpand.evaluation.displays import GainDisplay

        scores = self.scores(metric)
        panels = panels_of(scores)
        n_columns = min(2, len(panels))
        n_rows = -(-len(panels) // n_columns)
        n_arms = max(len(scores.arms(settings)) for settings in panels)
        figure = style.new_figure(8 * n_columns, n_rows * (1.5 + 0.36 * n_arms))
        axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for ax, settings in zip(axes, panels, strict=False):
            arrays = analysis.gain_arrays(scores, settings)
            GainDisplay(**arrays).plot(ax=ax)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        return figure

    def to_markdown(self, metric=None):
        """Return verdicts, tables and notes as Markdown.

        Parameters
        ----------
        metric : str or None, default=None
            Score; None is the primary one.

        Returns
        -------
        str
        """
        scores = self.scores(metric)
        headlines = [text.escape_markdown(line) for line in headline_texts(scores)]
        parts = [f"**{line}**\n" for line in headlines]
        for title, lines in tables_of(scores):
            parts.append(f"{text.escape_markdown(title)}\n")
            parts.append(text.markdown_table(*table_of(lines, scores.metric)) + "\n")
        notes = [f"- {text.escape_markdown(note)}" for note in self.notes(metric)]
        return "\n".join([*parts, *notes]) + "\n"

    def to_html(self, path, *, metric=None, title=None, displays=None):
        """Write one standalone page: it loads nothing and can be mailed.

        Parameters
        ----------
        path : str or path-like
            File to write; its folder is made where missing.
        metric : str or None, default=None
            Score; None is the primary one.
        title : str or None, default=None
            Heading; None names the data sets.
        displays : dict of str to Display or None, default=None
            Further pictures under their headings, already drawn: a
            `SampleSheetDisplay` for example.

        Returns
        -------
        pathlib.Path
            The file.
        """
        from skexpand.evaluation._html import render

        page = render(self, metric=metric, title=title, displays=displays or {})
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
        return path

    def __str__(self):
        scores = self.scores()
        parts = [*headline_texts(scores), ""]
        for title, lines in first_tables_of(scores):
            parts += [title, text.text_table(*table_of(lines, scores.metric)), ""]
        return "\n".join([*parts, *self.notes()])

    def __repr__(self):
        cells = Counter(
            "skipped" if row.get("skipped") else "done" for row in self.rows
        )
        return f"<Report of {cells['done']} cells, {cells['skipped']} skipped>"

    def _repr_html_(self):
        from skexpand.evaluation._html import render_fragment

        return render_fragment(self)
