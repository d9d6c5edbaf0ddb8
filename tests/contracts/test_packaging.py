"""The package declares what it imports, and says its version once."""

import re

import pytest

import skexpand
from tests.contracts.packaging import declared, undeclared_imports
from tests.contracts.rules import ROOT, package_modules

REQUIRED, OPTIONAL = declared(ROOT)


@pytest.mark.parametrize(
    "path", package_modules(), ids=lambda path: str(path.relative_to(ROOT))
)
def test_imports_are_declared(path):
    assert undeclared_imports(path, REQUIRED, OPTIONAL) == []


@pytest.mark.parametrize(
    "source",
    ["import nowhere", "from nowhere.deep import x", "def f():\n    import nowhere"],
)
def test_planted_undeclared_import_is_found(tmp_path, source):
    path = tmp_path / "planted.py"
    path.write_text(source)
    assert len(undeclared_imports(path, REQUIRED, OPTIONAL)) == 1


def test_planted_extra_at_import_time_is_found(tmp_path):
    path = tmp_path / "planted.py"
    path.write_text("import matplotlib")
    assert undeclared_imports(path, REQUIRED, OPTIONAL) == ["line 1 imports matplotlib"]
    path.write_text("def f():\n    import matplotlib\n    import sklearn, os")
    assert undeclared_imports(path, REQUIRED, OPTIONAL) == []


def test_citation_names_the_version_of_the_package():
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^version: (\S+)$", citation, re.M)[1] == skexpand.__version__


def test_users_may_take_another_torch_than_the_makefile():
    """The exact pin stays out of what users install."""
    assert "torch>=2.4" in (ROOT / "pyproject.toml").read_text()
    pins = (ROOT / "constraints" / "cpu.txt").read_text()
    assert len(re.findall(r"^torch==[\d.]+$", pins, re.M)) == 1
