"""Results as one JSON object a line: append at any time, read what is there."""

import json
import os
from pathlib import Path


def append_row(path, row):
    """Append one row with a single write, and wait until it is on disk."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
    with path.open("ab+", buffering=0) as file:
        if not _ends_with_newline(file):
            line = "\n" + line  # a run was cut off in the middle of its last line
        file.write(line.encode())
        os.fsync(file.fileno())


def _ends_with_newline(file):
    if not file.seek(0, os.SEEK_END):
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def read_rows(path):
    """Return all complete rows; a line that a crash cut off is left out."""
    path = Path(path)
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows
