"""Tables and the figure of the paper, on small made-up images."""

import copy
import json

import numpy as np
import pytest

from skexpand import _cli
from skexpand.evaluation import read_results, reproduce
from skexpand.evaluation._paper_table import paper_table
from skexpand.evaluation.reproduce import read_protocol, reproduce_table

PROTOCOL = read_protocol()
TABLE1 = {"CNN": PROTOCOL["tables"]["table1"]["CNN"]}


def write_images(folder, name, n_train, seed):
    """Write a set of three classes: a bright bar on the left, middle or right."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for split, n in (("train", n_train), ("test", 6)):
        y = np.repeat(np.arange(3), n)
        X = rng.integers(0, 90, (len(y), 12, 12))
        for row, label in enumerate(y):
            X[row, :, 4 * label : 4 * label + 4] += 120
        arrays |= {f"x_{split}": X.astype(np.uint8), f"y_{split}": y}
    np.savez(folder / f"{name}.npz", **arrays)


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write_images(folder, "mnist", 14, 0)
    write_images(folder, "emnist_letters", 8, 1)
    return folder


@pytest.fixture
def tiny(monkeypatch):
    """Cut the protocol down to four arms, two draws and a handful of steps."""
    protocol = copy.deepcopy(PROTOCOL)
    protocol["quick"] = {
        "n_draws": 2,
        "n_test": 9,
        "params": {
            "skexpand.KoopmanEncoder": {"max_iter": 2},
            "skexpand.ExpansiveSynthesizer": {"max_iter": 1, "n_candidates": 1},
            "skexpand.evaluation.ImageClassifier": {"steps": 4, "batch_size": 8},
        },
    }
    protocol["ratio"] = 2
    protocol["tables"]["table3"] = {
        "n_per_class": [10],
        "CNN": ["none", "classical", "ES, X''"],
        "Koopman features": ["none"],
        "CNN, ES and X'' on the fly": ["none"],
    }
    monkeypatch.setattr(reproduce, "read_protocol", lambda: protocol)
    return protocol


def run(data, tmp_path, table="table3", **settings):
    settings = {"data_dir": data, "folder": tmp_path / "out", "quick": True, **settings}
    return reproduce_table(table, **settings)


def cells_of(markdown):
    """Return {(sampler, classifier): cells} of the rows of a table."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {(row[0], row[1]): dict(zip(rows[0], row, strict=True)) for row in rows[2:]}


def test_a_table_runs_once_and_is_printed_from_its_rows(data, tmp_path, tiny):
    printed = run(data, tmp_path)
    path = tmp_path / "out" / "mnist-quick.jsonl"
    written = path.read_bytes()
    header, rows = read_results(path)
    assert header["settings"]["ratio"] == 2 and header["settings"]["scoring"]
    assert len(rows) == 10 and not any(row["skipped"] for row in rows)
    assert {row["n_test"] for row in rows} == {9}
    stored = next(row for row in rows if row["sampler"] == "ES, X''")
    encoder = stored["parameters"]["sampler"]["pretrained"]
    assert "'n_samples': 24" in encoder and "sha256" in encoder
    assert len(json.dumps(stored)) < 4000  # its weights are not in it

    assert run(data, tmp_path) == printed  # nothing is computed again
    assert path.read_bytes() == written
    assert run("nowhere", tmp_path, stored=True) == printed  # nor is data needed
    some = run("nowhere", tmp_path, stored=True, arms=["none", "classical"])
    assert [sampler for sampler, _ in cells_of(some)] == [
        "none",
        "classical",
        "none",
        "none",
    ]

    assert "its figures mean nothing" in printed
    cells = cells_of(printed)
    assert list(cells) == [
        ("none", "CNN"),
        ("classical", "CNN"),
        ("ES, X''", "CNN"),
        ("none", "CNN, ES and X'' on the fly"),
        ("none", "Koopman features"),
    ]
    letters = {key: cell["X''"] for key, cell in cells.items()}
    assert letters[("ES, X''", "CNN")] == "EMNIST letters"
    assert letters[("none", "Koopman features")] == "EMNIST letters"
    assert letters[("none", "CNN, ES and X'' on the fly")] == "EMNIST letters"
    assert letters[("classical", "CNN")] == "none"
    assert cells["ES, X''", "CNN"]["trained on"] == "60"
    assert cells["none", "CNN"]["paper"] == "52.3"
    assert cells["none", "Koopman features"]["paper"] == "-"
    assert "9 test images; networks trained for 4 steps of 8 images" in printed


def test_figures_of_the_paper_stand_beside_ours():
    rows = [make_row("none", 0.8), make_row("ES", 0.9), make_row("RwA", 0.7)]
    text = "\n".join(
        paper_table(PROTOCOL, TABLE1, "mnist", [10], rows, HEADER, quick=False)
    )
    cells = cells_of(text)
    assert list(cells) == [("none", "CNN"), ("ES", "CNN"), ("RwA", "CNN")]
    assert cells["ES", "CNN"]["accuracy, %"] == "90.0"
    assert cells["ES", "CNN"]["paper"] == "69.5"
    assert cells["ES", "CNN"]["ours - paper"] == "+20.5"
    assert cells["ES", "CNN"]["gain"] == "+10.0"
    assert cells["RwA", "CNN"]["gain"] == "-10.0"
    assert "mean nothing" not in text


def test_real_rows_of_another_table_tell_the_worth():
    real = make_row("real", 0.9) | {"multiple": 3.0}
    rows = [make_row("none", 0.8), make_row("ES", 0.9), real]
    parts = paper_table(PROTOCOL, TABLE1, "mnist", [10], rows, HEADER, quick=False)
    cells = cells_of("\n".join(parts))
    assert list(cells) == [("none", "CNN"), ("ES", "CNN")]
    assert cells["ES", "CNN"]["worth in real data"] == "3.0x"


def test_a_network_trained_otherwise_is_judged_by_the_plain_one():
    otherwise = "CNN, ES on the fly"
    fresh = make_row("none", 0.9) | {"classifier": otherwise}
    real = make_row("real", 0.9) | {"multiple": 3.0}
    rows = [make_row("none", 0.8), fresh, real]
    plan = {"CNN": ["none"], otherwise: ["none"]}
    parts = paper_table(PROTOCOL, plan, "mnist", [10], rows, HEADER, quick=False)
    cells = cells_of("\n".join(parts))
    assert list(cells) == [("none", "CNN"), ("none", otherwise)]
    assert cells["none", "CNN"]["gain"] == "reference"
    assert cells["none", otherwise]["gain"] == "+10.0"
    assert cells["none", otherwise]["worth in real data"] == "3.0x"
    assert cells["none", otherwise]["paper"] == "-"


def test_what_was_not_run_and_what_failed_is_said():
    failed = make_row("RwA", None) | {"skipped": "error: too few"}
    rows = [make_row("none", 0.8), make_row("classical", 0.9), failed]
    parts = paper_table(PROTOCOL, TABLE1, "mnist", [10, 100], rows, HEADER, quick=False)
    assert parts[-1] == "**MNIST, 100 images a class**: not run."
    assert "Not measured: RwA (error: too few)." in parts[-2]
    assert "classical" not in "".join(parts)  # of another table


HEADER = {"settings": {"ratio": 10.0}}


def make_row(sampler, score):
    return {
        "dataset": "mnist",
        "sampler": sampler,
        "multiple": None,
        "classifier": "CNN",
        "n_per_class": 10,
        "draw": 0,
        "scores": {} if score is None else {"accuracy": score},
        "n_train": 1000,
        "n_test": 10,
        "overlap": 0.0,
        "seconds": {"resample": 1.0, "fit": 1.0, "score": 1.0},
        "parameters": {"classifier": {"steps": "600", "batch_size": "64"}},
        "versions": {"torch": "2.13.0"},
        "device": "cpu",
        "commit": "abc",
        "skipped": None,
    }


@pytest.mark.parametrize("table", PROTOCOL["tables"])
def test_every_arm_and_classifier_of_a_table_is_described(table):
    plan = PROTOCOL["tables"][table]
    for classifier, arms in plan.items():
        if classifier != "n_per_class":
            assert classifier in PROTOCOL["classifiers"]
            assert set(arms) <= {"none", "SMOTE", "real", *PROTOCOL["arms"]}
            assert len(set(arms)) == len(arms)
            network = PROTOCOL["classifiers"][classifier].get("network", classifier)
            assert "none" in plan[network]


def test_what_was_learned_from_the_larger_set_is_read_again(
    data, tmp_path, tiny, monkeypatch
):
    run(data, tmp_path, arms=["ES, X''"], n_draws=1)
    kept = sorted(path.name for path in (tmp_path / "out/pretrained-quick").iterdir())
    assert kept[0] == "emnist_letters-pretrained.json" and len(kept) == 3

    def fail(*_):
        raise AssertionError("X'' was learned from again")

    monkeypatch.setattr("skexpand.ExpansiveSynthesizer.pretrain", fail)
    run(data, tmp_path, arms=["ES, X''"])
    _, rows = read_results(tmp_path / "out" / "mnist-quick.jsonl")
    learned = {str(row["parameters"]["sampler"].get("pretrained")) for row in rows}
    assert len(learned - {"None"}) == 1


def test_every_object_of_the_protocol_can_be_built(data, tmp_path, monkeypatch):
    built = reproduce._Run("mnist", data, None, quick=False, folder=tmp_path)
    monkeypatch.setattr(built, "_pretrained", lambda name: None)
    described = [*PROTOCOL["arms"].values(), *PROTOCOL["classifiers"].values()]
    for each in described:
        built.build(each)
    assert (
        len({str(built.build(each)) for each in PROTOCOL["arms"].values()})
        == len(PROTOCOL["arms"]) - 1
    )  # the arm with X'' differs by its encoder


def test_modules_of_the_paper_add_up():
    """A slip in copying its figures would most likely break their order."""
    order = ["none", "RwA", "SA", "SA + SC", "MHSA + SC", "MHSA + SC + EGM"]
    for dataset in PROTOCOL["paper"].values():
        for size in ("10", "100"):
            figures = [dataset[size][name] for name in order]
            assert figures == sorted(figures)
            assert figures[0] < dataset[size]["classical"] < figures[-1]
        assert all(dataset["100"][name] > dataset["10"][name] for name in order)


def test_results_of_another_protocol_are_refused(data, tmp_path, tiny):
    run(data, tmp_path)
    with pytest.raises(ValueError, match="another protocol: data was"):
        run(data, tmp_path, n_test=12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"table": "table4"},
            "table must be one of table1, table2, table3, table3-long, table3-wide, "
            "got",
        ),
        ({"datasets": ["svhn"]}, "dataset must be one of mnist, cifar10, cifar100"),
        ({"arms": ["none", "mixup"]}, "arm must be one of none, .* got 'mixup'"),
        ({"n_test": 10}, "multiple of the 3 classes of mnist, got 10"),
        ({"n_per_class": [15]}, "class .* has 14"),
    ],
)
def test_wrong_input_is_refused_before_any_work(
    data, tmp_path, tiny, settings, message
):
    with pytest.raises(ValueError, match=message):
        run(data, tmp_path, **settings)
    assert not list(tmp_path.glob("out/*"))


def test_missing_data_and_missing_results_are_named(data, tmp_path, tiny):
    with pytest.raises(FileNotFoundError, match="file cifar100.npz"):
        run(data, tmp_path, datasets=["cifar100"])
    with pytest.raises(FileNotFoundError, match="file cifar100.npz"):
        run(data, tmp_path, datasets=["mnist", "cifar100"])
    (data / "emnist_letters.npz").unlink()  # X''
    with pytest.raises(FileNotFoundError, match="file emnist_letters.npz"):
        run(data, tmp_path)
    assert not list(tmp_path.glob("out/*"))
    with pytest.raises(FileNotFoundError, match="Run the table first"):
        run(data, tmp_path, stored=True)


def test_the_figure_is_drawn_from_the_command_line(data, tmp_path, tiny, capsys):
    pytest.importorskip("matplotlib").use("agg")
    arguments = ["reproduce", "figure4", "--data", str(data), "--quick"]
    assert _cli.main([*arguments, "--out", str(tmp_path / "out")]) == 0
    path = tmp_path / "out" / "figure4-mnist-10.png"
    assert capsys.readouterr().out == f"wrote {path}\n"
    assert path.stat().st_size > 10_000
    assert _cli.main([*arguments, "--draws", "3"]) == 1
    assert "figure4 is one fit and has no n_draws" in capsys.readouterr().err


def test_the_command_line_passes_on_only_what_is_given(monkeypatch, capsys):
    calls = []

    def record(table, **settings):
        calls.append((table, settings))
        return "the table"

    monkeypatch.setattr(reproduce, "reproduce_table", record)
    _cli.main(["reproduce", "table1"])
    _cli.main(["reproduce", "table2", "--dataset", "cifar10", "mnist", "--draws", "3"])
    assert capsys.readouterr().out == "the table\nthe table\n"
    assert calls == [
        ("table1", {"progress": True}),
        (
            "table2",
            {"progress": True, "datasets": ["cifar10", "mnist"], "n_draws": 3},
        ),
    ]
