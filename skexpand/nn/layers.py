"""Layers that are born from a generator of ours, not from torch's global one."""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

_WORKING_SIDE = 32


def reduction(height: int, width: int) -> int:
    """Factor that brings the shorter side of an image to 32 to 63 pixels, at least 1.

    Convolutions over a few images learn nothing from more, and take most of the time.
    """
    return max(1, min(height, width) // _WORKING_SIDE)


def shrunk(x: Tensor) -> Tensor:
    """Average blocks of pixels as `reduction` says; rows of a table stay as they are.

    What is small already is not made smaller, so once is as good as twice.

    Shapes: ``x (n, C, H, W)`` -> ``(n, C, H', W')``.
    """
    factor = reduction(*x.shape[2:]) if x.ndim == 4 else 1
    return F.avg_pool2d(x, factor) if factor > 1 else x


def unfilled(layer_class: type[nn.Module], *sizes: int, **options) -> nn.Module:
    """Build a layer whose weights are yet to be written.

    Torch's own ``skip_init`` imports a computer algebra system at its first use, which
    takes longer than most tables need in all.
    """
    layer = layer_class(*sizes, device="meta", **options)
    for name, parameter in list(layer.named_parameters()):
        setattr(layer, name, nn.Parameter(torch.empty(parameter.shape)))
    return layer


def seeded(
    layer_class: type[nn.Module],
    *sizes: int,
    generator: Generator,
    gain: float = 2**0.5,
    **options,
) -> nn.Module:
    """Build a layer whose weights come from `generator`.

    Weights are uniform with variance ``gain**2 / fan_in``, biases zero. Torch's own
    constructors draw from the global generator, which must stay untouched.

    Parameters
    ----------
    layer_class : type
        ``Conv2d``, ``ConvTranspose2d`` or ``Linear``.
    *sizes : int
        Its positional arguments.
    generator : torch.Generator
        Source of the weights, on the CPU.
    gain : float, default=2**0.5
        Scale of the weights; the default keeps the variance through rectifiers (He et
        al. 2015). 0 makes a layer that puts out zeros until it is trained.
    **options
        Its keyword arguments.

    Returns
    -------
    Module
        The layer, on the CPU.
    """
    layer = unfilled(layer_class, *sizes, **options)
    weight = layer.weight
    # The inputs of one output: (out, in, ...) but (in, out, ...) when transposed, where
    # a stride of s lets one output see only every s-th tap of each side.
    is_transposed = isinstance(layer, nn.ConvTranspose2d)
    fan_in = weight[:, 0].numel() if is_transposed else weight[0].numel()
    if is_transposed:
        fan_in = max(1, fan_in // math.prod(layer.stride))
    bound = gain * math.sqrt(3 / fan_in)
    with torch.no_grad():
        drawn = torch.rand(weight.shape, generator=generator)
        weight.copy_((2 * drawn - 1) * bound)
        if layer.bias is not None:
            layer.bias.zero_()
    return layer
