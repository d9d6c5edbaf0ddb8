"""Check an installed skexpand: ``python installed.py FOLDER_OF_THE_SOURCES``.

Every module must be there, import with the required dependencies alone, and come from
the environment instead of the sources.
"""

import importlib
import pkgutil
import sys
from importlib.metadata import version
from pathlib import Path

import skexpand


def main(sources):
    """Raise where the installation differs from the sources, print where it is."""
    home = Path(skexpand.__file__).resolve()
    if home.is_relative_to(Path(sources).resolve()):
        raise AssertionError(f"skexpand was imported from its sources, {home}.")
    if version("skexpand") != skexpand.__version__:
        raise AssertionError(
            f"The wheel says {version('skexpand')}, the package {skexpand.__version__}."
        )
    found = {
        info.name for info in pkgutil.walk_packages(skexpand.__path__, "skexpand.")
    }
    root = Path(sources) / "skexpand"
    expected = {
        ".".join(("skexpand", *path.relative_to(root).with_suffix("").parts))
        for path in root.rglob("*.py")
        if path.name != "__init__.py"
    }
    if expected - found:
        raise AssertionError(f"The wheel lacks {', '.join(sorted(expected - found))}.")
    data = {
        path.relative_to(root)
        for pattern in ("*.j2", "*.toml")
        for path in root.rglob(pattern)
    }
    lacking = [str(path) for path in sorted(data) if not (home.parent / path).is_file()]
    if not data or lacking:
        raise AssertionError(f"The wheel lacks data files: {lacking or 'all of them'}.")
    for name in sorted(found - {"skexpand.__main__"}):
        importlib.import_module(name)
    print(f"skexpand {skexpand.__version__} at {home.parent}: {len(found)} modules")


if __name__ == "__main__":
    main(sys.argv[1])
