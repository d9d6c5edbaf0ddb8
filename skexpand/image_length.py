"""How far images move: as far as unseen images gain from moved ones."""

import torch

from skexpand.nn.mixing import plan_mixing

LENGTHS = (1.0, 0.5, 0.25)
"""Lengths that are tried; a shorter one has to show that it is better."""

_N_COPIES = 4  # moved copies of each image


@torch.no_grad()
def choose_length(probe, mover, x, y, bank, *, degree, streams):
    """Choose the length of moves by cross-validation over the images at hand.

    Every fold learns from the images of the others and from moved copies of them, and
    predicts the rest. Moves of length 1 stay, unless a shorter length predicts better
    by two standard errors of the paired difference.

    Parameters
    ----------
    probe : ImageProbe
        Of `x`.
    mover : ImageMover
        Moves images by random unit-norm mixes here: attention is not trained yet.
    x : Tensor of shape (n, C, H, W)
        Real images.
    y : LongTensor of shape (n,)
        Their class codes, on the CPU.
    bank : PairBank
        Whose moves are mixed.
    degree : int
        Pairs mixed into a copy.
    streams : RandomStreams
        Source of randomness; all lengths share their draws.

    Returns
    -------
    float
        One of `LENGTHS`.
    """
    copied = torch.arange(len(probe.rows)).repeat(_N_COPIES)
    anchor = probe.rows[copied]
    plan = plan_mixing(
        anchor,
        y[anchor],
        bank.to(torch.device("cpu")),
        torch.ones(int(y.max()) + 1, 1, 1),
        degree=degree,
        expander=True,
        generator=streams.torch("plan"),
        n_candidates=1,
    ).to(x.device)
    weights = plan.coefficient / plan.coefficient.norm(dim=1, keepdim=True)
    weights = weights.unsqueeze(3).expand(-1, -1, 2, 2)  # the same at all places
    chosen, best = None, None
    for length in LENGTHS:
        moved = mover(x, plan, length * weights, streams.torch("noise"))
        loss = probe.loss_with(moved, copied)
        if best is None or _is_better(best - loss):
            chosen, best = length, loss
    return chosen


def _is_better(gain):
    return bool(gain.mean() > 2 * gain.std() / len(gain) ** 0.5)
