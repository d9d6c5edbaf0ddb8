"""Attention: what heads look at, keep, and leave alone at the start."""

import pytest
import torch

from skexpand.nn.attention import LatentAttention, pair_relevance

SHAPE = (6, 5, 7)
KINDS = ["spatial", "row"]


def latents(generator, n=3, shape=SHAPE):
    return torch.randn(n, *shape, generator=generator)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("patch", [1, 2])
@pytest.mark.parametrize("crop", [0.3, 1.0])
def test_shapes_are_those_documented_and_saliency_sums_to_one(
    kind, patch, crop, generator
):
    attention = LatentAttention(
        SHAPE, generator=generator, kind=kind, n_heads=3, patch=patch, crop=crop
    )
    attended = attention(latents(generator))
    assert attended.features.shape == (3, *SHAPE)
    assert attended.saliency.shape == (3, 3, *SHAPE[1:])
    assert attended.query.shape == attended.key.shape == (3, 3, attention.head_width)
    assert (attended.saliency >= 0).all()
    torch.testing.assert_close(attended.saliency.sum((2, 3)), torch.ones(3, 3))


@pytest.mark.parametrize("kind", KINDS)
def test_a_skip_connection_starts_as_the_identity(kind, generator):
    y = latents(generator)
    attention = LatentAttention(SHAPE, generator=generator, kind=kind, skip=True)
    assert torch.equal(attention(y).features, y)


@pytest.mark.parametrize("kind", KINDS)
def test_without_skip_the_latent_itself_is_gone(kind, generator):
    y = latents(generator)
    attention = LatentAttention(SHAPE, generator=generator, kind=kind, skip=False)
    features = attention(y).features
    assert not torch.equal(features, y) and features.abs().max() > 0.01


@pytest.mark.parametrize(("crop", "kept"), [(0.5, 18), (0.1, 4), (1e-9, 1), (1.0, 35)])
def test_a_head_keeps_its_fraction_of_the_places(crop, kept, generator):
    """Of 35 places, rounded up."""
    attention = LatentAttention(SHAPE, generator=generator, n_heads=2, crop=crop)
    saliency = attention(latents(generator)).saliency
    assert (saliency.gt(0).sum((2, 3)) == kept).all()


def test_the_places_kept_are_the_most_attended(generator):
    y = latents(generator)
    heads = [
        LatentAttention(
            SHAPE, generator=torch.Generator().manual_seed(1), n_heads=2, crop=crop
        )
        for crop in (1.0, 0.4)
    ]
    full, cropped = (head(y).saliency.flatten(2) for head in heads)
    lost = full.masked_fill(cropped > 0, 0).amax(dim=2)
    assert (lost <= full.masked_fill(cropped == 0, 2).amin(dim=2)).all()


def test_row_attention_sees_one_channel_and_spatial_attention_all(generator):
    """Disturb the last channel: only spatial attention tells the first of it."""
    y = latents(generator)
    disturbed = y.clone()
    disturbed[:, -1] += 5.0
    changed = {}
    for kind in KINDS:
        attention = LatentAttention(
            SHAPE, generator=generator, kind=kind, skip=False, crop=1.0
        )
        difference = attention(disturbed).features - attention(y).features
        changed[kind] = difference[:, 0].abs().max().item()
    assert changed["row"] == pytest.approx(0, abs=1e-6)
    assert changed["spatial"] > 1e-3


def test_moving_the_places_moves_the_answer(generator):
    """No positional encoding: attention commutes with permuting places."""
    y = latents(generator, shape=(6, 1, 8))
    attention = LatentAttention(
        (6, 1, 8), generator=generator, skip=False, n_heads=2, crop=0.5
    )
    order = torch.randperm(8, generator=generator)
    there = attention(y[..., order])
    here = attention(y)
    torch.testing.assert_close(there.features, here.features[..., order])
    torch.testing.assert_close(there.saliency, here.saliency[..., order])
    torch.testing.assert_close(there.query, here.query)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_every_weight(kind, generator):
    attention = LatentAttention(SHAPE, generator=generator, kind=kind, skip=False)
    attended = attention(latents(generator))
    loss = attended.features.square().mean() + (attended.query * attended.key).mean()
    loss.backward()
    for name, parameter in attention.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


def test_the_relevance_of_a_pair_is_a_scaled_inner_product():
    query = torch.tensor([[[1.0, 2.0, 0.0, 0.0]]])  # one point, one head, width 4
    key = torch.tensor([[[[3.0, 1.0, 9.0, 9.0]], [[0.0, 0.0, 1.0, 0.0]]]])
    expected = torch.tensor([[[2.5], [0.0]]])
    torch.testing.assert_close(pair_relevance(query, key), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "global"}, "kind must be"),
        ({"crop": 0.0}, r"crop must lie in \(0, 1\]"),
        ({"crop": 1.5}, r"crop must lie in \(0, 1\]"),
        ({"n_heads": 0}, "must be positive"),
        ({"patch": 0}, "must be positive"),
    ],
)
def test_impossible_settings_are_refused(options, message, generator):
    with pytest.raises(ValueError, match=message):
        LatentAttention(SHAPE, generator=generator, **options)
