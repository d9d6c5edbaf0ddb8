"""The user guide of the evaluator runs, and names what there is."""

import re

import pytest

from skexpand.evaluation.arms import make_arms
from tests.contracts.rules import ROOT
from tests.wheel.readme import run_blocks

GUIDE = ROOT / "docs" / "evaluation.md"


def test_the_examples_of_the_guide_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_blocks(GUIDE)
    assert (tmp_path / "results.jsonl").is_file()
    assert len(names["again"].rows) == len(names["report"].rows)


@pytest.mark.parametrize("image", [True, False])
def test_every_baseline_is_in_the_guide(image):
    text = GUIDE.read_text(encoding="utf-8")
    for arm in make_arms(None, True, 10, image=image):
        assert re.search(rf"^\| `{arm.name}` \|", text, re.MULTILINE), arm.name


def test_every_quality_figure_is_in_the_guide():
    from tests.evaluation.comparisons import Repeat, run

    (row,) = run(samplers={"a": Repeat()}, quality=True, n_draws=1).rows[1:]
    text = GUIDE.read_text(encoding="utf-8")
    for name in row["quality"]:
        assert name.removesuffix("_low").removesuffix("_high") in text, name
