"""Fill generated tables: ``python protocols/publish.py docs/reproduction.md``.

A page says between two comments which command printed what stands there::

    <!-- printed by: python protocols/ranks.py protocols/results/tables_growth.jsonl -->
    ...
    <!-- end -->

The commands are ``skexpand reproduce ... --stored`` and the scripts of `PRINTERS`: they
read stored results and run nothing, from the root of the repository.
"""

import argparse
import io
import re
import shlex
import sys
from contextlib import chdir, redirect_stdout
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Started as a script, Python looks in this folder and not in the repository.
sys.path.insert(0, str(ROOT))

from protocols import paired, ranks, summarize  # noqa: E402
from skexpand import _cli  # noqa: E402

PRINTERS = {
    f"protocols/{module.__name__.rpartition('.')[2]}.py": module.main
    for module in (paired, ranks, summarize)
}
"""Scripts that print stored results."""

_BLOCK = re.compile(
    r"(?P<start><!-- printed by: (?P<command>[^\n]*) -->\n)"
    r"(?P<body>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)


def fill(text):
    """Return a page with every block printed anew, and how many there are."""
    return _BLOCK.subn(
        lambda block: f"{block['start']}\n{_print(block['command'])}\n{block['end']}",
        text,
    )


def _print(command):
    program, *arguments = shlex.split(command)
    if program == "skexpand" and arguments[:1] == ["reproduce"]:
        printer = _cli.main if "--stored" in arguments else None
    elif program == "python" and arguments:
        printer = PRINTERS.get(arguments.pop(0))
    else:
        printer = None
    if printer is None:
        raise ValueError(
            f"A page may print stored results only, got '{command}'. Use skexpand "
            f"reproduce ... --stored, or python with one of {', '.join(PRINTERS)}."
        )
    printed = io.StringIO()
    try:
        with chdir(ROOT), redirect_stdout(printed):
            has_failed = printer(arguments)
    except SystemExit as stop:  # what argparse does with a bad argument
        has_failed = stop.code
    if has_failed:
        raise ValueError(f"'{command}' failed; see above.")
    return printed.getvalue()


def main(arguments=None):
    """Parse the command line, rewrite the pages and say which."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", type=Path, nargs="+", help="Markdown files")
    for page in parser.parse_args(arguments).pages:
        text, n_blocks = fill(page.read_text(encoding="utf-8"))
        if not n_blocks:
            parser.error(f"{page} has no block that begins with <!-- printed by: ...")
        page.write_text(text, encoding="utf-8")
        print(f"{page}: {n_blocks} tables")


if __name__ == "__main__":
    main()
