"""Published tables are what the stored results print, to the last digit."""

import pytest

from protocols.publish import ROOT, fill, main
from skexpand.evaluation import read_results
from skexpand.evaluation.reproduce import read_protocol

PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if "<!-- printed by:" in page.read_text(encoding="utf-8")
]
COMMAND = "skexpand reproduce table3 --n-per-class 10 --arms none ES"
STORED = "--stored --out protocols/results/paper"


def test_there_are_pages():
    assert PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_table_is_printed_by_its_command(page):
    text = page.read_text(encoding="utf-8")
    printed, n_blocks = fill(text)
    assert n_blocks == text.count("<!-- printed by:")
    assert printed == text, f"run python protocols/publish.py {page.name}"


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "protocols/results/paper").glob("*.jsonl")),
    ids=lambda path: path.name,
)
def test_stored_results_are_of_the_protocol_as_it_stands(path):
    protocol = read_protocol()
    header, rows = read_results(path)
    settings = header["settings"]
    assert settings["dataset"] == path.stem
    assert settings["ratio"] == protocol["ratio"]
    assert settings["scoring"] == [protocol["scoring"]]
    assert settings["seed"] == protocol["random_state"]
    assert rows
    for row in rows:
        assert not (row["skipped"] or "").startswith("error"), row["skipped"]
        asked = protocol["arms"].get(row["sampler"], {})
        stored = row["parameters"]["sampler"]
        for name, value in asked.get("params", {}).items():
            assert str(value).startswith("@") or stored[name] == repr(value)


def test_a_figure_changed_by_hand_is_printed_over(tmp_path, capsys):
    page = tmp_path / "page.md"
    block = "Before.\n\n<!-- printed by: {} {} -->\n\n99.9\n<!-- end -->\n\nAfter.\n"
    page.write_text(block.format(COMMAND, STORED))
    main([str(page)])
    text = page.read_text()
    assert "99.9" not in text and "MNIST, 10 images a class" in text
    assert text.startswith("Before.\n") and text.endswith("\nAfter.\n")
    assert "page.md: 1 tables" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    [
        COMMAND,
        "skexpand demo --stored",
        "python protocols/run.py protocols/mnist.toml",
        "python",
    ],
)
def test_pages_run_nothing(command):
    with pytest.raises(ValueError, match="may print stored results only"):
        fill(f"<!-- printed by: {command} -->\n<!-- end -->")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("skexpand reproduce table9 --stored", "table must be one of"),
        ("python protocols/summarize.py none.jsonl", "none.jsonl holds no results"),
        (
            "python protocols/summarize.py protocols/results/positions.jsonl "
            "--dataset svhn",
            "has no 'svhn', but ['cifar10', 'mnist']",
        ),
    ],
)
def test_a_command_that_fails_is_named(command, reason, capsys):
    with pytest.raises(ValueError, match=f"{command}' failed"):
        fill(f"<!-- printed by: {command} -->\n<!-- end -->")
    assert reason in capsys.readouterr().err


def test_scripts_of_the_protocols_print_into_pages_too():
    command = "python protocols/summarize.py protocols/results/mnist.jsonl"
    text, n_blocks = fill(f"<!-- printed by: {command} -->\n<!-- end -->")
    assert n_blocks == 1
    assert "| arm | cells | mean |" in text and text.endswith("<!-- end -->")


def test_a_page_without_tables_is_refused(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("Nothing.\n")
    with pytest.raises(SystemExit):
        main([str(page)])
    assert "has no block" in capsys.readouterr().err
