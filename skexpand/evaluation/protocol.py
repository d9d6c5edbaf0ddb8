"""What decides a score, frozen and written into the results."""

import hashlib
import json
from dataclasses import asdict, dataclass

VERSION = 1
"""Raised by every change of the protocol that can move a score."""


@dataclass(frozen=True)
class Protocol:
    """Everything, beside a cell's own coordinates, that decides its score.

    A cell's coordinates are the sampler and the classifier with their parameters, the
    size of the small set and the number of the draw: those may be added to a results
    file at any time. A change of anything here asks for a new file.

    Parameters
    ----------
    dataset : str
        Name of the data set.
    data : str
        Hash of all rows and labels.
    test : float, int or str
        Share or number of rows held out, or ``"given"``.
    ratio : float
        Growth of every class in the arms that add rows.
    scoring : tuple of str
        Names of the metrics, the primary one first.
    seed : int
        Number from which every split, draw and seed follows.
    version : int, default=1
        Version of the rules by which cells are computed.
    """

    dataset: str
    data: str
    test: float | int | str
    ratio: float
    scoring: tuple[str, ...]
    seed: int
    version: int = VERSION

    def settings(self):
        """Return the fields as plain JSON values.

        Returns
        -------
        dict
        """
        return {**asdict(self), "scoring": list(self.scoring)}

    def fingerprint(self):
        """Return 16 hex digits that change with any field.

        Returns
        -------
        str
        """
        return digest(self.settings())

    def header(self):
        """Return the first row of a results file.

        Returns
        -------
        dict
        """
        return {
            "header": True,
            "protocol": self.fingerprint(),
            "settings": self.settings(),
        }

    def check_same(self, header, path):
        """Refuse the results of another protocol.

        Parameters
        ----------
        header : dict
            Of a results file.
        path : str or path-like
            Its name, for the message.

        Raises
        ------
        ValueError
            Naming the settings that differ.
        """
        old, new = header["settings"], self.settings()
        differing = [
            f"{key} was {old.get(key)!r}, is {new.get(key)!r}"
            for key in sorted({*old, *new})
            if old.get(key) != new.get(key)
        ]
        if differing:
            raise ValueError(
                f"{path} holds the results of another protocol: "
                f"{'; '.join(differing)}. Pass another file, or these settings."
            )


def digest(settings):
    """Return 16 hex digits of a JSON value.

    Parameters
    ----------
    settings : dict
        Values that JSON knows.

    Returns
    -------
    str
    """
    text = json.dumps(settings, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
