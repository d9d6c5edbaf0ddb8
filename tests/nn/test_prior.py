"""The affine prior: fields of known moves, and lengths that a probe allows."""

import math

import pytest
import torch

from skexpand.nn.flow import integrate
from skexpand.nn.prior import AffinePrior, affine_fields
from skexpand.nn.probe import ImageProbe


def bars(n, generator, classes_differ_in):
    """Draw bars whose place, or whose angle, is the class."""
    y = torch.arange(n) % 2
    x = torch.zeros(n, 1, 24, 24)
    if classes_differ_in == "place":
        x[y == 0, :, 4:20, 10:12] = 1
        x[y == 1, :, 4:20, 12:14] = 1
    else:
        start = torch.randint(4, (n,), generator=generator)
        for i, (turned, first) in enumerate(zip(y, start, strict=True)):
            x[i, :, :, first::4] = 1
            if turned:
                x[i] = x[i].mT.clone()
    return 0.8 * x + 0.2 * torch.rand(x.shape, generator=generator), y


def prior_of(kind, generator):
    x, y = bars(40, generator, kind)
    return AffinePrior.from_probe(ImageProbe(x, y, generator), generator)


def test_images_move_in_ways_that_do_not_tell_the_classes_apart(generator):
    place, angle = prior_of("place", generator), prior_of("angle", generator)
    assert place.shift < 0.1 < angle.shift <= 0.195 + 1e-6
    assert angle.turn < 0.03 < 0.08 < place.turn <= 0.195 + 1e-6


def test_a_probe_that_knows_nothing_leaves_the_usual_lengths(generator):
    x = torch.full((20, 1, 12, 12), 0.5)
    probe = ImageProbe(x, torch.arange(20) % 2, generator)
    assert AffinePrior.from_probe(probe, generator) == AffinePrior()


def test_fields_have_the_spread_asked_for(generator):
    like = torch.zeros(4000, 2, 5, 5)
    fields = AffinePrior(0.1, 0, 0, 0).draw(like, 1.0, generator)
    assert fields.std().item() == pytest.approx(0.1, rel=0.05)
    assert (fields[..., :1, :1] == fields).all()  # each one is a pure shift
    assert not AffinePrior(0, 0, 0, 0).draw(like, 1.0, generator).any()


@pytest.mark.parametrize("aspect", [1.0, 0.5])
def test_a_turn_keeps_distances(aspect):
    """Followed for one unit of time, whatever the sides, in units of the width."""
    moves = torch.tensor([[0, 0, 0.4, 0, 0]])
    rows, columns = int(64 * aspect), 64
    fields = affine_fields(moves, (9, 9), aspect)
    displacement = integrate(fields, rows, columns)[0]
    row, column = rows // 2, columns - 12  # to the right of the center
    across, down = displacement[row, column]
    radius = (2 * column + 1) / columns - 1
    expected = torch.tensor([math.cos(0.4) - 1, math.sin(0.4) / aspect])
    torch.testing.assert_close(
        torch.stack([across, down]), radius * expected, atol=0.02, rtol=0
    )
