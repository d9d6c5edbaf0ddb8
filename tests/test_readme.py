"""The quickstart of the README runs, and a README without one fails."""

import pytest

from tests.contracts.rules import ROOT
from tests.wheel.readme import python_blocks, run_blocks

FENCE = "`" * 3


def block(code, marker="<!-- tested -->"):
    return f"{marker}\n{FENCE}python\n{code}\n{FENCE}\n"


@pytest.mark.global_random  # scikit-learn's SVC draws a seed from numpy's
def test_quickstart_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what it writes goes away with the test
    run_blocks(ROOT / "README.md")


def test_quickstart_is_short():
    """Every promise of a twelve-line start: code lines of the first tested block."""
    first = next(
        each
        for each in python_blocks((ROOT / "README.md").read_text(encoding="utf-8"))
        if each.marker == "tested"
    )
    assert len([line for line in first.code.splitlines() if line.strip()]) <= 12


def test_blocks_run_in_order_in_one_namespace(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(
        f"# Title\n\n{block('x = 1')}\ntext\n\n"
        + block("x = 1 / 0", marker="<!-- not tested: divides by zero -->")
        + block("y = x + 1")
    )
    assert run_blocks(readme)["y"] == 2


def test_error_names_the_line_of_the_readme(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("# Title\n\n" + block("x = 1\nraise KeyError(x)"))
    with pytest.raises(KeyError) as caught:
        run_blocks(readme)
    assert caught.traceback[-1].lineno + 1 == 6


@pytest.mark.parametrize(
    "text",
    [
        "# Nothing here\n",
        f"{FENCE}sh\nmake demo\n{FENCE}\n",
        block("x = 1", marker="<!-- not tested: needs a network -->"),
    ],
)
def test_readme_without_a_tested_block_fails(text):
    with pytest.raises(ValueError, match="got none"):
        python_blocks(text)


@pytest.mark.parametrize("marker", ["", "text", "<!-- not tested: -->"])
def test_block_without_a_marker_fails(marker):
    with pytest.raises(ValueError, match=r"lines \[8\] carry no marker"):
        python_blocks(block("x = 1") + "\n" + block("y = 1", marker=marker))
