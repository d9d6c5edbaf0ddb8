"""Is the expanded data worth having? Compare samplers on held-out real data.

:func:`compare` runs any objects with ``fit_resample``, beside the baselines, through
one frozen protocol, and returns a :class:`Report`. Nothing here knows this package's
own sampler.
"""

from importlib import import_module

_HOMES = {
    "ImageClassifier": "skexpand.evaluation.networks",
    "Report": "skexpand.evaluation.report",
    "compare": "skexpand.evaluation._compare",
    "merge_results": "skexpand.evaluation.results",
    "read_results": "skexpand.evaluation.results",
}

__all__ = ["ImageClassifier", "Report", "compare", "merge_results", "read_results"]


def __getattr__(name):
    """Load a name from its module at first use."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'skexpand.evaluation' has no attribute {name!r}")


def __dir__():
    """List the names without loading them."""
    return sorted({*globals(), *_HOMES})
