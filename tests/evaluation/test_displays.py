"""What the pictures show: the numbers in the artists, not only that they are drawn."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from skexpand.evaluation._style import BLUE, GRAY, ORANGE, spread
from skexpand.evaluation.curve_display import LearningCurveDisplay
from skexpand.evaluation.displays import CriticalDifferenceDisplay, GainDisplay
from skexpand.evaluation.latent_display import LatentDisplay
from skexpand.evaluation.learning_curve import LearningCurve
from skexpand.evaluation.report import Report
from skexpand.evaluation.sample_displays import AttentionDisplay, SampleSheetDisplay
from tests.evaluation.simulated_rows import simulate


@pytest.fixture
def ax():
    """Axes that no window knows of."""
    return Figure(layout="constrained").subplots()


@pytest.fixture(scope="module")
def report():
    gains = {"none": 0, "ES": 0.06, "SMOTE": 0.0, "bad": -0.05}
    return Report(*simulate(gains))


def texts(ax):
    return [text.get_text() for text in ax.texts]


def make_gains(**changes):
    arrays = dict(
        names=["better", "worse", "same", "real x10"],
        gains=np.array([0.02, -0.02, 0.0, 0.1]),
        lows=np.array([0.01, -0.03, -0.01, 0.09]),
        highs=np.array([0.03, -0.01, 0.01, 0.11]),
        differences=[np.array([0.01, 0.03])] * 4,
        metric="accuracy",
        title="wine",
    )
    return GainDisplay(**(arrays | changes))


def test_gain_is_drawn_at_its_place_with_its_interval_in_points(ax):
    display = make_gains().plot(ax)
    x, y = display.lines_["worse"].get_data()
    assert list(x) == pytest.approx([-3, -2, -1])
    assert list(y) == [1, 1, 1]
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert "+2.0 [+1.0, +3.0]" in texts(ax)


def test_color_says_whether_the_interval_excludes_zero(ax):
    lines = make_gains().plot(ax).lines_
    found = [lines[name].get_color() for name in ("better", "worse", "same")]
    assert found == [BLUE, ORANGE, GRAY]


def test_real_data_are_hollow_because_nobody_can_choose_them(ax):
    lines = make_gains().plot(ax).lines_
    assert lines["real x10"].get_markerfacecolor() == "none"
    assert lines["better"].get_markerfacecolor() == BLUE


def test_every_draw_is_a_tick_and_their_number_is_printed(ax):
    make_gains().plot(ax)
    ticks = [line for line in ax.lines if line.get_marker() == "|"]
    assert [list(line.get_xdata()) for line in ticks] == [pytest.approx([1, 3])] * 4
    assert ax.get_title(loc="left") == "wine  (n = 2 draws)"


def test_different_numbers_of_draws_are_printed_arm_by_arm(ax):
    differences = [np.zeros(n) for n in (2, 2, 1, 2)]
    make_gains(
        differences=differences, lows=np.array([0.01, -0.03, np.nan, 0.09])
    ).plot(ax)
    assert "0.0  n = 1" in texts(ax)
    assert ax.get_title(loc="left") == "wine"


def test_metric_without_percent_is_drawn_in_its_own_unit(ax):
    line = make_gains(metric="neg_log_loss").plot(ax).lines_["better"]
    assert list(line.get_xdata()) == pytest.approx([0.01, 0.02, 0.03])
    assert "neg log loss" in ax.get_xlabel()


def test_dollars_in_names_are_no_formulas(ax):
    make_gains(names=["$a_1$", "b", "c", "d"], title="5 $ a $").plot(ax)
    ax.figure.draw_without_rendering()
    label = ax.get_yticklabels()[0]
    assert label.get_text() == r"\$a_1\$"
    assert r"\$" in ax.get_title(loc="left")


def test_gains_of_a_report_are_those_of_its_frame(report, ax):
    display = GainDisplay.from_results(report, classifier="SVM", ax=ax)
    frame = report.to_frame()
    frame = frame[(frame.classifier == "SVM")].set_index("sampler")
    assert display.names[0] == "ES"  # the best one
    means = [draws.mean() for draws in display.differences]
    assert means == pytest.approx(list(frame.loc[display.names, "gain"]))
    for name, line in display.lines_.items():
        expected = frame.loc[name, ["gain_low", "gain", "gain_high"]]
        assert list(100 * expected) == pytest.approx(list(line.get_xdata()))


def test_report_plots_a_panel_for_the_mean_and_for_each_classifier(report):
    figure = report.plot()
    titles = [ax.get_title(loc="left") for ax in figure.axes if ax.axison]
    assert titles == [
        "digits, 10 per class, mean of 2 classifiers  (n = 5 draws)",
        "digits, 10 per class, logistic  (n = 5 draws)",
        "digits, 10 per class, SVM  (n = 5 draws)",
    ]


def test_no_label_leaves_the_figure_or_touches_another():
    """Twelve arms with long names: extents of all texts, measured in pixels."""
    gains = {"none": 0} | {
        f"a sampler with a long name, k = {i}": i / 99 for i in range(11)
    }
    figure = Report(*simulate(gains, classifiers=("SVM",))).plot()
    figure.draw_without_rendering()
    ax = figure.axes[0]
    boxes = [text.get_window_extent() for text in [*ax.texts, *ax.get_yticklabels()]]
    width = figure.bbox.width
    assert all(box.x0 >= 0 and box.x1 <= width for box in boxes)
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[:i]]
    assert not any(a.overlaps(b) for a, b in pairs)


def make_curve(scores_of_arm, **changes):
    sizes = [10, 20, 40, 80]
    scores = np.array([[0.5, 0.51], [0.6, 0.61], [0.7, 0.71], [0.8, 0.81]])
    curve = LearningCurve.fit(sizes, scores)
    grid = np.array([10.0, 20, 40, 80])
    low, high = curve.band(grid)
    arrays = dict(
        sizes=curve.sizes,
        scores=scores,
        grid=grid,
        fit=curve.predict(grid),
        band_low=low,
        band_high=high,
        arms={"ES": float(np.mean(scores_of_arm))},
        multipliers={"ES": curve.multiplier(scores_of_arm, 10)},
        metric="accuracy",
    )
    return LearningCurveDisplay(**(arrays | changes))


def test_multiplier_leads_from_the_score_to_the_curve_and_down(ax):
    """0.65 lies halfway between 20 and 40 samples on the log axis."""
    display = make_curve([0.65, 0.66]).plot(ax)
    x, y = display.multiplier_line_.get_data()
    reached = 20 * 2**0.5
    assert list(x) == pytest.approx([10, reached, reached])
    assert list(y) == pytest.approx([65.5, 65.5, ax.get_ylim()[0]])
    assert "as good as 28 real" in texts(ax)
    assert f"ES  65.5,  worth {display.multipliers['ES']}" in texts(ax)


def test_score_beyond_the_curve_is_given_no_size(ax):
    display = make_curve([0.9, 0.91]).plot(ax)
    assert display.multiplier_line_ is None
    assert any("worth > 8x" in text for text in texts(ax))
    assert not any("as good as" in text for text in texts(ax))


def test_curve_shows_fit_and_every_draw(ax):
    display = make_curve([0.65, 0.66]).plot(ax)
    x, y = display.curve_.get_data()
    assert list(x) == [10, 20, 40, 80]
    assert list(y) == pytest.approx([50.5, 60.5, 70.5, 80.5])
    drawn = np.column_stack([line.get_ydata() for line in ax.lines[1:3]])
    np.testing.assert_allclose(drawn, 100 * display.scores)
    assert "n = 2 draws" in ax.get_title(loc="left")


def test_curve_of_a_report_holds_its_best_arms_first(report, ax):
    display = LearningCurveDisplay.from_results(report, classifier="SVM", ax=ax)
    assert list(display.arms) == ["ES", "SMOTE", "bad"]
    assert display.sizes.tolist() == [10, 20, 50, 100]
    row = report.to_frame().query("sampler == 'ES' and classifier == 'SVM'").iloc[0]
    reached = display.multiplier_line_.get_xdata()[1]
    assert reached == pytest.approx(10 * row.data_multiplier)


def test_curve_needs_larger_real_sets_and_one_place():
    rows, header = simulate(multiples=())
    with pytest.raises(ValueError, match="no larger real training set"):
        LearningCurveDisplay.from_results(Report(rows, header))
    rows, header = simulate(sizes=(10, 100))
    with pytest.raises(ValueError, match=r"choose dataset and n_per_class.*100"):
        LearningCurveDisplay.from_results(Report(rows, header))


def test_labels_are_moved_apart_and_keep_their_order():
    assert spread([0, 10, 20], 5) == [0, 10, 20]
    assert spread([10, 10.5], 5) == pytest.approx([7.75, 12.75])
    moved = spread([3, 1, 2, 1.5], 4)
    assert np.argsort(moved).tolist() == [1, 3, 2, 0]
    assert np.diff(sorted(moved)).min() == pytest.approx(4)
    assert np.mean(moved) == pytest.approx(np.mean([3, 1, 2, 1.5]))


def test_clique_bar_spans_its_arms_and_single_arms_have_none(ax):
    display = CriticalDifferenceDisplay(
        names=["a", "b", "c"],
        ranks=np.array([1.0, 2.2, 2.8]),
        critical_difference=0.8,
        cliques=[(0,), (1, 2)],
        n_blocks=9,
    ).plot(ax)
    (bar,) = display.bars_
    assert bar.get_xdata() == pytest.approx([2.2, 2.8], abs=0.05)
    assert "c  2.80" in texts(ax)
    assert "n = 9 data sets" in ax.get_title(loc="left")
    left, right = ax.get_xlim()
    assert left > right  # the best on the right


def test_ranks_of_a_report_put_the_best_sampler_first(ax):
    names = [f"set {i}" for i in range(5)]
    report = Report(*simulate({"none": 0, "ES": 0.06}, datasets=names))
    display = CriticalDifferenceDisplay.from_results(report, ax=ax)
    assert dict(zip(display.names, display.ranks, strict=True)) == {"none": 2, "ES": 1}
    assert display.n_blocks == 5


def test_ranks_need_two_data_sets(report):
    with pytest.raises(ValueError, match="at least two data sets"):
        CriticalDifferenceDisplay.from_results(report)


def make_images(n=4, shape=(3, 3), seed=0):
    return np.random.default_rng(seed).random((n, *shape))


def test_sheet_shows_the_nearest_real_image_of_any_class(ax):
    X, y = make_images(), [0, 0, 1, 1]
    X_new = X[[3, 0]] + 0.001  # of class 0 and 1, copied from the other
    sheet = SampleSheetDisplay.from_samples(X, y, X_new, [0, 1], ax=ax)
    shown = [np.asarray(image.get_array()) for image in sheet.images_["neighbors"]]
    np.testing.assert_array_equal(shown, X[[3, 0]])
    assert len(sheet.images_["real"]) == 4


def test_sheet_blocks_stand_side_by_side_with_a_class_per_row(ax):
    X, y = make_images(), [0, 0, 1, 1]
    images = SampleSheetDisplay.from_samples(X, y, X, y, n_columns=2, ax=ax).images_
    for row in (0, 1):
        lefts = [images[block][2 * row].get_extent()[0] for block in images]
        tops = {images[block][2 * row].get_extent()[3] for block in images}
        assert lefts == sorted(lefts)
        assert len(tops) == 1
    assert {"real", "synthetic", "0", "1"} <= set(texts(ax))


def test_sheet_takes_channels_first_and_classes_without_synthetic_images(ax):
    X, y = make_images(shape=(3, 5, 5)), [0, 0, 1, 1]
    sheet = SampleSheetDisplay.from_samples(X, y, X[:1], [0], ax=ax)
    assert sheet.images_["real"][0].get_array().shape == (5, 5, 3)
    assert len(sheet.images_["synthetic"]) == 1


@pytest.mark.parametrize(
    ("X_new", "message"),
    [
        (np.zeros((2, 9)), "X_new must hold images"),
        (np.zeros((2, 4, 4)), r"one shape, got \(3, 3\) and \(4, 4\)"),
    ],
)
def test_sheet_refuses_what_are_no_images(X_new, message):
    with pytest.raises(ValueError, match=message):
        SampleSheetDisplay.from_samples(make_images(), [0, 0, 1, 1], X_new, [0, 1])


def make_features():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 30)
    return {
        "real": rng.normal(size=(60, 5)) + 9 * y[:, None],
        "held_out": rng.normal(size=(60, 5)) + 9 * y[:, None],
        "synthetic": rng.normal(size=(60, 5)) * 0.01 + 9 * y[:, None],
    }, y


def test_collapse_is_seen_in_the_plane(ax):
    """Synthetic rows a hundred times as tight stay so in the picture."""
    features, y = make_features()
    display = LatentDisplay.from_features(
        *(part for rows in features.values() for part in (rows, y)), ax=ax
    )
    spreads = {
        kind: np.ptp(display.points_[kind, 0].get_offsets(), axis=0).max()
        for kind in ("real", "synthetic")
    }
    assert spreads["synthetic"] < 0.05 * spreads["real"]
    assert list(display.panels_) == [0, 1]
    assert display.explained[0] > 0.9  # the classes lie apart along one axis


def test_plane_is_that_of_real_data_whatever_the_synthetic_ones_do(ax):
    features, y = make_features()
    drawn = []
    for scale in (1, 1000):
        display = LatentDisplay.from_features(
            features["real"],
            y,
            features["held_out"],
            y,
            scale * features["synthetic"],
            y,
            ax=Figure().subplots(),
        )
        drawn.append(display.points["real"])
    np.testing.assert_array_equal(*drawn)


def test_latents_that_are_maps_are_refused():
    X, y = np.zeros((4, 2, 2)), [0, 0, 1, 1]
    with pytest.raises(ValueError, match=r"2-D.*real \(4, 2, 2\).*Flatten"):
        LatentDisplay.from_features(X, y, X, y, X, y)


def test_heat_map_lies_over_its_image_and_head(ax):
    attention = np.zeros((2, 3, 4, 4))
    attention[1, 2, 0, 3] = 0.7
    display = AttentionDisplay.from_attention(
        make_images(2), attention, labels=["three", "eight"], ax=ax
    )
    heat = display.heat_maps_[1][2]
    np.testing.assert_array_equal(heat.get_array(), attention[1, 2])
    assert heat.get_clim() == (0, 0.7)
    lefts = [maps.get_extent()[0] for maps in display.heat_maps_[1]]
    assert lefts == sorted(lefts)
    assert {"image", "head 1", "head 3", "three", "eight", "0.7"} <= set(texts(ax))


def test_head_that_saw_nothing_is_dark(ax):
    display = AttentionDisplay.from_attention(
        make_images(1), np.zeros((1, 1, 2, 2)), ax=ax
    )
    assert display.heat_maps_[0][0].get_clim() == (0, 1)


@pytest.mark.parametrize(
    ("attention", "message"),
    [
        (np.zeros((2, 4, 4)), r"shape \(2, n_heads, h, w\).*got \(2, 4, 4\)"),
        (np.zeros((3, 1, 4, 4)), r"got \(3, 1, 4, 4\)"),
        (-np.ones((2, 1, 4, 4)), "must not be negative, got -1"),
    ],
)
def test_attention_that_does_not_fit_is_refused(attention, message):
    with pytest.raises(ValueError, match=message):
        AttentionDisplay.from_attention(make_images(2), attention)
