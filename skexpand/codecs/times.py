"""Dates, times and durations: whole numbers of their coarsest unit, and back."""

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np

from skexpand.codecs.columns import Column

# From coarse to fine. Years and months are not all of one length: the calendar counts
# them, and a duration has none.
_UNITS = ("Y", "M", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as")
_CALENDAR = ("Y", "M")


@dataclass(frozen=True)
class Clock:
    """Count times in one unit from one origin.

    The unit is the coarsest that divides all the times it is made for: whole days stay
    whole days, and firsts of the month stay firsts of the month.

    Parameters
    ----------
    dtype : numpy.dtype
        ``datetime64`` or ``timedelta64``, as times are written.
    unit : str
        Numpy's code of the unit that is counted.
    origin : int
        What counts as 0, in units since 1970: the middle of the observed times, so
        that the numbers stay exact. Durations have a zero of their own.
    is_wall : bool, default=False
        Whether times are those that clocks show where they were taken: midnight there
        is no whole day of UTC.

    Examples
    --------
    >>> import numpy as np
    >>> days = np.array(["2024-02-28", "2024-03-01", "NaT"], dtype="M8[s]")
    >>> clock = Clock.of(days)
    >>> clock.unit, clock.read(days).tolist()
    ('D', [-1.0, 1.0, nan])
    >>> clock.write(np.array([0.2]))
    array(['2024-02-29T00:00:00'], dtype='datetime64[s]')
    """

    dtype: np.dtype
    unit: str
    origin: int
    is_wall: bool = False

    @classmethod
    def of(cls, times):
        """Find unit and origin for times.

        Parameters
        ----------
        times : ndarray of datetime64 or timedelta64

        Returns
        -------
        Clock
        """
        present = times[~np.isnat(times)]
        own, _ = np.datetime_data(times.dtype)
        if own not in _UNITS or not len(present):  # weeks, or nothing known
            unit = "D" if own == "generic" else own
        else:
            is_date = times.dtype.kind == "M"
            coarser = _UNITS[0 if is_date else 2 : _UNITS.index(own)]
            unit = next((u for u in coarser if _divides(u, present)), own)
        origin = 0
        if times.dtype.kind == "M" and len(present):
            ticks = _count(present, unit)
            origin = (int(ticks.min()) + int(ticks.max())) // 2
        return cls(times.dtype, unit, origin)

    def read(self, times):
        """Turn times into numbers.

        Parameters
        ----------
        times : ndarray of datetime64 or timedelta64, shape (n,)
            Of any resolution; what is finer than the unit becomes a fraction of it
            (dropped for months and years).

        Returns
        -------
        ndarray of float64, shape (n,)
            NaN where a time is missing.
        """
        whole = _count(times, self.unit)
        values = (whole - np.int64(self.origin)).astype(np.float64)
        if self.unit not in _CALENDAR:
            rest = times - whole.view(_dtype(times, self.unit)).astype(times.dtype)
            if (rest.view(np.int64)[~np.isnat(rest)] != 0).any():
                values += rest / np.timedelta64(1, self.unit)
        values[np.isnat(times)] = np.nan
        return values

    def write(self, values):
        """Turn numbers into times, whole units each.

        Parameters
        ----------
        values : ndarray of float64, shape (n,)
            In the range that was read; NaN for missing times.

        Returns
        -------
        ndarray of datetime64 or timedelta64, shape (n,)
        """
        missing = np.isnan(values)
        whole = np.rint(np.where(missing, 0, values)).astype(np.int64)
        times = (whole + np.int64(self.origin)).view(f"{self.dtype.kind}8[{self.unit}]")
        times = times.astype(self.dtype)
        times[missing] = np.array("NaT", dtype=self.dtype)
        return times

    @property
    def is_counted(self):
        """Whether times count periods, of whatever length, and no seconds."""
        return np.datetime_data(self.dtype)[0] == "Y"

    @property
    def is_linear(self):
        """Whether all units are of one length."""
        return self.is_counted or self.unit not in _CALENDAR

    @property
    def _seconds(self):
        if self.is_counted:
            return 1.0
        return np.timedelta64(1, self.unit) / np.timedelta64(1, "s")

    def from_seconds(self, seconds):
        """Undo `to_seconds`, for units of one length.

        Parameters
        ----------
        seconds : ndarray of float64, shape (n,)

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        return seconds / self._seconds - self.origin

    def to_seconds(self, values):
        """Express numbers that were read here in seconds since 1970, or of length.

        Parameters
        ----------
        values : ndarray of float64, shape (n,)

        Returns
        -------
        ndarray of float64, shape (n,)
            The count itself where periods are counted.
        """
        if self.is_counted:
            return values + self.origin
        if self.is_linear:
            return (values + self.origin) * self._seconds
        days = self.write(values).astype("M8[D]")
        seconds = days.view(np.int64) * 86400.0
        seconds[np.isnat(days)] = np.nan
        return seconds


def read_times(label, times, like=None, *, wall=None, to_utc=None):
    """Read a column of times as numbers.

    Parameters
    ----------
    label : object
        Name or position of the column.
    times : ndarray of datetime64 or timedelta64, shape (n,)
        In UTC where a time zone is known.
    like : Column or None, default=None
        Column of the table that was fitted, whose clock is to be used.
    wall : ndarray of datetime64 or None, default=None
        The same times as clocks show them in their time zone.
    to_utc : callable or None, default=None
        Turns `wall` times back into UTC.

    Returns
    -------
    values : ndarray of float64, shape (n,)
    column : Column
    """
    clock = like.clock if like is not None else None
    if clock is None or clock.dtype.kind != times.dtype.kind:
        clock = Clock.of(times)
        if wall is not None:
            local = Clock.of(wall)
            is_coarser = _UNITS.index(local.unit) < _UNITS.index(clock.unit)
            # In the hour that clocks show twice, wall times would be ambiguous.
            if is_coarser and _are_equal(to_utc(wall), times):
                clock = replace(local, is_wall=True)
    return clock.read(wall if clock.is_wall else times), Column(label, clock=clock)


def to_utc(wall, zone):
    """Say which moments clocks of a time zone mean.

    Parameters
    ----------
    wall : ndarray of datetime64, shape (n,)
        What clocks show. Of the two hours that they show twice, the first is meant; in
        an hour that they skip, they are taken to run on.
    zone : str
        Name of the time zone.

    Returns
    -------
    ndarray of datetime64, shape (n,)
    """
    zone = ZoneInfo(zone)
    shown, index = np.unique(wall, return_inverse=True)
    offsets = [
        np.timedelta64("NaT")
        if moment is None
        else moment.replace(tzinfo=zone).utcoffset()
        for moment in shown.astype("M8[us]").tolist()
    ]
    return (
        wall
        - np.array(offsets, dtype="m8[us]").astype(wall.dtype.str.replace("M", "m"))[
            index
        ]
    )


def _dtype(times, unit):
    return f"{times.dtype.kind}8[{unit}]"


def _count(times, unit):
    return times.astype(_dtype(times, unit)).view(np.int64)


def _divides(unit, present):
    return (
        present.astype(_dtype(present, unit)).astype(present.dtype) == present
    ).all()


def _are_equal(times, others):
    return ((times == others) | (np.isnat(times) & np.isnat(others))).all()
