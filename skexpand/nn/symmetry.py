"""Mirror images and quarter turns, where the classes do not care for them."""

from dataclasses import dataclass
from functools import partial
from itertools import product

import torch
from torch import Generator, Tensor

# Belief in the class of an unseen image that is kept by what leaves it alone, beyond a
# standard error: about 1 where images are in any of the eight positions, at most 0.77
# for photographs upside down and 0.68 for mirrored clothes (docs/method.md).
_KEPT = 0.75
# Few classes have one of these alone: at three to five images a class one standard
# error would turn one set of photographs in six by chance.
_ERRORS = (1, 2, 2)
_SURELY_LESS = -1  # standard errors: no need to ask registration about mirrors


def _mirror(x):
    return x.flip(3)


def _turn_upside_down(x):
    return x.flip(2)


def _transpose(x):
    return x.transpose(2, 3)


_GENERATORS = (_mirror, _turn_upside_down, _transpose)
NAMES = ("left-right", "up-down", "transpose")


@dataclass(frozen=True)
class Symmetries:
    """Which of the symmetries of the square the classes of images have.

    Three of them generate the eight: left and right, up and down, rows and columns
    change places. An element is a row of three truths, applied in this order.

    Attributes
    ----------
    is_free : tuple of three bool
        Which may be applied to any image; the last only to square ones.
    may_mirror : bool
        Whether left and right may mean nothing: the probe is not sure, and registration
        has to say so. False where the probe is sure, either way.
    """

    is_free: tuple = (False, False, False)
    may_mirror: bool = False

    @classmethod
    def from_probe(cls, probe, is_square: bool) -> "Symmetries":
        """Ask whether unseen images are still known afterwards.

        All positions but the mirror image, which many classes have alone, tell more at
        once than one by one, so they are asked for first.

        Parameters
        ----------
        probe : ImageProbe
            Of one that knows nothing nothing is learned.
        is_square : bool
            Whether rows and columns can change places.
        """
        possible = (True, True, is_square)
        turns = [e for e in _elements(possible) if e[1:].any()]
        together = [partial(apply_symmetry, is_on=turn) for turn in turns]
        if probe.margin(together, _KEPT) > 1:
            return cls(possible)
        alone = torch.eye(3, dtype=torch.bool)
        margins = [
            probe.margin([partial(apply_symmetry, is_on=element)], _KEPT) if can else 0
            for can, element in zip(possible, alone, strict=True)
        ]
        is_free = tuple(
            margin > n_errors
            for margin, n_errors in zip(margins, _ERRORS, strict=True)
        )
        is_open = probe.has_belief and margins[0] >= _SURELY_LESS
        return cls(is_free, is_open and not is_free[0])

    def draw(self, n: int, generator: Generator) -> Tensor:
        """Draw elements, every one as often as any other. Shapes: -> ``(n, 3)``."""
        if not any(self.is_free):
            return torch.zeros(n, 3, dtype=torch.bool)
        is_on = torch.rand(n, 3, generator=generator) < 0.5
        return is_on & torch.tensor(self.is_free)

    def orient(self, source: Tensor, target: Tensor) -> Tensor:
        """Bring every source into the position that is nearest to its target.

        Shapes: ``source, target (b, C, H, W)`` -> the same.
        """
        best, least = source, (source - target).square().sum(dim=(1, 2, 3))
        for element in _elements(self.is_free)[1:]:
            turned = apply_symmetry(source, element)
            distance = (turned - target).square().sum(dim=(1, 2, 3))
            is_nearer = (distance < least)[:, None, None, None]
            best = torch.where(is_nearer, turned, best)
            least = torch.minimum(least, distance)
        return best


def _elements(is_free):
    """All elements of which only the free parts are on, the neutral one first."""
    choices = [(False, True) if free else (False,) for free in is_free]
    return torch.tensor(list(product(*choices)))


def apply_symmetry(x: Tensor, is_on: Tensor) -> Tensor:
    """Apply an element to each image, or one to all.

    Shapes: ``x (n, C, H, W)``, ``is_on (n, 3)`` or ``(3,)`` bool -> ``(n, C, H, W)``.
    """
    is_on = is_on.to(x.device).expand(len(x), 3)
    for change, here in zip(_GENERATORS, is_on.T, strict=True):
        if here.any():
            x = torch.where(here[:, None, None, None], change(x), x)
    return x
