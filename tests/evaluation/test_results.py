"""Results survive kills: good rows are kept, bad ones named, nothing is mixed."""

import json
import math

import pytest

from skexpand.evaluation.results import (
    append_row,
    append_rows,
    finite,
    merge_results,
    read_results,
)

HEADER = {"header": True, "protocol": "p", "settings": {"seed": 0}}


def row(cell, protocol="p", **more):
    return {
        "cell": cell,
        "protocol": protocol,
        "sampler": "none",
        "classifier": "SVM",
        "draw": 0,
        "scores": {"accuracy": 0.5},
        **more,
    }


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "deep" / "results.jsonl"
    append_rows(path, [HEADER, row("a"), row("b")])
    return path


def test_rows_come_back_as_they_were_written(path):
    assert read_results(path) == (HEADER, [row("a"), row("b")])


def test_a_cell_computed_again_counts_once_and_last(path):
    append_row(path, row("a", draw=7))
    assert read_results(path)[1] == [row("a", draw=7), row("b")]


@pytest.mark.parametrize("n_cut", [1, 2, 30])
def test_a_truncated_tail_costs_its_own_row_only(path, n_cut):
    text = path.read_bytes()
    path.write_bytes(text[:-n_cut])
    append_row(path, row("c"))
    if n_cut == 1:  # only the newline: the row is complete
        assert [each["cell"] for each in read_results(path)[1]] == ["a", "b", "c"]
        return
    with pytest.warns(RuntimeWarning, match="left out 1 damaged line.*number 3; 2 "):
        header, rows = read_results(path)
    assert header == HEADER
    assert [each["cell"] for each in rows] == ["a", "c"]


def test_damaged_lines_are_named_and_the_others_kept(path):
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1:1] = [b"\xff\xfe\n", b"[1]\n", b'{"cell": "x"}\n', b"\n"]
    path.write_bytes(b"".join(lines))
    with pytest.warns(RuntimeWarning, match="3 damaged line.*number 2, 3, 4;"):
        assert len(read_results(path)[1]) == 2


def test_a_lost_header_leaves_the_rows(path):
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    assert read_results(path) == ({}, [row("a"), row("b")])


def test_another_protocol_is_refused(path):
    assert read_results(path, fingerprint="p")[0] == HEADER
    with pytest.raises(ValueError, match="is of protocol p, expected q"):
        read_results(path, fingerprint="q")


def test_two_protocols_in_one_file_are_refused(path):
    append_row(path, row("c", protocol="q"))
    with pytest.raises(ValueError, match="mixes the protocols p, q"):
        read_results(path)


def test_nan_is_not_written(path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_row(path, row("c", scores={"accuracy": math.nan}))
    assert len(read_results(path)[1]) == 2


def test_finite_drops_what_json_cannot_hold():
    assert finite({"a": 1, "b": math.nan, "c": -math.inf}) == {"a": 1.0}


def test_files_of_several_machines_merge(path, tmp_path):
    other = tmp_path / "other.jsonl"
    append_rows(other, [HEADER, row("b", draw=1), row("c")])
    assert merge_results([path, other], other) == 3
    header, rows = read_results(other)
    assert header == HEADER
    assert [(each["cell"], each["draw"]) for each in rows] == [
        ("a", 0),
        ("b", 1),
        ("c", 0),
    ]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["deep", "other.jsonl"]


def test_files_of_two_protocols_do_not_merge(path, tmp_path):
    other = tmp_path / "other.jsonl"
    append_row(other, {**HEADER, "protocol": "q"})
    with pytest.raises(ValueError, match="Expected files of protocol p, got one of q"):
        merge_results([path, other], tmp_path / "out.jsonl")


def test_files_without_a_header_do_not_merge(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row("a")) + "\n")
    with pytest.raises(ValueError, match="got none"):
        merge_results([path], tmp_path / "out.jsonl")
