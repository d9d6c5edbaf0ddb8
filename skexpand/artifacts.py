"""Keep what was pre-trained: weights as safetensors, their record as JSON beside them.

``letters.safetensors`` holds every array, ``letters.json`` says what it is, where it
comes from and what its SHA-256 is, and ``letters.material.safetensors`` holds images of
X'' where they are kept: these are data, with a license of their own.
"""

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

from safetensors.numpy import load_file, save_file

_FORMAT = 2
_PACKAGES = ("numpy", "safetensors", "torch")


def save_arrays(path, groups, record, material):
    """Write weights, material and record.

    Parameters
    ----------
    path : str or path-like
        Without a suffix; folders are made.
    groups : dict of str to dict of str to ndarray
        Weights by network.
    record : dict
        Goes into the JSON file as it is.
    material : dict of str to ndarray, or None
        Images of X''; None writes none.

    Returns
    -------
    list of pathlib.Path
        The files.
    """
    weights_path, material_path, record_path = _paths(path)
    weights_path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {
        f"{group}/{name}": array
        for group, weights in groups.items()
        for name, array in weights.items()
    }
    save_file(arrays, weights_path)
    record = {
        "format": _FORMAT,
        **record,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in _PACKAGES},
        },
        "weights_sha256": _digest(weights_path),
    }
    written = [weights_path, record_path]
    material_path.unlink(missing_ok=True)
    if material is not None:
        save_file(material, material_path)
        record["material_sha256"] = _digest(material_path)
        written.append(material_path)
    text = json.dumps(record, indent=2, sort_keys=True)
    record_path.write_text(text + "\n", encoding="utf-8")
    return written


def load_arrays(path):
    """Read what :func:`save_arrays` wrote, and check it against its record.

    Parameters
    ----------
    path : str or path-like
        With or without a suffix.

    Returns
    -------
    groups : dict of str to dict of str to ndarray
    record : dict
    material : dict of str to ndarray, or None

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is not the one that the record describes.
    """
    weights_path, material_path, record_path = _paths(path)
    for needed in (record_path, weights_path):
        if not needed.is_file():
            raise FileNotFoundError(
                f"Expected a pre-trained encoder in {needed}, found none. Make one by "
                "PretrainedEncoder.save or skexpand pretrain."
            )
    record = json.loads(record_path.read_text(encoding="utf-8"))
    if record.get("format") != _FORMAT:
        raise ValueError(
            f"Expected format {_FORMAT} in {record_path}, got "
            f"{record.get('format')!r}. Save it anew with this version."
        )
    groups = {}
    for name, array in _read(weights_path, record["weights_sha256"]).items():
        group, _, rest = name.partition("/")
        groups.setdefault(group, {})[rest] = array
    material = None
    if "material_sha256" in record and material_path.is_file():
        material = _read(material_path, record["material_sha256"])
    return groups, record, material


def _paths(path):
    stem = Path(path)
    if stem.suffix in (".safetensors", ".json"):
        stem = stem.with_suffix("")
    endings = (".safetensors", ".material.safetensors", ".json")
    return [stem.with_name(stem.name + ending) for ending in endings]


def _read(path, expected):
    if _digest(path) != expected:
        raise ValueError(
            f"{path} is not the file that its record describes: its SHA-256 differs. "
            "Get or make it anew."
        )
    return load_file(path)


def _digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
