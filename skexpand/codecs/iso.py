"""Dates and moments in text: ISO 8601 to datetime64, and back in the same form."""

import re
from dataclasses import dataclass

import numpy as np

_UNITS = ("M", "D", "m", "s", "ms", "us", "ns")
_SHAPE = re.compile(
    r"(?P<date>\d{4}-\d\d(-\d\d)?)"
    r"((?P<mark>[T ])(?P<clock>\d\d:\d\d[\d:.]*)(?P<zone>Z|[+-]\d\d:?\d\d)?)?"
)


@dataclass(frozen=True)
class IsoForm:
    """How moments were written.

    Parameters
    ----------
    unit : str
        Numpy's code of the last unit that was written.
    mark : {"T", " ", ""}
        What stood between date and clock.
    zone : str, default=""
        What followed, the same in every cell.

    Examples
    --------
    >>> import numpy as np
    >>> times, form = IsoForm.read(np.array(["2024-02-28 09:30Z", None], dtype=object))
    >>> times
    array(['2024-02-28T09:30',              'NaT'], dtype='datetime64[m]')
    >>> form.write(times + np.timedelta64(1, "D")).tolist()
    ['2024-02-29 09:30Z', None]
    """

    unit: str
    mark: str
    zone: str = ""

    @classmethod
    def read(cls, cells):
        """Read text as moments, if every cell is one and all are written alike.

        Parameters
        ----------
        cells : ndarray of object, shape (n,)
            Text, None where missing.

        Returns
        -------
        times : ndarray of datetime64, shape (n,), or None
            What clocks showed; NaT where missing. None if cells hold anything else.
        form : IsoForm or None
        """
        is_text = np.array([isinstance(cell, str) for cell in cells], dtype=bool)
        shapes = [_SHAPE.fullmatch(cell) for cell in cells[is_text]]
        if None in shapes or len({(s["mark"], s["zone"]) for s in shapes}) != 1:
            return None, None
        mark, zone = shapes[0]["mark"] or "", shapes[0]["zone"] or ""
        for unit in _UNITS:
            form = cls(unit, mark, zone)
            times = form._parse(cells, is_text)
            if (
                times is not None
                and (form.write(times)[is_text] == cells[is_text]).all()
            ):
                return times, form
        return None, None

    def write(self, times):
        """Write moments as text.

        Parameters
        ----------
        times : ndarray of datetime64, shape (n,)

        Returns
        -------
        ndarray of object, shape (n,)
            None where missing.
        """
        text = np.datetime_as_string(times, unit=self.unit).astype(object)
        if self.mark == " ":
            text = np.array([cell.replace("T", " ") for cell in text], dtype=object)
        text = text + self.zone
        text[np.isnat(times)] = None
        return text

    def _parse(self, cells, is_text):
        known = [cell.removesuffix(self.zone) for cell in cells[is_text]]
        times = np.full(len(cells), np.datetime64("NaT", self.unit))
        try:
            times[is_text] = np.array(known, dtype=f"M8[{self.unit}]")
        except (TypeError, ValueError):  # finer than the unit, or no date
            return None
        return times
