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


def test_the_gallery_shows_what_every_arm_makes(data_dir, monkeypatch):
    monkeypatch.setenv("SKEXPAND_DATA", str(data_dir))
    pyplot.switch_backend("agg")
    example = runpy.run_path(str(EXAMPLES / "plot_gallery.py"))
    figure = example["draw"]("mnist", max_iter=1, n_candidates=1)
    pictures = [ax.images[0].get_array() for ax in figure.axes]
    assert [p.shape for p in pictures] == [(10 * 28, 6 * 28)] * 4
    assert all(p.std() > 10 for p in pictures)
    assert len({p.tobytes() for p in pictures}) == 4
    pyplot.close(figure)
