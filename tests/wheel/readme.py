"""Run the Python blocks of a README, as its readers would.

Needs the standard library and what the blocks import, so that it can run next to an
installed wheel with no sources in sight: ``python readme.py README.md``.

Every block of Python must be preceded by one of two comments on a line of its own::

    <!-- tested -->
    <!-- not tested: the reason -->
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(
    r"(?:^<!-- *(?P<marker>tested|not tested: *\S[^\n]*?) *-->\n+)?"
    r"^```(?:python|py)\b[^\n]*\n(?P<code>.*?)^```",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """One block of Python and where it stands."""

    code: str
    line: int
    marker: str | None


def python_blocks(text):
    """Return the blocks of Python of a text in Markdown.

    Raises
    ------
    ValueError
        If none is marked as tested, or one carries no marker.
    """
    blocks = [
        Block(
            match["code"], text.count("\n", 0, match.start("code")) + 1, match["marker"]
        )
        for match in _BLOCK.finditer(text)
    ]
    unmarked = [block.line for block in blocks if block.marker is None]
    if unmarked:
        raise ValueError(
            f"Python blocks at lines {unmarked} carry no marker: put <!-- tested --> "
            "or <!-- not tested: reason --> on the line before."
        )
    if not any(block.marker == "tested" for block in blocks):
        raise ValueError("Expected a Python block marked <!-- tested -->, got none.")
    return blocks


def run_blocks(path):
    """Execute the tested blocks in order, in one namespace, and return it."""
    path = Path(path)
    namespace = {"__name__": "readme"}
    for block in python_blocks(path.read_text(encoding="utf-8")):
        if block.marker == "tested":
            # Blank lines first: a traceback then names the line of the README.
            source = "\n" * (block.line - 1) + block.code
            exec(compile(source, str(path), "exec"), namespace)
    return namespace


if __name__ == "__main__":
    run_blocks(sys.argv[1])
