"""The report's numbers, words and notes, on rows with known gains and worth."""

import json
import re

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from skexpand.evaluation._text import figure_of, markdown_table, number, ranges, shorten
from skexpand.evaluation.report import Report
from tests.evaluation.simulated_rows import make_row, simulate, skip

COLUMNS = [
    "sampler",
    "classifier",
    "n_per_class",
    "n_draws",
    "score",
    "score_low",
    "score_high",
    "gain",
    "gain_low",
    "gain_high",
    "data_multiplier",
    "data_multiplier_low",
    "data_multiplier_high",
    "seconds",
]


@pytest.fixture(scope="module")
def report():
    return Report(*simulate())


def line(frame, sampler, classifier="SVM"):
    return frame[(frame.sampler == sampler) & (frame.classifier == classifier)].iloc[0]


def without(rows, **values):
    return [row for row in rows if any(row[key] != v for key, v in values.items())]


def test_frame_has_the_promised_columns_and_a_row_per_arm_and_classifier(report):
    frame = report.to_frame()
    assert list(frame.columns) == COLUMNS
    arms = ["none", "ROS", "SMOTE", "ES", "real x2", "real x5", "real x10"]
    assert frame.sampler.tolist() == 2 * arms
    assert frame.classifier.tolist() == ["logistic"] * 7 + ["SVM"] * 7
    assert (frame.n_draws == 5).all()


def test_gain_is_the_paired_difference_with_its_t_interval(report):
    scores = {
        sampler: np.array(
            [
                row["scores"]["balanced_accuracy"]
                for row in report.rows
                if row["sampler"] == sampler and row["classifier"] == "SVM"
            ]
        )
        for sampler in ("none", "ES")
    }
    test = ttest_1samp(scores["ES"] - scores["none"], 0)
    interval = test.confidence_interval(0.95)
    row = line(report.to_frame(), "ES")
    assert row.gain == pytest.approx((scores["ES"] - scores["none"]).mean())
    assert (row.gain_low, row.gain_high) == pytest.approx(tuple(interval))
    assert row.score == pytest.approx(scores["ES"].mean())


def test_pairing_leaves_out_what_draws_share(report):
    """Draws differ by 0.02, gains by 0.002: the gain's interval is the narrower one."""
    row = line(report.to_frame(), "ES")
    assert row.gain_high - row.gain_low < 0.5 * (row.score_high - row.score_low)


def test_worth_is_read_off_the_curve_of_real_data(report):
    """0.06 is one and a half doublings: 2.8 times the data."""
    row = line(report.to_frame(), "ES")
    assert row.data_multiplier == pytest.approx(2**1.5, rel=0.1)
    assert row.data_multiplier_low < 2**1.5 < row.data_multiplier_high


def test_reference_and_real_data_are_worth_what_they_are(report):
    frame = report.to_frame()
    assert line(frame, "none").gain == 0
    worth = {
        name: line(frame, name)[COLUMNS[10:13]].tolist() for name in ("none", "real x5")
    }
    assert worth == {"none": [1, 1, 1], "real x5": [5, 5, 5]}


def test_score_above_the_curve_is_censored_not_extrapolated():
    report = Report(*simulate({"none": 0, "magic": 0.5}))
    row = line(report.to_frame(), "magic")
    assert (row.data_multiplier, row.data_multiplier_high) == (10, np.inf)
    assert "magic is worth > 10x the real data." in str(report)


def test_seconds_are_those_of_resampling_and_fitting(report):
    assert (report.to_frame().seconds == 3).all()


def test_classifiers_of_one_draw_are_not_counted_as_draws():
    """The same classifier twice gives the verdict of once."""
    rows, header = simulate(classifiers=("SVM",))
    twin = [row | {"classifier": "twin"} for row in rows]
    assert (
        Report(rows + twin, header).verdict().sentence
        == Report(rows, header).verdict().sentence
    )


def test_verdict_names_the_best_sampler(report):
    verdict = report.verdict()
    assert (verdict.outcome, verdict.sampler) == ("augment", "ES")
    assert str(report).startswith(verdict.sentence)


def test_verdict_of_a_setting_uses_its_rows_only():
    rows, header = simulate(sizes=(10,))
    worse, _ = simulate({"none": 0, "ES": -0.05}, sizes=(100,))
    report = Report(rows + worse, header)
    assert report.verdict(n_per_class=10).outcome == "augment"
    assert report.verdict(n_per_class=100).outcome == "do not augment"
    text = str(report)
    assert "digits, 10 per class: Augment with ES" in text
    assert "digits, 100 per class: Do not augment" in text


def test_arms_that_add_no_rows_are_no_candidates_but_are_named():
    report = Report(*simulate({"none": 0, "threshold": 0.08, "SMOTE": 0.03}))
    assert report.verdict().sampler == "SMOTE"
    assert re.search(r"threshold, which adds no rows, gains \+[78]\.\d\.", str(report))


def test_intervals_of_shares_stay_within_them():
    rows, header = simulate(n_draws=2)
    for row in rows:
        row["scores"] = dict.fromkeys(row["scores"], 0.9 + 0.099 * row["draw"])
    frame = Report(rows, header).to_frame()
    assert (frame["score_high"] == 1).all() and (frame["score_low"] >= 0).all()


def test_another_metric_has_its_own_gains_in_its_own_unit(report):
    frame = report.to_frame("neg_log_loss")
    assert line(frame, "ES").score == pytest.approx(
        line(report.to_frame(), "ES").score - 2
    )
    assert "neg log loss |" in report.to_markdown("neg_log_loss")
    assert ", %" not in report.to_markdown("neg_log_loss")


def test_unknown_metric_names_those_measured(report):
    with pytest.raises(ValueError, match="'balanced_accuracy', 'neg_log_loss'.*'f1'"):
        report.to_frame("f1")


def test_unknown_setting_names_those_measured(report):
    with pytest.raises(ValueError, match=r"n_per_class=7.*sizes \[10\]"):
        report.verdict(n_per_class=7)


def test_report_without_a_score_says_so():
    rows = [skip(row, "never") for row in simulate()[0]]
    with pytest.raises(ValueError, match=r"no score among 70 rows.*\(never\)"):
        Report(rows).to_frame()


def test_one_draw_gives_no_interval_and_says_so():
    report = Report(*simulate(n_draws=1))
    frame = report.to_frame()
    assert frame.gain.notna().all()
    samplers = frame[frame.sampler.isin(["ES", "SMOTE", "ROS"])]
    for column in ("score_low", "gain_low", "gain_high", "data_multiplier_low"):
        assert samplers[column].isna().all(), column
    assert report.verdict().outcome == "cannot tell"
    assert any("there is one draw: no interval" in note for note in report.notes())


def test_interrupted_run_pairs_common_draws_and_lists_what_is_missing():
    rows, header = simulate()
    rows = [
        row
        for row in rows
        if not (
            row["sampler"] == "ES" and row["classifier"] == "SVM" and row["draw"] > 2
        )
    ]
    report = Report(rows, header)
    assert line(report.to_frame(), "ES").n_draws == 3
    assert report.notes() == [
        "The run is not complete: on digits, 10 per class, with SVM, ES lacks draws "
        "3-4."
    ]


def test_draws_that_no_row_mentions_are_known_from_the_header():
    rows, header = simulate(n_draws=3)
    header["settings"]["n_draws"] = 5
    assert any(
        "every arm lacks draws 3-4" in note for note in Report(rows, header).notes()
    )


def test_gain_over_fewer_draws_than_were_run_is_said():
    rows = without(simulate()[0], sampler="none", draw=0)
    report = Report(rows)
    assert "With SVM the gain of ES rests on 4 of its 5 draws: none lacks" in str(
        report
    )
    assert "5 (4 paired)" in str(report)
    gain = line(report.to_frame(), "ES").gain
    full = line(Report(simulate()[0]).to_frame(), "ES").gain
    assert gain != full


def test_without_the_reference_gains_are_empty_and_said_to_be():
    report = Report(without(simulate()[0], sampler="none"))
    frame = report.to_frame()
    assert frame.gain.isna().all()
    assert frame.score.notna().all()
    assert report.verdict().outcome == "cannot tell"
    assert "no arm named none" in report.verdict().sentence
    assert any("no arm named none" in note for note in report.notes())


def test_without_larger_real_sets_the_worth_is_empty_and_said_to_be():
    report = Report(*simulate(multiples=()))
    frame = report.to_frame()
    assert frame[frame.sampler != "none"].data_multiplier.isna().all()
    assert any("(the arm real was left out)" in note for note in report.notes())
    small = {**report.rows[-1], "sampler": "real", "multiple": 2.0}
    rows = [*report.rows, skip(small, "needs 20 rows")]
    assert any("(the pool has no more)" in note for note in Report(rows).notes())


def test_skipped_arm_is_a_note_with_its_reason_not_a_row():
    rows, header = simulate({"none": 0, "threshold": 0.0, "ES": 0.05})
    reason = "threshold tuning needs two classes"
    rows = [skip(row, reason) if row["sampler"] == "threshold" else row for row in rows]
    report = Report(rows, header)
    assert "threshold" not in report.to_frame().sampler.tolist()
    assert report.notes() == [
        f"threshold was left out with logistic and SVM: {reason}."
    ]


def test_score_that_is_not_a_number_is_left_out_and_counted():
    rows, header = simulate()
    rows[0]["scores"]["balanced_accuracy"] = float("nan")
    report = Report(rows, header)
    assert line(report.to_frame(), "none", "logistic").n_draws == 4
    assert any("1 of 70 cells have no finite" in note for note in report.notes())


def test_overlap_of_draws_widens_the_intervals():
    """Nadeau and Bengio: 1/5 + 0.2/0.8 instead of 1/5."""
    rows, header = simulate()
    wide = Report([row | {"overlap": 0.2} for row in rows], header).to_frame()
    plain = Report(rows, header).to_frame()
    ratio = [
        line(frame, "ES").gain_high - line(frame, "ES").gain for frame in (wide, plain)
    ]
    assert ratio[0] / ratio[1] == pytest.approx((0.45 / 0.2) ** 0.5)


def test_exhausted_pool_of_the_real_arm_breaks_nothing():
    rows, header = simulate()
    rows = [row | {"overlap": float(row["sampler"] == "real")} for row in rows]
    assert Report(rows, header).verdict().outcome == "augment"


def test_quality_is_the_mean_over_draws_stored_once(report):
    frame = report.quality_frame()
    row = frame[frame.sampler == "ES"].iloc[0]
    assert (row.n_draws, row.coverage) == (5, pytest.approx(0.2))


def test_calibration_keeps_classifiers_apart(report):
    frame = report.calibration_frame()
    found = frame[frame.sampler == "ES"].set_index("classifier").ece
    assert found.to_dict() == pytest.approx({"logistic": 0.3, "SVM": 0.1})


def test_several_data_sets_are_told_apart_and_are_the_unit_of_the_verdict():
    names = [f"set {i}" for i in range(7)]
    report = Report(*simulate(datasets=names, multiples=()))
    frame = report.to_frame()
    assert list(frame.columns) == ["dataset", *COLUMNS]
    assert frame.dataset.nunique() == 7
    text = str(report)
    assert text.startswith("7 data sets: Augment with ES")
    assert "7 draws). Here a draw is a data set" in text


def test_imbalanced_data_without_a_size_are_reported_by_their_rows():
    rows, header = simulate()
    report = Report([row | {"n_per_class": None} for row in rows], header)
    row = line(report.to_frame(), "ES")
    assert row.data_multiplier == pytest.approx(2**1.5, rel=0.1)
    assert "per class" not in str(report)


def test_text_prints_a_table_with_the_best_first(report):
    lines = str(report).splitlines()
    start = next(i for i, text in enumerate(lines) if text.startswith("---"))
    names = [text.split("  ")[0] for text in lines[start + 1 : start + 8]]
    expected = ["ES", "SMOTE", "ROS", "none", "real x2", "real x5", "real x10"]
    assert names == expected
    assert "digits, 10 per class, mean of 2 classifiers" in lines


def test_markdown_holds_verdict_every_table_and_escapes_names():
    name = "a|b<script>"
    report = Report(*simulate({"none": 0, name: 0.05}))
    markdown = report.to_markdown()
    assert markdown.startswith("**Augment with a\\|b&lt;script>")
    assert markdown.count("| :--- | ---: |") == 3  # the mean and two classifiers
    rows = [text for text in markdown.splitlines() if text.startswith("| a\\|b")]
    assert len(rows) == 3
    assert "<script>" not in markdown


def test_file_of_an_unfinished_run_is_read(tmp_path):
    rows, header = simulate()
    path = tmp_path / "results.jsonl"
    path.write_text("\n".join(map(json.dumps, [header, *rows[:50]])) + "\n")
    report = Report.from_file(path)
    assert len(report.rows) == 50
    assert repr(report) == "<Report of 50 cells, 0 skipped>"
    assert any("not complete" in note for note in report.notes())


def test_real_data_of_the_same_size_are_the_reference_not_a_second_point():
    rows, header = simulate(multiples=(1, 2, 5))
    row = line(Report(rows, header).to_frame(), "ES")
    assert row.data_multiplier == pytest.approx(2**1.5, rel=0.1)


def test_cell_written_twice_counts_once(report):
    doubled = Report([*report.rows, *report.rows[:7]], report.header)
    assert doubled.to_frame().equals(report.to_frame())


def test_report_of_hundreds_of_arms_by_classifiers_stays_quick_to_group():
    """12 samplers, 5 classifiers, 2 sizes: 150 lines, each arm once."""
    gains = {"none": 0.0} | {f"sampler {i}": 0.01 * i for i in range(11)}
    names = ("a", "b", "c", "d", "e")
    frame = Report(*simulate(gains, classifiers=names, sizes=(10, 100))).to_frame()
    assert len(frame) == 15 * 5 * 2
    assert not frame.duplicated(["sampler", "classifier", "n_per_class"]).any()


@pytest.mark.parametrize(
    ("value", "text"), [(-0.0001, "0.0"), (0.1234, "+12.3"), (float("nan"), "-")]
)
def test_numbers_have_no_negative_zero(value, text):
    assert number(value, 100, signed=True) == text


def test_small_words():
    assert [figure_of(value) for value in (0, 0.5, 12.34, 1e-5, None)] == [
        "0.000",
        "0.500",
        "12.3",
        "1.0e-05",
        "-",
    ]
    assert ranges([0, 1, 2, 5]) == "0-2, 5"
    assert shorten("abcdefghij", 5) == "ab…ij"
    assert markdown_table(["a"], [["x\ny"]]).endswith("| x y |")


def test_rows_need_only_what_they_are_about():
    """A row of another tool: no seconds, no versions, no quality."""
    keys = (
        "dataset",
        "sampler",
        "multiple",
        "classifier",
        "n_per_class",
        "draw",
        "scores",
    )
    full = make_row("d", 10, 0, "SVM", "none", None, 0.5)
    report = Report([{key: full[key] for key in keys}])
    assert np.isnan(report.to_frame().seconds[0])
    assert report.quality_frame().empty
