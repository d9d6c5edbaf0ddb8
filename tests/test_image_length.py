"""How far images move: the answer is known where moves mean something."""

from types import SimpleNamespace

import pytest
import torch

from skexpand._random import RandomStreams
from skexpand.image_length import LENGTHS, choose_length
from skexpand.nn.mixing import same_class_pairs
from skexpand.nn.probe import ImageProbe
from skexpand.strength import choose_for_images, choose_light


class Dimmer:
    """Move an image by adding noise of the length asked for, or by nothing."""

    def __init__(self, scale):
        self.scale = scale

    def __call__(self, x, plan, weights, generator):
        noise = torch.rand(x[plan.anchor].shape, generator=generator)
        length = weights.square().sum(dim=1).mean().sqrt()
        share = (self.scale * length).clamp(max=1)
        return (1 - share) * x[plan.anchor] + share * noise


def choose(scale, generator):
    y = torch.arange(60) % 3
    x = 0.5 * torch.rand(60, 1, 12, 12, generator=generator)
    for code in range(3):
        x[y == code, :, 4 * code : 4 * code + 4] += 0.3
    bank = same_class_pairs(y, 100, generator)
    probe = ImageProbe(x, y, generator)
    return choose_length(
        probe, Dimmer(scale), x, y, bank, degree=4, streams=RandomStreams(0)
    )


def test_moves_that_destroy_images_are_shortened(generator):
    assert choose(4.0, generator) == (LENGTHS[-1], False)


def test_moves_that_do_nothing_keep_their_length(generator):
    assert choose(0.0, generator)[0] == LENGTHS[0]


class FixedProbe:
    """Say what each length gains, in turn; noise that cancels over the rounds."""

    def __init__(self, gains):
        self.rows = torch.arange(6)
        self.knows_classes = True
        self._gains = gains
        self._asked = 0

    def loss_with(self, moved, copied):
        if moved is None:
            return torch.ones(6)
        round_, place = divmod(self._asked, len(self._gains))
        self._asked += 1
        luck = 0.02 * (round_ - 1) * (-1) ** place
        return torch.full((6,), 1 - self._gains[place] + luck)


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ((0.01, 0.05, 0.06), 0.5),
        ((0.01, 0.015, 0.06), 0.25),
        ((0.03, 0.05, 0.06), 1.0),
        ((-0.02, -0.03, -0.01), 0.25),
    ],
)
def test_the_longest_that_gains_a_third_of_the_best_is_taken(
    gains, expected, generator
):
    y = torch.arange(6) % 2
    length, advice = choose_for_images(
        FixedProbe(gains),
        Dimmer(0.0),
        torch.rand(6, 1, 8, 8, generator=generator),
        y,
        same_class_pairs(y, 10, generator),
        degree=2,
        streams=RandomStreams(0),
    )
    assert length == expected
    assert ("do not help" in advice) == (max(gains) <= 0)


def test_light_keeps_its_length_where_moves_are_shortened(generator):
    y = torch.arange(40) % 2
    x = 0.2 + torch.rand(40, 1, 1, 1, generator=generator) * torch.rand(
        40, 1, 12, 12, generator=generator
    )
    probe, bank = ImageProbe(x, y, generator), same_class_pairs(y, 50, generator)
    shares = []
    for length in (1.0, 0.25):
        mover = SimpleNamespace(recoloring=SimpleNamespace(share=None))
        choose_light(probe, mover, x, bank, length, RandomStreams(0))
        shares.append(mover.recoloring.share)
    assert shares[0] >= 0.5 and shares[1] == 4 * shares[0]
