"""Results as one JSON object a line: append at any time, read what is there.

Large results are packed: ``x.jsonl.gz`` holds rows that are finished, a twentieth of
their size, and ``x.jsonl`` beside it those appended since. Every script reads both
under the name ``x.jsonl``. To pack, with rows of other files (of other draws, say)::

    python protocols/journal.py protocols/results/x.jsonl more.jsonl
"""

import argparse
import gzip
import json
import os
from pathlib import Path


def append_row(path, row):
    """Append one row with a single write, and wait until it is on disk."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = _to_line(row)
    with path.open("ab+", buffering=0) as file:
        if not _ends_with_newline(file):
            line = "\n" + line  # a run was cut off in the middle of its last line
        file.write(line.encode())
        os.fsync(file.fileno())


def _to_line(row):
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def _ends_with_newline(file):
    if not file.seek(0, os.SEEK_END):
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def read_rows(path):
    """Return all complete rows, the packed ones first.

    A line that a crash cut off is left out.
    """
    path = Path(path)
    packed, text = _packed(path), ""
    if packed.is_file():
        text = gzip.decompress(packed.read_bytes()).decode()
    if path.is_file():
        text += path.read_text(encoding="utf-8")
    rows = []
    for line in text.splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows


def pack(path, others=()):
    """Pack the rows of `path` and of other files; return how many there are.

    The last row of a cell is kept. `path` is removed, the others stay.
    """
    path = Path(path)
    rows = [row for name in (path, *others) for row in read_rows(name)]
    if not rows:
        raise ValueError(f"Nothing to pack: {path} holds no rows.")
    rows = {row["cell"]: row for row in rows}.values()
    # Without a time of day the same rows make the same file.
    data = gzip.compress("".join(map(_to_line, rows)).encode(), mtime=0)
    _packed(path).write_bytes(data)
    path.unlink(missing_ok=True)
    return len(rows)


def _packed(path):
    return path.with_name(f"{path.name}.gz")


def main(arguments=None):
    """Parse the command line, pack, and say how much."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path, help="JSONL file to pack")
    parser.add_argument("others", type=Path, nargs="*", help="files to add to it")
    options = parser.parse_args(arguments)
    missing = [str(name) for name in options.others if not read_rows(name)]
    if missing:
        parser.error(f"no rows in {', '.join(missing)}")
    n_rows = pack(options.results, options.others)
    print(f"{_packed(options.results)}: {n_rows} rows")


if __name__ == "__main__":
    main()
