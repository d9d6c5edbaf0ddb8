"""The command line parses, delegates and prints; it restates no default."""

import inspect
import re
import subprocess
import sys

import numpy as np
import pytest

import skexpand
from skexpand import _cli, _demo
from skexpand.baselines import GaussianJitter
from skexpand.codecs import TableCodec

pd = pytest.importorskip("pandas")


@pytest.fixture
def recorded_demo(monkeypatch):
    """Replace the demo by one that keeps what it was asked for."""
    calls = []

    def record(**settings):
        calls.append(settings)
        return _demo.DemoResult(np.zeros((1, 1, 1)), "the table", "X won.", ["a.png"])

    monkeypatch.setattr(_demo, "run_demo", record)
    return calls


@pytest.fixture
def jitter(monkeypatch):
    """Expand by a sampler of the same interface that learns in no time."""
    monkeypatch.setitem(vars(skexpand), "ExpansiveSynthesizer", GaussianJitter)


@pytest.fixture
def pets(tmp_path):
    path = tmp_path / "pets.csv"
    path.write_text(
        "legs,kind,weight\n4,cat,4.5\n4,cat,5.5\n4,cat,3.5\n"
        ",dog,20.5\n4,dog,30.5\n3,dog,25.5\n"
    )
    return path


def test_demo_prints_table_verdict_and_files(recorded_demo, capsys):
    assert _cli.main(["demo"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["the table", "", "X won.", "", "wrote a.png"]


def test_options_not_given_are_not_passed_on(recorded_demo):
    _cli.main(["demo"])
    assert recorded_demo == [{"progress": True}]


def test_every_demo_option_is_a_parameter_of_the_demo(recorded_demo, tmp_path):
    given = {"n_draws": 3, "n_per_class": 7, "ratio": 2.5, "random_state": 4}
    arguments = ["demo", "--out", str(tmp_path)]
    for name, value in given.items():
        arguments += [f"--{name.replace('_', '-')}", str(value)]
    _cli.main(arguments)
    assert recorded_demo == [{"progress": True, "out": tmp_path, **given}]


def test_demo_options_are_accepted_by_the_real_demo():
    parameters = inspect.signature(_demo.run_demo).parameters
    assert {"out", "n_draws", "n_per_class", "ratio", "random_state"} <= set(parameters)


def test_expand_grows_every_class_and_keeps_the_real_rows(pets, jitter, tmp_path):
    out = tmp_path / "big.csv"
    status = _cli.main(
        ["expand", str(pets), "--target", "kind", "--out", str(out), "--ratio", "4"]
    )
    assert status == 0
    small, big = pd.read_csv(pets), pd.read_csv(out)
    assert list(big.columns) == ["legs", "kind", "weight"]
    pd.testing.assert_frame_equal(big[:6], small)
    assert big["kind"].value_counts().to_dict() == {"cat": 12, "dog": 12}


def test_expand_keeps_whole_numbers_whole_beside_missing_cells(pets, jitter, tmp_path):
    out = tmp_path / "big.csv"
    _cli.main(["expand", str(pets), "--target", "kind", "--out", str(out)])
    legs = {line.split(",")[0] for line in out.read_text().splitlines()[1:]}
    assert legs <= {"", "3", "4"}


def test_expand_names_what_new_rows_break(pets, jitter, tmp_path, monkeypatch, capsys):
    found = {"a < b": 3, "b < c": 0}
    monkeypatch.setattr(TableCodec, "count_violations", lambda codec, values: found)
    out = tmp_path / "big.csv"
    _cli.main(["expand", str(pets), "--target", "kind", "--out", str(out)])
    printed = capsys.readouterr().out.splitlines()
    assert printed[1:] == [f"a < b: holds in {pets}, not in 3 of 54 new rows"]


def test_expand_reads_iso_dates_and_writes_them_back_in_the_same_form(tmp_path, jitter):
    days = pd.date_range("2024-01-01", periods=40, freq="36h")
    small = pd.DataFrame(
        {
            "admitted": days.strftime("%Y-%m-%d"),
            "discharged": (days + pd.Timedelta("2D")).strftime("%Y-%m-%dT%H:%MZ"),
            "note": ["tomorrow", "2024-01-01"] * 20,
            "ward": list("ab") * 20,
        }
    )
    small.loc[3, "admitted"] = None
    source, out = tmp_path / "small.csv", tmp_path / "big.csv"
    small.to_csv(source, index=False)
    _cli.main(["expand", str(source), "--target", "ward", "--out", str(out)])
    big = pd.read_csv(out)
    pd.testing.assert_frame_equal(big[:40], small)
    new = big[40:]
    assert new["admitted"].dropna().str.fullmatch(r"2024-0[123]-\d\d").all()
    assert new["discharged"].str.fullmatch(r"2024-0[123]-\d\dT\d\d:00Z").all()
    assert new["admitted"].nunique() > 30 and new["note"].nunique() == 2


def test_expand_repeats_with_the_same_seed(pets, jitter, tmp_path):
    texts = []
    for name, seed in (("a.csv", "1"), ("b.csv", "1"), ("c.csv", "2")):
        out = tmp_path / name
        arguments = ["expand", str(pets), "--target", "kind", "--out", str(out)]
        _cli.main([*arguments, "--random-state", seed])
        texts.append(out.read_text())
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.slow
def test_expand_runs_the_real_synthesizer(pets, tmp_path, capsys):
    out = tmp_path / "big.csv"
    assert _cli.main(["expand", str(pets), "--target", "kind", "--out", str(out)]) == 0
    assert "too little to say" in capsys.readouterr().out
    assert pd.read_csv(out)["kind"].value_counts().to_dict() == {"cat": 30, "dog": 30}


def test_expand_passes_the_sampling_strategy_on(tmp_path, jitter):
    source, out = tmp_path / "small.csv", tmp_path / "big.csv"
    source.write_text("a,b\n1.5,x\n2.5,x\n3.5,x\n4.5,y\n5.5,y\n")
    arguments = ["expand", str(source), "--target", "b", "--out", str(out)]
    _cli.main([*arguments, "--sampling-strategy", "not majority"])
    assert pd.read_csv(out)["b"].value_counts().to_dict() == {"x": 3, "y": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "Expected a column 'kind' in .* got a, b"),
        ("a,kind\n1,x\n2,\n", "1 rows of .* have no 'kind'"),
    ],
)
def test_bad_table_is_refused_in_one_line(tmp_path, capsys, jitter, text, message):
    source = tmp_path / "bad.csv"
    source.write_text(text)
    arguments = ["expand", str(source), "--target", "kind", "--out"]
    assert _cli.main([*arguments, str(tmp_path / "out.csv")]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(message, error), error


def test_missing_file_is_named(tmp_path, capsys, jitter):
    source = tmp_path / "nowhere.csv"
    arguments = ["expand", str(source), "--target", "y", "--out", "out.csv"]
    assert _cli.main(arguments) == 1
    assert "nowhere.csv" in capsys.readouterr().err


def test_command_is_required(capsys):
    with pytest.raises(SystemExit, match="2"):
        _cli.main([])
    assert "the following arguments are required" in capsys.readouterr().err


def test_module_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "skexpand", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == skexpand.__version__


def test_pretrain_writes_an_encoder_that_loads(tmp_path, capsys):
    X = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "own.npz", X=X, y=np.arange(30) % 3)
    command = ["pretrain", "--images", str(tmp_path / "own.npz"), "--max-iter", "2"]
    command += ["--out", str(tmp_path / "own"), "--license", "CC0"]
    assert _cli.main(command) == 0
    assert "wrote" in capsys.readouterr().out
    encoder = skexpand.PretrainedEncoder.load(tmp_path / "own")
    assert encoder.lineage["source"] == "own.npz"
    assert encoder.lineage["license"] == "CC0" and len(encoder.material) == 30


def test_pretrain_needs_a_source(tmp_path, capsys):
    with pytest.raises(SystemExit):
        _cli.main(["pretrain", "--out", str(tmp_path / "x")])
    assert "--images" in capsys.readouterr().err
