"""Sizes, names and words of the source files."""

import pytest

from tests.contracts import rules
from tests.contracts.rules import ROOT, package_modules, tracked_files

FILES = tracked_files()
PYTHON_FILES = [path for path in FILES if path.suffix == ".py"]
MODULES = package_modules()


def collect(rule, paths, *arguments):
    """Return {file: violations} of the files that have any."""
    found = {str(path): rule(path, *arguments) for path in paths}
    return {path: violations for path, violations in found.items() if violations}


def plant(root, source, name="skexpand/codecs/tables.py"):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path


def test_the_lists_are_not_empty():
    """A rule over no files would pass for the wrong reason."""
    assert ROOT / "pyproject.toml" in FILES
    assert ROOT / "skexpand" / "__main__.py" in MODULES
    assert set(MODULES) <= set(PYTHON_FILES)


def test_files_are_short_enough_to_read():
    assert collect(rules.long_files, PYTHON_FILES) == {}


def test_functions_are_short_enough_to_read():
    assert collect(rules.long_functions, MODULES) == {}


def test_module_names_say_what_is_inside():
    assert collect(rules.vague_names, PYTHON_FILES) == {}


def test_nothing_prints_but_the_command_line():
    assert collect(rules.prints, MODULES) == {}


def test_nothing_seeds_a_global_generator():
    assert collect(rules.global_seeds, MODULES) == {}


def test_nothing_is_left_unfinished():
    assert collect(rules.matching_lines, FILES, rules.UNFINISHED) == {}


def test_nothing_names_the_place_it_was_written_in():
    assert collect(rules.matching_lines, FILES, rules.WORKPLACE) == {}


def test_planted_long_file_is_found(tmp_path):
    assert rules.long_files(plant(tmp_path, "x = 1\n" * 401)) == ["401 lines"]
    assert rules.long_files(plant(tmp_path, "x = 1\n" * 400)) == []


def test_planted_long_function_is_found(tmp_path):
    long = plant(tmp_path, _function(50))
    assert rules.long_functions(long) == ["f has 51 lines"]
    assert rules.long_functions(plant(tmp_path, _function(49))) == []


def _function(n_lines):
    """Source of a function with a docstring of 4 lines and a body of n lines."""
    return 'def f():\n    """Say\n\n    much.\n    """\n' + "    x = 1\n" * n_lines


@pytest.mark.parametrize("name", ["utils", "_helpers", "common", "misc", "core"])
def test_planted_vague_name_is_found(tmp_path, name):
    as_module = plant(tmp_path, "", f"skexpand/{name}.py")
    as_folder = plant(tmp_path, "", f"skexpand/{name}/flow.py")
    assert rules.vague_names(as_module, tmp_path) == [name]
    assert rules.vague_names(as_folder, tmp_path) == [name]


def test_planted_print_is_found(tmp_path):
    path = plant(tmp_path, "def f():\n    print(1)\n")
    assert rules.prints(path, tmp_path) == ["line 2"]
    in_cli = plant(tmp_path, "print(1)\n", "skexpand/_cli.py")
    assert rules.prints(in_cli, tmp_path) == []


@pytest.mark.parametrize("call", sorted(rules.GLOBAL_SEEDS))
def test_planted_global_seed_is_found(tmp_path, call):
    assert rules.global_seeds(plant(tmp_path, f"{call}(0)\n")) == [f"line 1: {call}"]
    own = plant(tmp_path, "torch.Generator().manual_seed(0)\n")
    assert rules.global_seeds(own) == []


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME", "X" + "XX"])
def test_planted_unfinished_work_is_found(tmp_path, word):
    path = plant(tmp_path, f"x = 1  # {word}: finish\n")
    assert len(rules.matching_lines(path, rules.UNFINISHED)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "/wo" + "rk/main",
        "sha" + "red/data/mnist.npz",
        "see MET" + "HOD.md",
        "/op" + "t/wheels",
    ],
)
def test_planted_name_of_the_workplace_is_found(tmp_path, text):
    path = plant(tmp_path, f"# {text}\n")
    assert len(rules.matching_lines(path, rules.WORKPLACE)) == 1


@pytest.mark.parametrize(
    "text", ["../sha" + "red/data", "docs/method.md", "x / work", "build/work/"]
)
def test_relative_default_and_plain_words_are_fine(tmp_path, text):
    path = plant(tmp_path, f"# {text}\n")
    assert rules.matching_lines(path, rules.WORKPLACE) == []
