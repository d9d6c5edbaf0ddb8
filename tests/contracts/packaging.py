"""What the package imports against what ``pyproject.toml`` declares."""

import ast
import re
import sys
import tomllib

# Import name -> name on the package index, where they differ.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "imblearn": "imbalanced-learn",
    "ot": "pot",
    "sklearn": "scikit-learn",
}


def declared(root):
    """Return the names of the required and of the optional distributions."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    required = {_bare(name) for name in project["dependencies"]}
    extras = project["optional-dependencies"].values()
    return required, {_bare(name) for names in extras for name in names}


def _bare(requirement):
    return re.match(r"[\w-]+", requirement)[0].lower()


def undeclared_imports(path, required, optional):
    """Return third-party imports that may be missing where the package is installed.

    What a module imports at once must be required; what it imports when called may
    be an extra.
    """
    violations = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        else:
            continue
        is_lazy = node.col_offset > 0
        for name in {name.partition(".")[0] for name in names}:
            distribution = DISTRIBUTIONS.get(name, name).lower()
            allowed = required | (optional if is_lazy else set())
            if name not in sys.stdlib_module_names and distribution not in allowed:
                if name != "skexpand":
                    violations.append(f"line {node.lineno} imports {name}")
    return violations
