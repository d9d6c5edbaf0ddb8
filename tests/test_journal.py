"""Journals of results: appended at any time, packed when finished."""

import pytest

from protocols.journal import append_row, pack, read_rows
from protocols.journal import main as pack_files


def test_rows_survive_a_cut_off_line(tmp_path):
    path = tmp_path / "deep" / "r.jsonl"
    append_row(path, {"a": 1})
    with path.open("a") as file:
        file.write('{"a": 2')
    append_row(path, {"a": 3})
    assert read_rows(path) == [{"a": 1}, {"a": 3}]


def test_packing_keeps_the_last_row_of_each_cell_and_leaves_other_files(
    tmp_path, capsys
):
    first, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    for path, cell, score in [(first, 1, 0), (first, 2, 0), (other, 1, 1)]:
        append_row(path, {"cell": cell, "score": score})
    pack_files([str(first), str(other)])
    assert "a.jsonl.gz: 2 rows" in capsys.readouterr().out
    assert other.exists() and not first.exists()
    assert {row["cell"]: row["score"] for row in read_rows(first)} == {1: 1, 2: 0}
    packed = (tmp_path / "a.jsonl.gz").read_bytes()
    pack(first)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == packed


def test_packing_nothing_is_refused(tmp_path, capsys):
    with pytest.raises(ValueError, match=r"Nothing to pack: .*none.jsonl"):
        pack(tmp_path / "none.jsonl")
    with pytest.raises(SystemExit):
        pack_files([str(tmp_path / "a.jsonl"), str(tmp_path / "missing.jsonl")])
    assert "missing.jsonl" in capsys.readouterr().err
