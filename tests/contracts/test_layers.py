"""Imports go down only, `nn` stands alone, and importing the package is light."""

import json
import os
import subprocess
import sys

import pytest

from tests.contracts.rules import (
    ROOT,
    foreign_imports_of_nn,
    package_modules,
    upward_imports,
)

HEAVY = ("torch", "matplotlib", "pandas", "ot", "imblearn", "sklearn")
MODULES = package_modules()
NN_MODULES = [path for path in MODULES if path.parent == ROOT / "skexpand" / "nn"]


def name_of(path):
    return str(path.relative_to(ROOT))


def plant(root, name, source):
    path = root / "skexpand" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_down_only(path):
    assert upward_imports(path) == []


@pytest.mark.parametrize("path", NN_MODULES, ids=name_of)
def test_nn_reaches_only_torch_and_itself(path):
    assert foreign_imports_of_nn(path) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("codecs/tables.py", "from skexpand.evaluation import compare"),
        ("codecs/tables.py", "from .._synthesizer import ExpansiveSynthesizer"),
        ("_random.py", "def f():\n    import skexpand.nn.flow"),
        ("evaluation/runner.py", "from skexpand import _cli"),
        ("surprise.py", "import math"),
    ],
)
def test_planted_upward_import_is_found(tmp_path, name, source):
    assert len(upward_imports(plant(tmp_path, name, source), tmp_path)) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("_synthesizer.py", "from skexpand.nn.flow import warp"),
        ("codecs/tables.py", "from .columns import Column\nfrom .. import _random"),
        ("_cli.py", "from skexpand import __version__"),
    ],
)
def test_downward_imports_are_fine(tmp_path, name, source):
    assert upward_imports(plant(tmp_path, name, source), tmp_path) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("nn/flow.py", "import numpy as np"),
        ("nn/flow.py", "def f():\n    import ot"),
        ("nn/transport.py", "import ot"),
        ("nn/flow.py", "from skexpand.codecs import images"),
        ("nn/flow.py", "from skexpand import _random"),
        ("nn/flow.py", "from .. import _random"),
    ],
)
def test_planted_foreign_import_in_nn_is_found(tmp_path, name, source):
    assert len(foreign_imports_of_nn(plant(tmp_path, name, source), tmp_path)) == 1


def test_lazy_pot_and_siblings_are_fine_in_nn(tmp_path):
    source = (
        "import math\nfrom torch import nn\nfrom skexpand.nn.flow import warp\n"
        "from .losses import kl\nfrom skexpand.nn import losses\n"
        "def f():\n    import ot\n"
    )
    path = plant(tmp_path, "nn/transport.py", source)
    assert foreign_imports_of_nn(path, tmp_path) == []


def heavy_modules_after(statement, folder):
    """Run a statement in a new process and return the heavy modules it loaded."""
    code = (
        f"{statement}\nimport json, sys\n"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    return json.loads(done.stdout)


def test_importing_the_package_loads_nothing_heavy():
    assert heavy_modules_after("import skexpand", ROOT) == []


def test_importing_the_command_line_loads_nothing_heavy():
    assert heavy_modules_after("import skexpand._cli", ROOT) == []


def test_planted_heavy_import_is_found(tmp_path):
    plant(tmp_path, "__init__.py", "import sklearn")
    assert "sklearn" in heavy_modules_after("import skexpand", tmp_path)
