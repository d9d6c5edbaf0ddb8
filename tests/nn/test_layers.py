"""Seeded layers: the right spread, from the right generator."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from skexpand.nn.layers import reduction, seeded

KINDS = [
    (nn.Linear, (200, 300), {}, 200),
    (nn.Conv2d, (8, 64, 5), {}, 8 * 25),
    (nn.ConvTranspose2d, (64, 32, 4), {"stride": 2}, 64 * 16 // 4),
]
NAMES = [kind[0].__name__ for kind in KINDS]


@pytest.mark.parametrize(("kind", "sizes", "options", "fan_in"), KINDS, ids=NAMES)
def test_weights_have_variance_two_over_fan_in_and_no_bias(
    kind, sizes, options, fan_in, generator
):
    layer = seeded(kind, *sizes, generator=generator, **options)
    assert layer.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.03)
    assert layer.weight.abs().max().item() <= (6 / fan_in) ** 0.5
    assert not layer.bias.any()


def test_a_rectified_stack_keeps_the_variance(generator):
    """What the gain is for: ten layers neither explode nor vanish."""
    x = torch.randn(500, 100, generator=generator)
    for _ in range(10):
        layer = seeded(nn.Linear, 100, 100, generator=generator)
        x = layer(x).relu()
    assert 0.3 < x.square().mean().item() < 3


def test_a_gain_of_zero_puts_out_zeros(generator):
    layer = seeded(nn.Linear, 3, 2, generator=generator, gain=0)
    assert not layer(torch.ones(4, 3)).any()


def test_the_same_generator_gives_the_same_layer():
    first, second = (
        seeded(nn.Conv2d, 1, 4, 3, generator=torch.Generator().manual_seed(5))
        for _ in range(2)
    )
    assert torch.equal(first.weight, second.weight)


def test_a_layer_without_bias_stays_without(generator):
    assert seeded(nn.Linear, 3, 2, generator=generator, bias=False).bias is None


def test_no_fit_imports_a_computer_algebra_system():
    """Torch's own `skip_init` does, and half a second is much for a table."""
    code = (
        "import sys; from skexpand import ExpansiveSynthesizer; "
        "X = [[0, 1], [1, 0], [1, 1], [0, 0.5]]; "
        "ExpansiveSynthesizer(max_iter=2).fit(X, [0, 0, 1, 1]); "
        "assert 'sympy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


@pytest.mark.parametrize(
    ("height", "width", "factor"),
    [(4, 4, 1), (63, 200, 1), (64, 64, 2), (300, 95, 2), (96, 300, 3)],
)
def test_the_shorter_side_is_brought_to_32_to_63_pixels(height, width, factor):
    assert reduction(height, width) == factor
