"""Picking the farthest first, or a herd: known answers, order, second choices."""

import pytest
import torch

from skexpand.nn.selection import farthest_first, herd


def on_circle(*degrees):
    angle = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    return torch.stack([angle.cos(), angle.sin()], dim=1)


def picks(features, nearest, n_keep):
    return farthest_first(features[None], nearest[None], n_keep)[0].tolist()


def test_every_pick_is_the_farthest_from_those_before():
    """On a circle: the given start, its opposite, then the middle of the gap."""
    features = on_circle(0, 10, 90, 180, 200)
    nearest = torch.tensor([2.0, 1, 1, 1, 1], dtype=torch.float64)
    assert picks(features, nearest, 4) == [0, 3, 2, 4]


def test_what_is_there_already_is_kept_away_from():
    """The second point coincides with a known one and comes last."""
    features = on_circle(0, 90, 180)
    known = on_circle(90)
    nearest = (1 - features @ known.T).amin(dim=1)
    assert picks(features, nearest, 3)[-1] == 1


def test_points_of_second_choice_come_last_and_the_best_of_them_first():
    features = on_circle(0, 1, 120, 240)
    nearest = torch.tensor([1, 1, -1.9, -1.2], dtype=torch.float64)
    assert picks(features, nearest, 4) == [0, 1, 3, 2]


def test_groups_do_not_see_each_other(generator):
    features = torch.randn(3, 12, 5, generator=generator)
    features = torch.nn.functional.normalize(features, dim=2)
    nearest = torch.rand(3, 12, generator=generator)
    together = farthest_first(features, nearest, 6)
    for group in range(3):
        assert together[group].tolist() == picks(features[group], nearest[group], 6)
        assert len(set(together[group].tolist())) == 6


def test_the_pick_covers_better_than_chance(generator):
    """The promise of the greedy algorithm: a smaller largest gap."""
    features = torch.randn(200, 3, generator=generator)
    features = torch.nn.functional.normalize(features, dim=1)
    distance = 1 - features @ features.T
    picked = picks(features, torch.full((200,), 2.0), 20)
    gap = distance[:, picked].amin(dim=1).max()
    for _ in range(20):
        rows = torch.randperm(200, generator=generator)[:20]
        assert gap < distance[:, rows].amin(dim=1).max()


def test_the_inputs_are_left_alone():
    features, nearest = on_circle(0, 90, 180), torch.ones(3, dtype=torch.float64)
    farthest_first(features[None], nearest[None], 3)
    assert nearest.tolist() == [1, 1, 1]


@pytest.mark.parametrize("n_keep", [-1, 4])
def test_more_than_there_is_cannot_be_picked(n_keep):
    with pytest.raises(ValueError, match="n_keep must be 0 to 3"):
        farthest_first(on_circle(0, 90, 180)[None], torch.ones(1, 3), n_keep)


def test_a_herd_has_the_shares_of_the_whole():
    features = torch.cat([on_circle(0).repeat(8, 1), on_circle(90).repeat(4, 1)])
    is_second = herd(features, 6) >= 8
    assert is_second.cumsum(0).tolist() == [0, 1, 1, 1, 2, 2]


def test_the_mean_of_a_herd_is_nearer_than_that_of_a_random_choice(generator):
    features = torch.nn.functional.normalize(
        torch.randn(200, 8, generator=generator) + 1, dim=1
    )
    mean, picked = features.mean(dim=0), herd(features, 25)
    assert len(set(picked.tolist())) == 25
    chance = [
        (features[torch.randperm(200, generator=generator)[:25]].mean(0) - mean).norm()
        for _ in range(20)
    ]
    assert (features[picked].mean(dim=0) - mean).norm() < 0.5 * min(chance)


def test_a_herd_may_be_everybody_or_nobody(generator):
    features = torch.nn.functional.normalize(torch.randn(7, 3, generator=generator))
    assert sorted(herd(features, 7).tolist()) == list(range(7))
    assert herd(features, 0).tolist() == []
    with pytest.raises(ValueError, match="n_keep must be 0 to 7, the points, got 8"):
        herd(features, 8)
