"""The published protocols: resumable, reproducible, and added up correctly."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pd = pytest.importorskip("pandas")

from benchmarks import speed  # noqa: E402
from protocols import summarize, table_cells  # noqa: E402
from protocols.journal import append_row, pack, read_rows  # noqa: E402
from protocols.run import (  # noqa: E402
    build_sampler,
    cell_id,
    cell_settings,
    read_protocol,
    run_protocol,
)
from skexpand._base import BaseExpander  # noqa: E402
from skexpand._compat import validate_parameters  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
PROTOCOLS = sorted((ROOT / "protocols").glob("*.toml"))
RESULTS = sorted(
    {
        path.with_name(f"{path.name.partition('.')[0]}.jsonl")
        for path in (ROOT / "protocols" / "results").glob("*.jsonl*")
    }
)
ARMS = [
    pytest.param(path, arm, id=f"{path.stem}-{arm}")
    for path in PROTOCOLS
    for arm in read_protocol(path)["arms"]
]


@pytest.fixture
def folder(tmp_path):
    """Give a folder with one table: two far classes, a rare one, a repeated row."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "length": np.r_[rng.normal(0, 1, 40), rng.normal(9, 1, 40), 5, 5],
            "color": np.r_[["red"] * 40, ["blue"] * 40, ["red", "red"]],
            "target": np.r_[["cat"] * 40, ["dog"] * 40, ["cow", "cow"]],
        }
    )
    frame.loc[0, "length"] = np.nan
    (tmp_path / "tables").mkdir()
    frame.to_csv(tmp_path / "tables" / "pets.csv", index=False)
    return tmp_path


@pytest.fixture
def protocol():
    """Give a protocol of two arms, two classifiers and two draws: 8 cells."""
    return {
        "name": "pets",
        "kind": "table",
        "datasets": ["pets"],
        "classifiers": ["logistic", "k-NN"],
        "draws": [0, 1],
        "n_per_class": 10,
        "ratio": 3,
        "max_test_rows": 40,
        "arms": {
            "none": {},
            "SMOTE": {"class": "imblearn.over_sampling.SMOTE"},
        },
    }


# --- the protocols -------------------------------------------------------------------


def test_table_lists_follow_their_rule(data_dir):
    usable = table_cells.usable_tables(data_dir)
    reported = read_protocol(ROOT / "protocols" / "tables.toml")["datasets"]
    assert reported == table_cells.reported_tables(usable)
    assert not set(reported) & set(table_cells.development_tables(usable))


def test_ablation_tables_are_none_of_the_reported(data_dir):
    usable = table_cells.usable_tables(data_dir)
    ablated = read_protocol(ROOT / "protocols" / "tables_ablation.toml")["datasets"]
    assert ablated == table_cells.development_tables(usable)


@pytest.mark.parametrize(("path", "arm"), ARMS)
def test_every_arm_of_every_protocol_can_be_built(path, arm):
    protocol = read_protocol(path)
    y = np.repeat([0, 1], protocol.get("n_per_class", 10))
    description = protocol["arms"][arm]
    sampler = build_sampler(description, protocol.get("ratio"), draw=3, y=y)
    if sampler is None:
        assert set(description) <= {"treatment", "classifiers"}
        return
    assert sampler.random_state == 3
    params = sampler.get_params()
    for key, value in description.get("params", {}).items():
        assert params[key] == (None if value in ("null", "@larger") else value)
    if isinstance(sampler, BaseExpander):
        validate_parameters(sampler)


def test_hosts_samplers_get_totals_and_ours_the_ratio():
    y = np.repeat([0, 1], 10)
    host = build_sampler({"class": "imblearn.over_sampling.SMOTE"}, 10, 0, y)
    ours = build_sampler({"class": "skexpand.baselines.Mixup"}, 10, 0, y)
    assert host.sampling_strategy == {0: 100, 1: 100}
    assert (ours.ratio, ours.sampling_strategy) == (10, None)


def test_without_a_ratio_classes_grow_to_the_largest():
    arm = {"class": "imblearn.over_sampling.RandomOverSampler"}
    y = np.repeat([0, 1], [4, 10])
    _, y_big = build_sampler(arm, None, 0, y).fit_resample(y[:, None], y)
    assert np.bincount(y_big).tolist() == [10, 10]


def test_misspelt_parameter_names_those_there_are():
    arm = {"class": "skexpand.baselines.Mixup", "params": {"alfa": 1}}
    with pytest.raises(ValueError, match="no parameters.*alfa.*it takes alpha"):
        build_sampler(arm, 10, 0, [0, 1])


def test_misspelt_arm_key_is_refused(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text('kind = "table"\n[arms.a]\nparam = {}\n')
    with pytest.raises(ValueError, match=r"arm 'a' has unknown keys \['param'\]"):
        read_protocol(path)


# --- the runner ----------------------------------------------------------------------


def test_every_cell_is_run_once_and_none_twice(protocol, folder, tmp_path):
    out = tmp_path / "results.jsonl"
    assert len(list(run_protocol(protocol, out, data_dir=folder))) == 8
    assert len({row["cell"] for row in read_rows(out)}) == 8
    assert list(run_protocol(protocol, out, data_dir=folder)) == []


def test_cut_off_run_goes_on_where_it_stopped(protocol, folder, tmp_path):
    out = tmp_path / "results.jsonl"
    whole = list(run_protocol(protocol, out, data_dir=folder))
    text = out.read_text()
    out.write_text(text[: len(text) // 2])  # in the middle of a line

    n_left = len(read_rows(out))
    rest = list(run_protocol(protocol, out, data_dir=folder))

    assert 0 < n_left < 8 and len(rest) == 8 - n_left
    scores = {row["cell"]: row["score"] for row in whole}
    assert {row["cell"]: row["score"] for row in read_rows(out)} == scores


def test_packed_cells_are_not_run_again_and_new_ones_appended(
    protocol, folder, tmp_path
):
    out = tmp_path / "results.jsonl"
    list(run_protocol(protocol, out, data_dir=folder, draws=[0]))
    assert pack(out) == 4 and not out.exists()
    rest = list(run_protocol(protocol, out, data_dir=folder))
    assert [row["draw"] for row in rest] == [1] * 4
    assert len(read_rows(out)) == 8
    assert pack(out) == 8


def test_some_data_sets_can_be_run_and_unknown_ones_are_named(protocol, tmp_path):
    with pytest.raises(ValueError, match=r"no datasets \['cars'\]; it has \['pets'\]"):
        list(run_protocol(protocol, tmp_path / "r.jsonl", datasets=["cars"]))
    assert list(run_protocol(protocol, tmp_path / "r.jsonl", datasets=[])) == []


def test_changed_setting_is_another_cell(protocol, folder, tmp_path):
    out = tmp_path / "results.jsonl"
    list(run_protocol(protocol, out, data_dir=folder))
    protocol["ratio"] = 4
    rows = list(run_protocol(protocol, out, data_dir=folder))
    assert {row["n_train"] for row in rows} == {20, 80}


def test_easy_table_is_solved_without_and_with_expansion(protocol, folder, tmp_path):
    rows = run_protocol(protocol, tmp_path / "r.jsonl", data_dir=folder, draws=[0])
    found = [(row["arm"], row["n_train"], row["n_test"], row["score"]) for row in rows]
    assert found == [("none", 20, 40, 1.0)] * 2 + [("SMOTE", 60, 40, 1.0)] * 2


def test_unknown_arm_lists_those_there(protocol, tmp_path):
    with pytest.raises(
        ValueError, match=r"no arms \['GAN'\]; it has \['none', 'SMOTE'"
    ):
        list(run_protocol(protocol, tmp_path / "r.jsonl", arms=["GAN"]))


def test_runner_starts_as_a_script_from_any_folder(tmp_path):
    command = [sys.executable, ROOT / "protocols" / "run.py", "--help"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "--rerun" in result.stdout


# --- tables and images ---------------------------------------------------------------


def test_duplicates_and_rare_classes_are_dropped():
    X = pd.DataFrame({"a": [*range(40), 0, 99]})
    y = pd.Series(["x", "y"] * 20 + ["x", "rare"], name="target")
    X_kept, y_kept = table_cells.prepare(X, y)
    assert X_kept["a"].tolist() == list(range(40))
    assert y_kept.tolist() == ["x", "y"] * 20


def test_encoder_learns_from_the_training_rows_alone(protocol, folder):
    table = table_cells.Table("pets", protocol, folder)
    X, *_ = table.split(draw=0)
    encoded = table.encoder.transform(X)
    assert encoded.shape == (20, 3)  # a number and two colors
    np.testing.assert_allclose(encoded[:, 0].mean(), 0, atol=1e-12)
    np.testing.assert_allclose(encoded[:, 0].std(), 1)


# --- results -------------------------------------------------------------------------


def make_row(arm, draw, score, dataset="d", classifier="c", ratio=10):
    return {
        "arm": arm,
        "dataset": dataset,
        "draw": draw,
        "classifier": classifier,
        "score": score,
        "sampler": {},
        "settings": {"ratio": ratio},
        "metric": "accuracy",
    }


def test_gain_and_interval_of_three_draws():
    """Differences 1, 2, 3: mean 2, t(0.975, 2) / sqrt(3) = 2.4841."""
    rows = [make_row("none", draw, 0.5) for draw in range(3)]
    rows += [make_row("ES", draw, 0.51 + draw / 100) for draw in range(3)]
    scores = summarize.collect_scores(rows)
    gain = summarize.paired_gain(scores["ES"], scores["none"])
    assert gain == pytest.approx((2, 2.4841, 3), abs=1e-4)
    assert str(gain) == "+2.00 [-0.48, +4.48] (n=3)"


def test_unit_of_the_interval_is_the_data_set_where_there_are_several():
    """Two sets with gains 1 and 3 are two units, however many draws each has."""
    rows = [
        make_row(arm, draw, 0.5 + (arm == "ES") * gain / 100, dataset)
        for arm in ("none", "ES")
        for dataset, gain in (("d", 1), ("e", 3))
        for draw in range(5)
    ]
    scores = summarize.collect_scores(rows)
    gain = summarize.paired_gain(scores["ES"], scores["none"])
    assert (gain.mean, gain.n) == (pytest.approx(2), 2)


def test_classifiers_of_one_draw_are_one_unit():
    rows = [
        make_row(arm, 0, 0.5 + 0.1 * (arm == "ES"), classifier=classifier)
        for arm in ("none", "ES")
        for classifier in ("LR", "RF")
    ]
    scores = summarize.collect_scores(rows)
    gain = summarize.paired_gain(scores["ES"], scores["none"])
    assert str(gain) == "+10.00 (n=1)"


def test_cell_that_ran_again_counts_with_its_last_row():
    rows = [make_row("none", 0, 0.5), make_row("none", 0, 0.7)]
    assert summarize.collect_scores(rows) == {"none": {("d", 0, "c"): 70}}


def test_arm_of_mixed_settings_is_refused():
    rows = [make_row("ES", 0, 0.5), make_row("ES", 1, 0.5, ratio=5)]
    with pytest.raises(ValueError, match="Arm 'ES' has rows of different settings"):
        summarize.collect_scores(rows)


def test_summary_is_a_table_of_means_and_gains(tmp_path, capsys):
    path = tmp_path / "r.jsonl"
    for arm, scores in {"none": (0.5, 0.7), "SMOTE": (0.6, 0.7)}.items():
        for draw, score in enumerate(scores):
            append_row(path, make_row(arm, draw, score))
    summarize.main([str(path)])
    lines = capsys.readouterr().out.splitlines()
    assert "| arm | cells | mean | gain over none | gain over SMOTE |" in lines
    smote = next(line for line in lines if line.startswith("| SMOTE"))
    assert smote.startswith("| SMOTE | 2 of 2 | 65.00 | +5.00 [")


def test_summary_of_one_classifier(tmp_path, capsys):
    path = tmp_path / "r.jsonl"
    for classifier, score in {"cnn": 0.9, "1-nn": 0.5}.items():
        append_row(path, make_row("none", 0, score, classifier=classifier))
    summarize.main([str(path), "--classifier", "cnn"])
    printed = capsys.readouterr().out
    assert "percent, r cnn;" in printed and "| none | 1 of 1 | 90.00 |" in printed
    with pytest.raises(SystemExit):
        summarize.main([str(path), "--classifier", "svm"])
    assert "has no 'svm', but ['1-nn', 'cnn']" in capsys.readouterr().err


@pytest.mark.parametrize("path", RESULTS, ids=[path.stem for path in RESULTS])
def test_published_results_belong_to_the_protocol_as_it_stands(path):
    """A setting that changed after the run would make its figures somebody else's."""
    protocol = read_protocol(ROOT / "protocols" / f"{path.stem}.toml")
    rows = read_rows(path)
    expected = {
        cell_id(
            cell_settings(
                protocol, row["dataset"], row["arm"], row["classifier"], row["draw"]
            )
        )
        for row in rows
    }
    assert {row["cell"] for row in rows} == expected
    assert all(0 <= row["score"] <= 1 for row in rows)


# --- the speed benchmark -------------------------------------------------------------


def test_speed_ratios_are_of_medians_within_the_run():
    def runs(*seconds):
        return [{"seconds": value, "peak_mb": 10} for value in seconds]

    rows = speed.summarize("table", {"none": runs(1, 2, 9), "SMOTE": runs(4, 4, 5)})
    assert [row["seconds"] for row in rows] == [2, 4]
    assert [row["ratio_to_none"] for row in rows] == [1, 2]
    assert [row["ratio_to_SMOTE"] for row in rows] == [0.5, 1]


def test_speed_measures_what_it_says():
    found = speed.measure("table", "SMOTE", threads=1)
    assert found["rows"] == 1000
    assert 0 < found["seconds"] < 60
    assert 10 < found["peak_mb_before"] <= found["peak_mb"]


def test_classical_augmentation_is_timed_on_images_only():
    assert speed.arms_of("million", ["none", "classical"]) == ["none"]
    for task in speed.IMAGES:
        assert speed.arms_of(task, ["none", "classical"]) == ["none", "classical"]
