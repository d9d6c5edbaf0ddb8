"""The results file: one JSON object a line, appended as cells finish."""

import json
import math
import os
import warnings
from pathlib import Path

import numpy as np

REQUIRED = ("cell", "protocol", "sampler", "classifier", "draw", "scores")
"""Keys without which a line is no result."""

_HEADER = b'{"header": true'  # how a header begins, also one that a kill cut off


def append_row(path, row):
    """Append one row with a single write, and wait until it is on disk.

    Parameters
    ----------
    path : str or path-like
        File to append to; it and its folder are made where missing.
    row : dict
        A result, or the header.
    """
    append_rows(path, [row])


def append_rows(path, rows):
    """Append rows with a single write, and wait until they are on disk.

    A last line that a kill cut off is closed first, so that it cannot swallow the
    first new row.

    Parameters
    ----------
    path : str or path-like
        File to append to; it and its folder are made where missing.
    rows : list of dict
        Values may be numpy scalars; NaN and infinity are refused.
    """
    text = "".join(
        json.dumps(row, ensure_ascii=False, allow_nan=False, default=_plain) + "\n"
        for row in rows
    )
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+", buffering=0) as file:
        if not _ends_with_newline(file):
            text = "\n" + text
        file.write(text.encode())
        os.fsync(file.fileno())


def _ends_with_newline(file):
    if not file.seek(0, os.SEEK_END):
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} cannot be written as JSON.")


def read_results(path, *, fingerprint=None):
    """Read a results file, leaving out lines that are no complete rows.

    Parameters
    ----------
    path : str or path-like
        File written by `compare`. It may hold the same cell several times, the last
        one counts.
    fingerprint : str or None, default=None
        Protocol the file must be of; None takes any.

    Returns
    -------
    header : dict
        With keys ``header``, ``protocol`` and ``settings``; empty where the header's
        line was lost.
    rows : list of dict
        In the order in which cells were first written.

    Warns
    -----
    RuntimeWarning
        Naming the numbers of the lines left out.

    Raises
    ------
    ValueError
        If the file holds more than one protocol, or not the one asked for.
    """
    header, rows, bad = {}, {}, []
    protocols = set()
    with Path(path).open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            row = _parse(line)
            if row is None:
                bad.append(number)
                continue
            protocols.add(row["protocol"])
            if row.get("header"):
                header = header or row
            else:
                rows[row["cell"]] = row
    if bad:
        warnings.warn(
            f"{path}: left out {len(bad)} damaged line(s), number "
            f"{', '.join(map(str, bad))}; {len(rows)} complete cells are kept. "
            "compare(..., resume=...) computes what is missing.",
            RuntimeWarning,
            stacklevel=2,
        )
    if len(protocols) > 1:
        raise ValueError(
            f"{path} mixes the protocols {', '.join(sorted(protocols))}: scores of "
            "different protocols cannot be compared. Split it by the key 'protocol'."
        )
    if fingerprint is not None and protocols - {fingerprint}:
        raise ValueError(
            f"{path} is of protocol {protocols.pop()}, expected {fingerprint}. Pass "
            "another file, or the settings that the file was written with."
        )
    return header, list(rows.values())


def check_results_file(path):
    """Refuse to append to a file that is something else.

    Parameters
    ----------
    path : str or path-like
        An existing file. Empty, or cut off in its first line, it is one of results.

    Raises
    ------
    ValueError
        If it is a folder, or holds other things.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Name a file in it to keep results in.")
    with path.open("rb") as file:
        start = file.read(len(_HEADER))
        file.seek(0)
        is_known = _HEADER.startswith(start) or any(_parse(line) for line in file)
    if not is_known:
        raise ValueError(
            f"{path} holds no results, and they would be appended to it. Name another "
            "file."
        )


def _parse(line):
    """Return a line's row or header, or None where it is neither."""
    try:
        row = json.loads(line)
    except ValueError:  # of JSON or of UTF-8
        return None
    if not isinstance(row, dict):
        return None
    needed = ("protocol", "settings") if row.get("header") else REQUIRED
    return row if all(key in row for key in needed) else None


def merge_results(paths, out):
    """Merge results files of one protocol, for example of several machines.

    Parameters
    ----------
    paths : list of str or path-like
        Files written by `compare`. Where cells repeat, the last file counts.
    out : str or path-like
        File to write; replaced at once when complete, so it may be one of `paths`.

    Returns
    -------
    int
        Number of cells in the merged file.

    Raises
    ------
    ValueError
        If there are no files, none has a header, or their protocols differ.
    """
    read = [read_results(path) for path in paths]
    header = next((header for header, _ in read if header), None)
    if header is None:
        raise ValueError("Expected results files with a header line, got none.")
    rows = {row["cell"]: row for _, rows in read for row in rows}
    for row in [*(h for h, _ in read if h), *rows.values()]:
        if row["protocol"] != header["protocol"]:
            raise ValueError(
                f"Expected files of protocol {header['protocol']}, got one of "
                f"{row['protocol']}: their scores cannot be compared. Leave it out."
            )
    out = Path(out)
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    append_rows(draft, [header, *rows.values()])
    draft.replace(out)
    return len(rows)


def finite(figures):
    """Return figures as plain floats, without those that are not finite.

    Parameters
    ----------
    figures : dict of str to float

    Returns
    -------
    dict of str to float
    """
    plain = {name: float(value) for name, value in figures.items()}
    return {name: value for name, value in plain.items() if math.isfinite(value)}
