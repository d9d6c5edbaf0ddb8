"""The examples run, on less than they show."""

import runpy
from pathlib import Path

import pytest

pyplot = pytest.importorskip("matplotlib.pyplot")
EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_sample_sheet_shows_every_class(data_dir, monkeypatch):
    monkeypatch.setenv("SKEXPAND_DATA", str(data_dir))
    pyplot.switch_backend("agg")
    example = runpy.run_path(str(EXAMPLES / "plot_sample_sheet.py"))
    sheet = example["make_sheet"](n_per_class=2, max_iter=2, ratio=4)
    assert len(sheet.real) == len(sheet.synthetic) == 10
    assert [len(images) for images in sheet.synthetic] == [6] * 10
    pyplot.close(sheet.figure_)
