"""Mirror images, quarter turns, negatives: where the classes do not care for them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product

import torch
from torch import Generator, Tensor

# Belief in the class of an unseen image that is kept by what leaves it alone, beyond a
# standard error: about 1 where images are in any of the eight positions, at most 0.77
# for photographs upside down and 0.68 for mirrored clothes (docs/images_research.md).
_KEPT = 0.75
# Standard errors for what few classes have alone: at three to five images a class one
# would turn one set of photographs in six by chance.
_SURELY_ALONE = 2
_OF_EACH_KIND = 0.2  # bright on dark, and dark on bright: else negatives are no use
# Share of images that are told from what turns make of them. About 0.5 of what lies
# in any position or is seen from above, 0.65 to 0.75 of photographs, 0.9 of writing.
_TURNS_TOLD = 0.65
_SURELY_LESS = -1  # standard errors: mirrors are not for these classes
# Share of images that are told from their mirror images. About 0.5 of photographs, 0.8
# of letters and house numbers, 0.9 of digits, traffic signs and hands.
# House numbers are told from their negatives in 0.6 to 0.7, photographs in 0.7 to 0.8.
_TOLD_APART = 0.75


def _mirror(x):
    return x.flip(3)


def _turn_upside_down(x):
    return x.flip(2)


def _transpose(x):
    return x.transpose(2, 3)


def negative(x: Tensor) -> Tensor:
    """Let dark and bright change places within the range of each image and channel.

    Ink becomes paper and paper ink. Shapes: ``x (n, C, H, W)`` -> the same.
    """
    return x.amin(dim=(2, 3), keepdim=True) + x.amax(dim=(2, 3), keepdim=True) - x


_CHANGES = (_mirror, _turn_upside_down, _transpose, negative)
NAMES = ("left-right", "up-down", "transpose", "negative")


@dataclass(frozen=True)
class Symmetries:
    """Which of the symmetries of the square the classes of images have.

    Three of them generate the eight: left and right, up and down, rows and columns
    change places. An element is a row of three truths, applied in this order. The
    `negative` is treated as one more.

    Attributes
    ----------
    is_free : tuple of three bool
        Which may be applied to any image; the last only to square ones.
    may_invert : bool
        Whether the negative of an image has its label, as house numbers do, and both
        kinds are there: bright on dark and dark on bright.
    """

    is_free: tuple = (False, False, False)
    may_invert: bool = False

    @classmethod
    def from_probe(cls, probe, is_square: bool) -> "Symmetries":
        """Ask whether unseen images are still known afterwards.

        All positions but the mirror image, which many classes have alone, tell more at
        once than one by one, so they are asked for first. The probe has to be sure, by
        a standard error, that enough belief is kept; or to find so, and images not to
        be told from turned ones, by as much: those are nothing new then. To be turned
        upside down or transposed alone takes both, and two errors. Of mirrors little is
        known from few photographs; where the probe is not sure, either way, images must
        not be told from their mirror images. Negatives are asked about as turns are.

        Parameters
        ----------
        probe : ImageProbe
            Of one that knows nothing no more is learned than whether images are told
            from their mirror images.
        is_square : bool
            Whether rows and columns can change places.
        """
        possible = (True, True, is_square)
        dark = probe.share_dark_on_bright
        may_invert = min(dark, 1 - dark) > _OF_EACH_KIND and _is_nothing_new(
            probe, [negative], _TOLD_APART
        )
        turns = [e for e in _elements(possible) if e[1:].any()]
        together = [partial(apply_symmetry, is_on=turn) for turn in turns]
        if _is_nothing_new(probe, together, _TURNS_TOLD):
            return cls(possible, may_invert=may_invert)
        may_mirror = _is_nothing_new(probe, [_mirror], _TOLD_APART, _SURELY_LESS)
        others = (
            can
            and probe.margin([change], _KEPT) > _SURELY_ALONE
            and _look_alike(probe, [change], _TURNS_TOLD)
            for can, change in zip(possible[1:], _CHANGES[1:3], strict=True)
        )
        return cls((may_mirror, *others), may_invert)

    @classmethod
    def from_names(cls, names, is_square: bool) -> "Symmetries":
        """Take those of `NAMES` that are named.

        Parameters
        ----------
        names : sequence of str
            Any of "left-right", "up-down", "transpose" and "negative".
        is_square : bool
            Whether rows and columns can change places.

        Raises
        ------
        ValueError
            For another name, and for "transpose" where images are not square.
        """
        unknown = [name for name in names if name not in NAMES]
        if unknown:
            raise ValueError(
                f"symmetries names {unknown}; there are {list(NAMES)}, and () for none."
            )
        if "transpose" in names and not is_square:
            raise ValueError(
                'symmetries has "transpose", which needs square images: rows and '
                "columns change places. Leave it out or crop the images."
            )
        *is_free, may_invert = (name in names for name in NAMES)
        return cls(tuple(is_free), may_invert)

    def draw(self, n: int, generator: Generator) -> Tensor:
        """Draw elements and negatives, each as often as any. Shapes: -> ``(n, 4)``."""
        is_on = torch.zeros(n, len(NAMES), dtype=torch.bool)
        if any(self.is_free):
            chance = torch.rand(n, 3, generator=generator) < 0.5
            is_on[:, :3] = chance & torch.tensor(self.is_free)
        if self.may_invert:
            is_on[:, 3] = torch.rand(n, generator=generator) < 0.5
        return is_on

    def orient(self, source: Tensor, target: Tensor) -> Tensor:
        """Bring every source into the position that is nearest to its target.

        Shapes: ``source, target (b, C, H, W)`` -> the same.
        """
        turned = [apply_symmetry(source, each) for each in _elements(self.is_free)]
        if self.may_invert:
            turned += [negative(each) for each in turned]
        best, *others = turned
        least = (best - target).square().sum(dim=(1, 2, 3))
        for other in others:
            distance = (other - target).square().sum(dim=(1, 2, 3))
            is_nearer = (distance < least)[:, None, None, None]
            best = torch.where(is_nearer, other, best)
            least = torch.minimum(least, distance)
        return best


def _is_nothing_new(probe, changes, bound, least=0):
    """Whether belief is kept, surely or because nobody can tell changed images.

    Below the margin `least` the images are not asked.
    """
    margin = probe.margin(changes, _KEPT)
    return margin > 1 or (margin > least and _look_alike(probe, changes, bound))


def _look_alike(probe, changes, bound):
    """Whether fewer images than that are told from changed ones, by an error."""
    share, error = probe.told_apart(changes)
    return share + error < bound


def _elements(is_free):
    """All elements of which only the free parts are on, the neutral one first."""
    choices = [(False, True) if free else (False,) for free in is_free]
    return torch.tensor(list(product(*choices)))


def apply_symmetry(x: Tensor, is_on: Tensor) -> Tensor:
    """Apply an element, and the negative, to each image, or the same to all.

    Shapes: ``x (n, C, H, W)``, ``is_on (n, 3 or 4)`` or ``(3,)`` bool ->
    ``(n, C, H, W)``; without a fourth truth no image is turned into its negative.
    """
    is_on = is_on.to(x.device).expand(len(x), -1)
    for change, here in zip(_CHANGES, is_on.T, strict=False):
        x = change_some(x, change, here)
    return x


def change_some(x: Tensor, change: Callable, here: Tensor) -> Tensor:
    """Change images where told. Shapes: ``x (n, C, H, W)``, ``here (n,)`` -> as `x`."""
    if not here.any():
        return x
    return torch.where(here[:, None, None, None], change(x), x)
