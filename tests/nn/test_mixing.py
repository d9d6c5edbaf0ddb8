"""Mixing: who meets whom, in balance, with weights of unit norm."""

from dataclasses import replace

import pytest
import torch

from skexpand.nn.attention import Attended, LatentAttention
from skexpand.nn.mixing import (
    PairBank,
    averaging_matrices,
    head_codewords,
    place_weights,
    plan_mixing,
    same_class_pairs,
)

LABELS = torch.tensor([0, 1, 0, 1, 1, 2, 0, 2, 3])
MAP = (3, 4)


@pytest.fixture
def bank(generator):
    return same_class_pairs(LABELS, 100, generator)


@pytest.fixture
def steps(generator):
    return averaging_matrices(head_codewords(4, 4, 2, generator))


def plan_of(bank, steps, generator, *, n_points=40, degree=4, expander=True, **more):
    anchor = torch.arange(n_points) % len(LABELS)
    return plan_mixing(
        anchor,
        LABELS[anchor],
        bank,
        steps,
        degree=degree,
        expander=expander,
        generator=generator,
        **more,
    )


def attended_of(generator):
    y = torch.randn(len(LABELS), 8, *MAP, generator=generator)
    return LatentAttention((8, *MAP), generator=generator)(y)


def test_pairs_join_every_two_samples_of_a_class_once(bank):
    assert torch.equal(LABELS[bank.source], bank.label)
    assert torch.equal(LABELS[bank.target], bank.label)
    ends = torch.stack([bank.source, bank.target], dim=1).tolist()
    pairs = {frozenset(pair) for pair in ends}
    assert len(pairs) == len(bank) == 3 + 3 + 1
    assert all(len(pair) == 2 for pair in pairs)


@pytest.mark.parametrize("max_pairs", [6, 30, 31, 200])
def test_a_bank_is_bounded_and_shared_by_the_classes(max_pairs, generator):
    labels = torch.cat([torch.zeros(500), torch.ones(50), torch.full((2,), 2.0)]).long()
    bank = same_class_pairs(labels, max_pairs, generator)
    counts = bank.label.bincount(minlength=3)
    assert len(bank) <= max_pairs
    assert counts[0] == counts[1] == max_pairs // 3 and counts[2] == 1
    assert (bank.source != bank.target).all()
    assert torch.equal(labels[bank.source], labels[bank.target])


def test_a_large_class_uses_its_samples_in_balance(generator):
    bank = same_class_pairs(torch.zeros(50, dtype=torch.long), 100, generator)
    assert (bank.source.bincount(minlength=50) == 2).all()


def test_without_two_samples_in_a_class_the_bank_is_empty(generator):
    assert len(same_class_pairs(torch.arange(5), 10, generator)) == 0


def test_pairs_meet_new_points_equally_often(bank, steps, generator):
    """Left-regular of the degree, in-degrees that differ by one at most."""
    plan = plan_of(bank, steps, generator)
    assert plan.pair.shape == (40, 4)
    met = plan.pair.flatten().bincount(minlength=len(bank))
    assert met.max() - met.min() <= 1
    assert plan.certificate is not None


def test_without_pooling_every_class_has_a_graph_of_its_own(bank, steps, generator):
    """In balance within the class; the lonely sample of class 3 meets all pairs."""
    plan = plan_of(bank, steps, generator, n_points=90, is_pooled=False)
    label = LABELS[plan.anchor]
    has_pairs = label < 3
    own = bank.label[plan.pair] == label[:, None]
    assert own[has_pairs].all() and not own[~has_pairs].any()
    for code in range(3):
        met = plan.pair[label == code].flatten().bincount(minlength=len(bank))
        met = met[bank.label == code]
        assert met.min() > 0 and met.max() - met.min() <= 1
    assert set(plan.pair[~has_pairs].flatten().tolist()) == set(range(len(bank)))


def test_the_certificate_of_several_graphs_is_the_worst_one(generator):
    """Three points cannot reach all 45 pairs of their class: no gap is claimed."""
    labels = torch.tensor([0] * 10 + [1] * 10)
    bank = same_class_pairs(labels, 200, generator)
    steps = averaging_matrices(head_codewords(2, 1, 1, generator))
    gaps = []
    for n_rare in (3, 300):
        anchor = torch.tensor([0] * 300 + [10] * n_rare)
        plan = plan_mixing(
            anchor,
            labels[anchor],
            bank,
            steps,
            degree=4,
            expander=True,
            generator=generator,
            is_pooled=False,
        )
        gaps.append(plan.certificate.spectral_gap)
    assert gaps[0] == 0 and gaps[1] > 0.1


@pytest.mark.parametrize("with_attention", [True, False])
def test_squared_weights_sum_to_one_over_pairs_at_every_place(
    with_attention, bank, steps, generator
):
    plan = plan_of(bank, steps, generator)
    attended = attended_of(generator) if with_attention else None
    weights = place_weights(plan, bank, attended, MAP)
    assert weights.shape == (40, 4, *MAP)
    torch.testing.assert_close(weights.square().sum(dim=1), torch.ones(40, *MAP))


def test_only_pairs_that_are_to_be_mixed_are_joined(bank, steps, generator):
    mixed = torch.arange(len(bank)) % 2 == 0
    plan = plan_of(replace(bank, is_mixed=mixed), steps, generator)
    used = plan.pair.flatten().bincount(minlength=len(bank))
    assert (used > 0).equal(mixed)
    assert used[mixed].max() - used[mixed].min() <= 1


def test_the_norm_of_the_weights_is_the_length_of_the_class(bank, steps, generator):
    length = torch.tensor([1.0, 0.5, 0.25, 0.125])
    plan = plan_of(bank, steps, generator, class_length=length)
    weights = place_weights(plan, bank, None, MAP)
    expected = length[LABELS[plan.anchor]].view(-1, 1, 1).expand(-1, *MAP)
    torch.testing.assert_close(weights.norm(dim=1), expected)


def test_unit_norm_keeps_the_covariance_of_the_residuals(generator):
    """Convex weights of four independent residuals would divide it by about three."""
    plan_size, degree = 20_000, 4
    bank = PairBank(*torch.arange(3000).expand(3, -1))
    residual = torch.randn(3000, 2, generator=generator) * torch.tensor([1.0, 3.0])
    steps = averaging_matrices(head_codewords(1, 1, 1, generator))
    anchor = torch.zeros(plan_size, dtype=torch.long)
    plan = plan_mixing(
        anchor,
        anchor,
        bank,
        steps,
        degree=degree,
        expander=True,
        generator=generator,
        n_candidates=1,
    )
    weights = place_weights(plan, bank, None, (1, 1)).flatten(1)
    mixed = torch.einsum("md,mdc->mc", weights, residual[plan.pair])
    torch.testing.assert_close(mixed.var(dim=0), residual.var(dim=0), rtol=0.05, atol=0)


def test_attention_makes_weights_differ_between_places_and_none_does_not(
    bank, steps, generator
):
    plan = plan_of(bank, steps, generator)
    with_attention = place_weights(plan, bank, attended_of(generator), MAP)
    without = place_weights(plan, bank, None, MAP)
    assert with_attention.flatten(2).std(dim=2).max() > 0.01
    assert not without.flatten(2).std(dim=2).any()


def test_a_relevant_pair_weighs_more(bank, steps, generator):
    """A query along the key of the first sample favors pairs that start there."""
    n, heads = len(LABELS), 4
    key = torch.zeros(n, heads, n)
    key[torch.arange(n), :, torch.arange(n)] = 1.0
    query = 20 * key[:1].expand(n, -1, -1)
    saliency = torch.full((n, heads, *MAP), 1 / 12)
    attended = Attended(torch.zeros(n, 1, *MAP), saliency, query, key)
    plan = plan_of(bank, steps, generator, n_points=200)
    weights = place_weights(plan, bank, attended, MAP).square().mean(dim=(2, 3))
    is_relevant = bank.source[plan.pair] == 0
    assert weights[is_relevant].mean() > 3 * weights[~is_relevant].mean()


def test_without_an_expander_a_point_leaves_along_a_pair_of_its_own(
    bank, steps, generator
):
    """Toward the other end, part of the way; a lonely sample stays where it is."""
    plan = plan_of(bank, steps, generator, n_points=90, expander=False)
    weights = place_weights(plan, bank, None, MAP)[:, 0, 0, 0]
    pair = plan.pair[:, 0]
    lonely = LABELS[plan.anchor] == 3
    assert (weights[lonely] == 0).all()
    assert (bank.source[pair][weights > 0] == plan.anchor[weights > 0]).all()
    assert (bank.target[pair][weights < 0] == plan.anchor[weights < 0]).all()
    assert weights[~lonely].abs().gt(0).all() and weights.abs().max() <= 1


def test_without_an_expander_every_other_sample_of_the_class_is_reached(
    bank, steps, generator
):
    plan = plan_of(bank, steps, generator, n_points=900, expander=False)
    ends = torch.stack([bank.source, bank.target])[:, plan.pair[:, 0]]
    other = torch.where(ends[0] == plan.anchor, ends[1], ends[0])
    for row, label in enumerate(LABELS.tolist()):
        reached = set(other[plan.anchor == row].tolist()) - {row}
        others = set(torch.nonzero(LABELS == label).flatten().tolist()) - {row}
        assert reached == others or label == 3


def test_heads_joined_by_an_edge_move_together(generator):
    """Rows of unit norm; the complete graph gives all heads one combination."""
    complete = averaging_matrices(head_codewords(2, 4, 3, generator))
    sparse = averaging_matrices(head_codewords(2, 6, 2, generator))
    torch.testing.assert_close(sparse.norm(dim=2), torch.ones(2, 6))
    torch.testing.assert_close(complete, torch.full((2, 4, 4), 0.5))
    assert (sparse.diagonal(dim1=1, dim2=2) > 0).all()
    assert ((sparse > 0).sum(dim=2) == 3).all()


def test_one_head_stands_alone(generator):
    graphs = head_codewords(3, 1, 4, generator)
    assert torch.equal(averaging_matrices(graphs), torch.ones(3, 1, 1))


def test_a_part_of_a_plan_is_its_rows(bank, steps, generator):
    plan = plan_of(bank, steps, generator)
    part = plan.part(slice(3, 8))
    assert torch.equal(part.anchor, plan.anchor[3:8])
    assert torch.equal(part.coefficient, plan.coefficient[3:8])
    assert part.certificate is plan.certificate
