"""Small affine moves, as far as a classifier of the images knows them afterwards."""

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Generator, Tensor

from skexpand.nn.flow import integrate, warp

# Longest moves tried: shift in half sides, turn in radians. Resizing and shearing by
# what is tried by hand costs no classifier anything.
_LONGEST = {"shift": 0.3, "turn": 0.3}
_N_LENGTHS = 3
_KEPT = 0.9  # of the belief in the class of an unseen image
# Spread of the moves beside the length at which so much is kept: an eighteenth of the
# side for writing, a tenth for photographs, near to what is done by hand.
_SPREAD = 0.65


@dataclass(frozen=True)
class AffinePrior:
    """Spread of the shifts, turns, scalings and shears that leave the class alone.

    Attributes
    ----------
    shift : float, default=0.1
        Standard deviation along each axis, in half sides of the image.
    turn : float, default=0.14
        In radians.
    scale : float, default=0.06
        Of the relative size.
    shear : float, default=0.07
        Sideways, in half sides at the upper and lower edge.
    """

    shift: float = 0.1
    turn: float = 0.14
    scale: float = 0.06
    shear: float = 0.07

    @classmethod
    def from_probe(cls, probe, generator: Generator) -> "AffinePrior":
        """Try longer and longer moves until less than nine tenths of belief is left.

        Parameters
        ----------
        probe : ImageProbe
            Looks at the moved images. Of one that knows nothing nothing is learned.
        generator : torch.Generator
            Draws the directions, on the CPU.

        Returns
        -------
        AffinePrior
        """
        if not probe.has_belief:
            return cls()
        return cls(
            **{
                kind: _SPREAD * _reach(probe, kind, longest, generator)
                for kind, longest in _LONGEST.items()
            }
        )

    def draw(self, like: Tensor, aspect: float, generator: Generator) -> Tensor:
        """Draw velocity fields at random.

        Parameters
        ----------
        like : Tensor of shape (b, 2, g, g')
            Their number, control points and device.
        aspect : float
            Height over width of the images.
        generator : torch.Generator
            On the CPU.

        Returns
        -------
        Tensor of shape (b, 2, g, g')
        """
        spread = torch.tensor(
            [self.shift, self.shift, self.turn, self.scale, self.shear]
        )
        moves = spread * torch.randn(len(like), 5, generator=generator)
        return affine_fields(moves, like.shape[2:], aspect).to(like)


def affine_fields(moves: Tensor, size, aspect: float) -> Tensor:
    """Velocity fields of affine moves, in half sides of the image.

    A square stays a square when it turns, whatever the image's sides.

    Shapes: ``moves (m, 5)``, shift across and down, turn, scale, shear;
    ``size (g, g')`` control points -> ``(m, 2, g, g')``.
    """
    y, x = torch.meshgrid(
        *(torch.linspace(-1, 1, points) for points in size), indexing="ij"
    )
    across, down, turn, scale, shear = moves.T[:, :, None, None]
    fields = [
        across + scale * x + (shear - turn) * aspect * y,
        down + scale * y + turn / aspect * x,
    ]
    return torch.stack(fields, dim=1)


def _reach(probe, kind, longest, generator):
    """Length at which the belief that is kept falls below the bound."""
    angle = 2 * math.pi * torch.rand(len(probe.rows), generator=generator)
    directions = torch.zeros(len(angle), 5)
    if kind == "shift":
        directions[:, 0], directions[:, 1] = angle.cos(), angle.sin()
    else:
        directions[:, 2] = angle.cos().sign()
    before, step = 1.0, longest / _N_LENGTHS
    for number in range(1, _N_LENGTHS + 1):
        length = step * number
        both_ways = (length * directions, -length * directions)
        kept = sum(probe.kept_under(partial(_move, m)) for m in both_ways) / 2
        if kept < _KEPT:
            # Between two lengths the belief falls in a straight line.
            return length - step * (_KEPT - kept) / (before - kept)
        before = kept
    return longest


def _move(moves, x):
    rows, columns = x.shape[2:]
    fields = affine_fields(moves, (5, 5), rows / columns).to(x)
    displacement = integrate(fields, rows, columns)
    return warp(x, displacement, mode="bicubic", padding="reflection").clamp(0, 1)
