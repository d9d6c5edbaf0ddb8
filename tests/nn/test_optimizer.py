"""Adam agrees with torch's, step by step."""

import pytest
import torch

from skexpand.nn.optimizer import Adam


def loss_of(a, b):
    return (a - 3).square().sum() + (a.sum() * b).sin().sum()


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.8, 0.95)])
@pytest.mark.parametrize("max_norm", [None, 0.5])
def test_fifty_steps_agree_with_torch_optim(betas, max_norm, generator):
    start = [
        torch.randn(4, generator=generator),
        torch.randn(2, 3, generator=generator),
    ]
    mine = [p.clone().requires_grad_() for p in start]
    theirs = [p.clone().requires_grad_() for p in start]
    adam = Adam(mine, 0.05, betas=betas, max_norm=max_norm)
    reference = torch.optim.Adam(theirs, lr=0.05, betas=betas)

    for _ in range(50):
        adam.minimize(loss_of(*mine))
        reference.zero_grad()
        loss_of(*theirs).backward()
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_(theirs, max_norm)
        reference.step()
        for p, q in zip(mine, theirs, strict=True):
            torch.testing.assert_close(p, q, atol=1e-6, rtol=1e-6)


def test_the_first_step_is_the_learning_rate_against_the_sign():
    parameter = torch.tensor([5.0, -5.0], requires_grad=True)
    Adam([parameter], 0.1).minimize(parameter.square().sum())
    torch.testing.assert_close(parameter.detach(), torch.tensor([4.9, -4.9]))


def test_a_parameter_that_the_loss_does_not_use_stays():
    used, unused = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    Adam([used, unused], 0.1).minimize(used.sum())
    assert torch.equal(unused.detach(), torch.ones(2)) and (used < 1).all()


def test_no_gradient_is_left_on_the_parameters():
    parameter = torch.ones(2, requires_grad=True)
    Adam([parameter], 0.1).minimize(parameter.sum())
    assert parameter.grad is None
