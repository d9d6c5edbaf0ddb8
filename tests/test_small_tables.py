"""Protocols of small tables: their draws, their arms, and how ranks add up."""

from pathlib import Path

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE, SVMSMOTE

pd = pytest.importorskip("pandas")

from protocols import ranks, table_cells  # noqa: E402
from protocols.run import read_protocol, run_protocol  # noqa: E402
from protocols.small_cells import (  # noqa: E402
    SmallTable,
    make_learner,
    possible_sizes,
)
from skexpand.datasets import load_table  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
PROTOCOL = {"max_test_rows": 60}


@pytest.fixture
def folder(tmp_path):
    """Give a folder with one table of 200 rows, 160 of one class and 40 of another."""
    rng = np.random.default_rng(0)
    y = np.repeat(["many", "few"], [160, 40])
    frame = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
    frame["a"] += 3 * (y == "few")
    frame["target"] = y
    (tmp_path / "tables").mkdir()
    frame.to_csv(tmp_path / "tables" / "blobs.csv", index=False)
    return tmp_path


@pytest.mark.parametrize("name", ["tables_growth", "tables_balance"])
def test_lists_hold_the_reported_tables_and_all_their_sizes(name, data_dir):
    sizes = {
        "tables_growth": ["20x10", "50x10", "100x10", "200x5", "500x3"],
        "tables_balance": ["5:50", "10:200", "25:500"],
    }[name]
    reported = table_cells.usable_tables(data_dir)[1::2]
    expected = [
        f"{table}@{size}"
        for table in reported
        for size in possible_sizes(
            *table_cells.prepare(*load_table(table, data_dir)), sizes
        )
    ]
    protocol = read_protocol(ROOT / "protocols" / f"{name}.toml")
    assert protocol["datasets"] == expected


def test_a_stratified_draw_has_its_size_and_two_rows_of_each_class(folder):
    source = SmallTable("blobs@20x10", PROTOCOL, folder)
    X, y, X_test, y_test = source.split(0)
    assert np.bincount(y).tolist() == [4, 16] and len(X) == 20
    assert source.totals(y) == {0: 40, 1: 160}
    assert np.bincount(y_test).min() >= 12
    again = source.split(0)
    pd.testing.assert_frame_equal(X, again[0])
    assert not X.merge(X_test).shape[0]
    small = SmallTable("blobs@6x2", PROTOCOL, folder).split(1)[1]
    assert np.bincount(small).tolist() == [2, 4]


def test_an_imbalanced_draw_has_the_rarest_class_as_one(folder):
    source = SmallTable("blobs@5:50", PROTOCOL, folder)
    _, y, _, y_test = source.split(3)
    assert np.bincount(y).tolist() == [50, 5]
    assert source.totals(y) == {0: 50, 1: 50}
    assert (y_test == 1).sum() >= 20


def test_sizes_need_rows_to_draw_and_to_test_on():
    X, y = np.zeros((200, 1)), np.repeat([0, 1], [160, 40])
    sizes = ["5x2", "20x10", "120x2", "150x2", "20:50", "21:50", "5:150"]
    assert possible_sizes(X, y, sizes) == ["20x10", "120x2", "20:50"]


def test_neighbors_are_as_many_as_there_are_and_a_refusal_adds_nothing(folder):
    source = SmallTable("blobs@5:50", PROTOCOL, folder)
    X, y, *_ = source.split(0)
    _, y_big = source.expand(
        SMOTE(sampling_strategy={1: 50}, random_state=0), None, X, y
    )
    assert np.bincount(y_big).tolist() == [50, 50]
    refusing = SVMSMOTE(
        sampling_strategy={1: 2}, random_state=0
    )  # fewer than there are
    x_same, y_same = source.expand(refusing, None, X, y)
    assert len(x_same) == len(y_same) == 55


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("treatment", [None, "class weights", "threshold"])
@pytest.mark.parametrize(
    "name", ["logistic", "k-NN", "MLP", "SVM", "forest", "boosting"]
)
def test_every_learner_is_scored_in_every_treatment(name, treatment, folder):
    source = SmallTable("blobs@10:100", PROTOCOL, folder)
    X, y, X_test, y_test = source.split(0)
    encoded, _ = source.expand(None, None, X, y)
    scores = source.score(name, encoded, y, X_test, y_test, 0, treatment=treatment)
    assert scores["score"] > 0.6
    assert ("brier" in scores) == (name != "SVM")


def test_the_network_takes_the_same_steps_whatever_the_rows():
    for n_rows in (20, 100, 1000):
        network = make_learner("MLP", n_rows, 0)
        steps = network.max_iter * -(-n_rows // network.batch_size)
        assert 1000 <= steps <= 1700


def small_protocol(arms, datasets=("blobs@20x3",), classifiers=("logistic",)):
    return {
        "name": "small",
        "kind": "small table",
        "datasets": list(datasets),
        "classifiers": list(classifiers),
        "draws": [0],
        "max_test_rows": 60,
        "arms": arms,
    }


def test_ranks_and_gains_of_a_run(folder, tmp_path, capsys):
    arms = {
        "none": {},
        "weights": {"treatment": "class weights"},
        "SMOTE": {"class": "imblearn.over_sampling.SMOTE"},
    }
    protocol = small_protocol(arms, ["blobs@20x3", "blobs@40x3"], ["logistic", "k-NN"])
    out = tmp_path / "small.jsonl"
    rows = list(run_protocol(protocol, out, data_dir=folder))
    assert len(rows) == 12 and {"score", "log_loss", "brier"} <= set(rows[0])
    frame = ranks.read_scores(out)
    arms, mean_ranks, n_blocks = ranks.rank_table(frame)
    assert n_blocks == 2 and sum(mean_ranks) == pytest.approx(6)
    gain = ranks.overall(frame)
    of_smote = frame[frame["arm"] == "SMOTE"]["score"].mean()
    of_none = frame[frame["arm"] == "none"]["score"].mean()
    assert gain.loc["blobs", "SMOTE"] == pytest.approx(of_smote - of_none)
    assert (gain["none"] == 0).all()
    ranks.main([str(out), "--scores"])
    printed = capsys.readouterr().out
    assert "1 tables, 2 tables x sizes, 1 draws; Friedman p" in printed
    assert "| SMOTE |" in printed and "brier:" in printed
    assert printed.index("| 20x3 |") < printed.index("| 40x3 |")
    ranks.main([str(out), "--sizes", "40x3"])
    printed = capsys.readouterr().out
    assert "1 tables, 1 tables x sizes" in printed and "| 20x3 |" not in printed
    ranks.main([str(out), str(out), "--brief", "first", "again"])
    printed = capsys.readouterr().out
    assert "|  | first | mean rank | again | mean rank |" in printed
    row = next(line for line in printed.splitlines() if line.startswith("| none"))
    assert row.split(" | ")[1:3] == row.rstrip(" |").split(" | ")[3:]
    assert "1 and 1 draws." in printed


def test_a_size_that_was_not_run_is_named(folder, tmp_path, capsys):
    out = tmp_path / "small.jsonl"
    protocol = small_protocol({"none": {}})
    list(run_protocol(protocol, out, data_dir=folder))
    with pytest.raises(SystemExit):
        ranks.main([str(out), "--sizes", "30x3"])
    assert "holds no cell of 30x3 that every arm has" in capsys.readouterr().err


def test_every_file_of_a_brief_table_has_a_heading(tmp_path, capsys):
    with pytest.raises(SystemExit):
        ranks.main([str(tmp_path / "a.jsonl"), "--brief", "one", "two"])
    assert "as many headings as there are files" in capsys.readouterr().err


def test_sizes_are_sorted_by_their_numbers():
    names = ["100x10", "20x10", "10:2000", "5:50", "5:500"]
    ordered = sorted(names, key=ranks._rows_first)
    assert ordered == ["5:50", "5:500", "10:2000", "20x10", "100x10"]


def test_a_cell_that_is_not_complete_is_left_out(folder, tmp_path):
    out = tmp_path / "small.jsonl"
    protocol = small_protocol({"none": {}, "weights": {"treatment": "class weights"}})
    list(run_protocol(protocol, out, data_dir=folder, draws=[0]))
    list(run_protocol(protocol, out, data_dir=folder, draws=[1], arms=["none"]))
    assert set(ranks.read_scores(out)["draw"]) == {0}
