"""Adam in a few lines, because torch.optim imports the compiler at its first step.

That import takes four seconds, which is longer than most tables need in all.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

_EPSILON = 1e-8


class Adam:
    """Minimize by Kingma and Ba's Adam (ICLR 2015), algorithm 1.

    Parameters
    ----------
    parameters : iterable of Tensor
        Leaves that require gradients; changed in place.
    learning_rate : float
        Step size.
    betas : tuple of float, default=(0.9, 0.999)
        Decay of the two moments.
    max_norm : float or None, default=None
        Gradients are scaled down to this overall norm.
    weight_decay : float, default=0.0
        Share of itself, times the learning rate, that a parameter loses at each step.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
        max_norm: float | None = None,
        weight_decay: float = 0.0,
    ) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self.betas = betas
        self.max_norm = max_norm
        self.weight_decay = weight_decay
        self._n_steps = 0
        self._first = [torch.zeros_like(p) for p in self.parameters]
        self._second = [torch.zeros_like(p) for p in self.parameters]

    def minimize(self, loss: Tensor) -> None:
        """Take one step down the gradient of a scalar. Unused parameters stay."""
        gradients = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        used = [i for i, g in enumerate(gradients) if g is not None]
        gradients = [gradients[i] for i in used]
        self._n_steps += 1
        beta1, beta2 = self.betas
        with torch.no_grad():
            if self.max_norm is not None:
                norm = torch.stack([g.norm() for g in gradients]).norm()
                scale = (self.max_norm / (norm + 1e-6)).clamp_max(1)
                gradients = [g * scale for g in gradients]
            rate = self.learning_rate / (1 - beta1**self._n_steps)
            correction = (1 - beta2**self._n_steps) ** 0.5
            for i, gradient in zip(used, gradients, strict=True):
                first, second = self._first[i], self._second[i]
                first.lerp_(gradient, 1 - beta1)
                second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
                if self.weight_decay:
                    shrink = 1 - self.learning_rate * self.weight_decay
                    self.parameters[i].mul_(shrink)
                spread = second.sqrt().div_(correction).add_(_EPSILON)
                self.parameters[i].addcdiv_(first, spread, value=-rate)
