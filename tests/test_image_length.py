"""How far images move: the answer is known where moves mean something."""

import torch

from skexpand._random import RandomStreams
from skexpand.image_length import LENGTHS, choose_length
from skexpand.nn.mixing import same_class_pairs
from skexpand.nn.probe import ImageProbe


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
