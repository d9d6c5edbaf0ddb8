"""Choosing among more candidates than are needed."""

import torch
from torch import Tensor


def farthest_first(features: Tensor, nearest: Tensor, n_keep: int) -> Tensor:
    r"""Pick points one by one, each the farthest from everything picked before.

    The greedy algorithm for the k-center problem: whatever it leaves out lies at most
    twice as far from a picked point as the best choice could bring it [1]_. Every
    group of points is picked from on its own, all groups at once.

    Axes: ``g`` groups, ``m`` points each, ``d`` features. Memory is ``O(g m^2)``.

    Shapes: ``features (g, m, d)`` of unit norm, ``nearest (g, m)`` -> ``(g, n_keep)``
    point numbers, in the order they were picked.

    Parameters
    ----------
    features : Tensor of shape (g, m, d)
        Unit vectors; the distance is ``1 - cosine``.
    nearest : Tensor of shape (g, m)
        Distance of each point to what is there already. Negative values come after
        all others, the largest first: the place for points of second choice.
    n_keep : int
        Points to pick in each group, at most ``m``.

    References
    ----------
    .. [1] Gonzalez, "Clustering to minimize the maximum intercluster distance",
       Theoretical Computer Science 38, 1985.
    """
    if not 0 <= n_keep <= nearest.shape[1]:
        raise ValueError(
            f"n_keep must be 0 to {nearest.shape[1]}, the points of a group, got "
            f"{n_keep}."
        )
    distance = (1 - features @ features.mT).clamp_min(0)  # (g, m, m)
    nearest = nearest.clone()
    picked = torch.empty(len(nearest), n_keep, dtype=torch.int64, device=nearest.device)
    group = torch.arange(len(nearest), device=nearest.device)
    for step in range(n_keep):
        farthest = nearest.argmax(dim=1)  # (g,)
        picked[:, step] = farthest
        nearest = torch.minimum(nearest, distance[group, farthest])
        nearest[group, farthest] = -torch.inf
    return picked


def herd(features: Tensor, n_keep: int) -> Tensor:
    r"""Pick points one by one so that their mean stays near the mean of all.

    Each point is the one that best makes up for what the mean of those picked before
    lacks. That mean is wrong by :math:`O(1 / k)` after ``k`` points, where points drawn
    at random leave :math:`O(1 / \sqrt{k})` [1]_.

    Shapes: ``features (m, d)`` of unit norm -> ``(n_keep,)`` point numbers, in the
    order they were picked.

    Parameters
    ----------
    features : Tensor of shape (m, d)
        Unit vectors, so that none is picked for its length.
    n_keep : int
        Points to pick, at most ``m``.

    References
    ----------
    .. [1] Welling, "Herding dynamical weights to learn", ICML 2009.
    """
    if not 0 <= n_keep <= len(features):
        raise ValueError(
            f"n_keep must be 0 to {len(features)}, the points, got {n_keep}."
        )
    mean = features.mean(dim=0)
    picked = torch.empty(n_keep, dtype=torch.int64, device=features.device)
    is_picked = torch.zeros(len(features), dtype=torch.bool, device=features.device)
    lacking = mean.clone()
    for step in range(n_keep):
        score = (features @ lacking).masked_fill(is_picked, -torch.inf)
        picked[step] = score.argmax()
        is_picked[picked[step]] = True
        lacking += mean - features[picked[step]]
    return picked
