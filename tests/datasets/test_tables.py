"""Tables: the last column is the target, an empty cell is missing, a text is a text."""

import pytest

from skexpand.datasets import load_table

pytest.importorskip("pandas")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "pets.csv").write_text(
        "legs,name,target\n4,NA,cat\n,Rex,dog\n4,,dog\n"
    )
    return tmp_path


def test_last_column_is_the_target(folder):
    X, y = load_table("pets", folder)
    assert list(X.columns) == ["legs", "name"]
    assert y.tolist() == ["cat", "dog", "dog"]


def test_only_an_empty_cell_is_missing(folder):
    X, _ = load_table("pets", folder)
    assert X.isna().to_numpy().tolist() == [
        [False, False],
        [True, False],
        [False, True],
    ]
    assert X["name"][0] == "NA"


def test_environment_variable_names_the_folder(folder, monkeypatch):
    monkeypatch.setenv("SKEXPAND_DATA", str(folder))
    assert len(load_table("pets")[0]) == 3


def test_unknown_table_lists_those_there(folder):
    with pytest.raises(FileNotFoundError, match="'cars'.*Tables there: pets"):
        load_table("cars", folder)


def test_without_a_folder_the_error_says_what_to_do(monkeypatch):
    monkeypatch.delenv("SKEXPAND_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="Pass data_dir or set"):
        load_table("pets")


def test_table_without_a_target_is_refused(folder):
    (folder / "tables" / "bare.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="must be called 'target', got 'b'"):
        load_table("bare", folder)
