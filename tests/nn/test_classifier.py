"""The classifier: any sample shape, and it learns."""

import pytest
import torch
import torch.nn.functional as F

from skexpand.nn.classifier import Classifier
from skexpand.nn.optimizer import Adam

SHAPES = [(7,), (1,), (1, 4, 4), (1, 8, 8), (3, 9, 13), (1, 15, 40), (4, 99, 70)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_class_gets_a_score(shape, generator):
    classifier = Classifier(shape, 5, generator=generator)
    logits = classifier(torch.rand(3, *shape, generator=generator))
    assert logits.shape == (3, 5) and logits.isfinite().all()


def test_large_images_are_looked_at_in_blocks(generator):
    classifier = Classifier((1, 96, 100), 5, generator=generator)
    x = torch.rand(2, 1, 96, 100, generator=generator)
    blocks = F.avg_pool2d(x, 3).repeat_interleave(3, 2).repeat_interleave(3, 3)
    padded = F.pad(blocks, [0, 1])  # the column that fills no block is not seen
    torch.testing.assert_close(classifier(x), classifier(padded))
    assert not torch.allclose(classifier(x), classifier(1 - x))


@pytest.mark.parametrize("shape", [(2,), (1, 8, 9)], ids=str)
def test_two_separated_classes_are_learned(shape, generator):
    classifier = Classifier(shape, 2, generator=generator)
    y = torch.arange(40) % 2
    x = 0.3 * torch.rand(40, *shape, generator=generator)
    x.flatten(1)[:, 0] += y  # the first column, or the first pixel
    optimizer = Adam(classifier.parameters(), 1e-2)
    for _ in range(60):
        optimizer.minimize(F.cross_entropy(classifier(x), y))
    assert (classifier(x).argmax(dim=1) == y).all()


def test_the_same_generator_gives_the_same_scores():
    x = torch.ones(2, 1, 8, 8)
    first, second = (
        Classifier((1, 8, 8), 3, generator=torch.Generator().manual_seed(1))(x)
        for _ in range(2)
    )
    assert torch.equal(first, second)
