"""Peak memory of a step, as the operating system counts it."""

import sys
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """Measure how far the process grew during a block of code, in MB.

    On Linux the kernel's high-water mark is set back at the start, so that a small step
    after a large one is measured too. Elsewhere it cannot be set back, and only growth
    beyond all earlier steps is seen. Memory of all threads of the process is counted
    together, that of other processes is not, nor is memory reused from before.

    Attributes
    ----------
    mb : float
        Growth of resident memory, set at the end of the block.
    """

    def __enter__(self):
        try:
            _CLEAR.write_text("5")  # 5: set the peak back to what is resident now
        except OSError:
            self._start = _peak_of_life()
        else:
            self._start = _status("VmRSS")
        return self

    def __exit__(self, *_):
        self.mb = max(0.0, _peak() - self._start)


def _peak():
    try:
        return _status("VmHWM")
    except OSError:
        return _peak_of_life()


def _status(name):
    for line in _STATUS.read_text().splitlines():
        if line.startswith(name):
            return float(line.split()[1]) / 1024  # the kernel writes kB
    raise OSError(f"{_STATUS} has no line {name}.")


def _peak_of_life():
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
