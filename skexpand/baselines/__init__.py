"""Samplers with the same interface, to compare with and to start from."""

from importlib import import_module

_HOMES = {
    "ClassicalAugmenter": "skexpand.baselines.images",
    "GaussianJitter": "skexpand.baselines.tables",
    "Mixup": "skexpand.baselines.tables",
}

__all__ = ["ClassicalAugmenter", "GaussianJitter", "Mixup"]


def __getattr__(name):
    """Load a sampler from its module at first use."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'skexpand.baselines' has no attribute {name!r}")


def __dir__():
    """List the samplers without loading them."""
    return sorted({*globals(), *_HOMES})
