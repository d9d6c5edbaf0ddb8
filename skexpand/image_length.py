"""How far images move: as far as unseen images gain from moved ones."""

import torch

from skexpand.nn.mixing import plan_mixing

LENGTHS = (1.0, 0.5, 0.25)
"""Lengths that are tried, the longest first."""

_N_COPIES = 4  # moved copies of each image
_N_ROUNDS = 3  # one round ranks lengths by luck, see docs/images_research.md
# Of what the best length gains. The probe pools its features and gains less from motion
# than most who will learn from the images, so that longer moves need not be the best.
_SHARE = 1 / 3


@torch.no_grad()
def choose_length(probe, mover, x, y, bank, *, degree, streams):
    """Choose the length of moves by cross-validation over the images at hand.

    Every fold learns from the images of the others and from moved copies of them, and
    predicts the rest. Taken is the longest length that lowers the squared error by at
    least a third as much as the best one does; the shortest, if none lowers it.

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
    length : float
        One of `LENGTHS`.
    helps : bool
        Whether any length lowers the error.
    """
    copied = torch.arange(len(probe.rows)).repeat(_N_COPIES)
    anchor = probe.rows[copied]
    on_cpu, heads = bank.to(torch.device("cpu")), torch.ones(int(y.max()) + 1, 1, 1)
    error = torch.zeros(_N_ROUNDS, len(LENGTHS))
    for number in range(_N_ROUNDS):
        plan = plan_mixing(
            anchor,
            y[anchor],
            on_cpu,
            heads,
            degree=degree,
            expander=True,
            generator=streams.torch("plan", number),
            n_candidates=1,
        ).to(x.device)
        weights = plan.coefficient / plan.coefficient.norm(dim=1, keepdim=True)
        weights = weights.unsqueeze(3).expand(-1, -1, 2, 2)  # the same at all places
        for place, length in enumerate(LENGTHS):
            noise = streams.torch("noise", number)
            moved = mover(x, plan, length * weights, noise)
            error[number, place] = probe.loss_with(moved, copied).mean()
    gain = probe.loss_with(None, None).mean() - error.mean(dim=0)
    if gain.max() <= 0:
        return LENGTHS[-1], False
    is_good = gain >= _SHARE * gain.max()
    return LENGTHS[int(is_good.int().argmax())], True
