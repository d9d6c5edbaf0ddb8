"""Grow small labeled data sets, tables or images, with a learned expander.

The whole method is one line of boxes; each is one module::

    X, y ─ validate ─► encode ──► encode ──► attend ──► mix ──► decode ──► ...
          containers   codec    autoencoder attention expander  flow/AE
          arrays       (n, p)     (n, d)     (n, d)   (m, d)    (m, p)

    ... ──► judge ──► decode ─ restore ─► X_res, y_res
             keep      codec   containers
           (n', p)    arrays

A newcomer reads this page, ``_base.py`` (validation, sampling and provenance, the same
for every sampler), ``_synthesizer.py`` (the method) and then the module of any box.

Importing the package is cheap: the public names load torch only when they are used.

Examples
--------
>>> import skexpand
>>> skexpand.__version__
'0.1.0'
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "ExpandedStream": "skexpand.streaming",
    "ExpansiveSynthesizer": "skexpand._synthesizer",
    "KoopmanEncoder": "skexpand._encoder",
    "PretrainedEncoder": "skexpand.pretrained",
}

__all__ = [
    "ExpandedStream",
    "ExpansiveSynthesizer",
    "KoopmanEncoder",
    "PretrainedEncoder",
    "__version__",
]


def __getattr__(name):
    """Load a public name from its module at first use."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'skexpand' has no attribute {name!r}")


def __dir__():
    """List the public names without loading them."""
    return sorted({*globals(), *_HOMES})
