"""One random state in, named independent streams out."""

from numbers import Integral
from zlib import crc32

import numpy as np


class RandomStreams:
    """Hand out independent random generators by name.

    A purpose ("graph", "noise"), a class or a shard is a *key*; the same random state
    and key give the same bits, in whatever order and however often keys are asked for.
    That is what makes classes with identical rows differ, and shards reproducible one
    by one. No global generator is read or written.

    Parameters
    ----------
    random_state : None, int, numpy.random.RandomState or numpy.random.Generator, \
            default=None
        Where the entropy comes from. ``None`` takes it from the operating system. A
        ``RandomState`` or ``Generator`` is advanced once, here, so a second
        `RandomStreams` of the same object differs from the first.

    Attributes
    ----------
    entropy : int
        The number that determines every stream.
    prefix : tuple of int
        Key items put before every key.

    Raises
    ------
    ValueError
        If `random_state` is a negative integer.
    TypeError
        If `random_state` is of any other type.

    Examples
    --------
    >>> from skexpand._random import RandomStreams
    >>> streams = RandomStreams(0)
    >>> a = streams.numpy("noise", 3).integers(100, size=4)
    >>> b = RandomStreams(0).numpy("noise", 3).integers(100, size=4)
    >>> bool((a == b).all())
    True
    """

    def __init__(self, random_state=None):
        self.entropy = _entropy(random_state)
        self.prefix = ()

    def child(self, *key):
        """Give the streams below a key, for example those of one shard.

        Parameters
        ----------
        *key : str or int
            Names and non-negative numbers.

        Returns
        -------
        RandomStreams
            Its ``numpy("a")`` is the ``numpy(*key, "a")`` of this object.
        """
        child = RandomStreams(self.entropy)
        child.prefix = self.prefix + _spawn_key(key)
        return child

    def numpy(self, *key):
        """Start the numpy generator of a key from its beginning.

        Parameters
        ----------
        *key : str or int
            Names and non-negative numbers.

        Returns
        -------
        numpy.random.Generator
        """
        return np.random.default_rng(self._sequence(key))

    def torch(self, *key):
        """Start the torch generator of a key from its beginning.

        It lives on the CPU: noise is drawn there and moved, so that every device sees
        the same draws.

        Parameters
        ----------
        *key : str or int
            Names and non-negative numbers.

        Returns
        -------
        torch.Generator
        """
        import torch

        (seed,) = self._sequence(key).generate_state(1, dtype=np.uint64)
        return torch.Generator("cpu").manual_seed(int(seed >> np.uint64(1)))

    def seed(self, *key):
        """Give the 32-bit seed of a key, for estimators that take an integer.

        Parameters
        ----------
        *key : str or int
            Names and non-negative numbers.

        Returns
        -------
        int
        """
        return int(self._sequence(key).generate_state(1)[0])

    def _sequence(self, key):
        spawn_key = self.prefix + _spawn_key(key)
        return np.random.SeedSequence(self.entropy, spawn_key=spawn_key)


def _entropy(random_state):
    if random_state is None:
        return np.random.SeedSequence().entropy
    if isinstance(random_state, Integral):
        if random_state < 0:
            raise ValueError(
                f"random_state must not be negative, got {random_state}. Pass an "
                "integer from 0 on, or None for a fresh draw."
            )
        return int(random_state)
    if isinstance(random_state, np.random.RandomState):
        words = random_state.randint(0, 2**32, size=4, dtype=np.uint32)
    elif isinstance(random_state, np.random.Generator):
        words = random_state.integers(0, 2**32, size=4, dtype=np.uint32)
    else:
        raise TypeError(
            "random_state must be None, an int, a numpy RandomState or a numpy "
            f"Generator, got {type(random_state).__name__}."
        )
    return int.from_bytes(words.tobytes(), "little")


def _spawn_key(key):
    if not key:
        raise TypeError("A stream needs a key: pass at least one name or number.")
    return tuple(
        crc32(item.encode()) if isinstance(item, str) else int(item) for item in key
    )
