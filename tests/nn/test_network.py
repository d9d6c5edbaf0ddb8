"""The network: attention and mixing at zero weight leave latents where they are."""

import torch

from skexpand.nn.attention import LatentAttention
from skexpand.nn.autoencoder import ConvAutoencoder
from skexpand.nn.classifier import Classifier
from skexpand.nn.mixing import (
    averaging_matrices,
    head_codewords,
    plan_mixing,
    same_class_pairs,
)
from skexpand.nn.network import Encoded, ExpansionNetwork

LABELS = torch.tensor([0, 0, 0, 1, 1, 1])
IMAGE = (1, 9, 13)


def build(generator, *, attention=True, strength=1.0):
    autoencoder = ConvAutoencoder(IMAGE, generator=generator)
    layer = None
    if attention:
        layer = LatentAttention(autoencoder.latent_shape, generator=generator)
    classifier = Classifier(IMAGE, 2, generator=generator)
    return ExpansionNetwork(autoencoder, classifier, layer, None, strength)


def mixing_plan(generator, n_heads=4):
    bank = same_class_pairs(LABELS, 10, generator)
    steps = averaging_matrices(head_codewords(2, n_heads, 2, generator))
    anchor = torch.arange(12) % 6
    plan = plan_mixing(
        anchor,
        LABELS[anchor],
        bank,
        steps,
        degree=3,
        expander=True,
        generator=generator,
    )
    return plan, bank


def test_latents_are_means_without_a_generator_and_drawn_with_one(generator):
    network = build(generator)
    x = torch.rand(6, *IMAGE, generator=generator)
    plain, drawn = network.encode(x), network.encode(x, generator)
    assert torch.equal(plain.latent, plain.mean)
    assert torch.equal(drawn.mean, plain.mean)
    assert not torch.equal(drawn.latent, drawn.mean)


def test_without_attention_the_latent_itself_is_mixed(generator):
    network = build(generator, attention=False)
    encoded = network.encode(torch.rand(6, *IMAGE, generator=generator))
    assert encoded.attended is None and encoded.features is encoded.latent


def test_strength_scales_the_weights(generator):
    network = build(generator, strength=0.3)
    plan, bank = mixing_plan(generator)
    encoded = network.encode(torch.rand(6, *IMAGE, generator=generator))
    weights = network.weigh(encoded, plan, bank)
    map_shape = network.autoencoder.latent_shape[1:]
    norms = torch.full((12, *map_shape), 0.3)
    torch.testing.assert_close(weights.norm(dim=1), norms)


def test_a_mixed_latent_is_the_anchor_plus_weighted_residuals(generator):
    """Eq. 3, against a loop."""
    network = build(generator)
    plan, bank = mixing_plan(generator)
    encoded = network.encode(torch.rand(6, *IMAGE, generator=generator))
    weights = network.weigh(encoded, plan, bank)
    mixed = network.mix(encoded, plan, bank, weights)
    features = encoded.features
    for i in range(len(plan.anchor)):
        expected = features[plan.anchor[i]].clone()
        for k, pair in enumerate(plan.pair[i]):
            residual = features[bank.target[pair]] - features[bank.source[pair]]
            expected += weights[i, k] * residual
        torch.testing.assert_close(mixed[i], expected)


def test_strength_zero_decodes_the_anchors(generator):
    network = build(generator, strength=0.0)
    plan, bank = mixing_plan(generator)
    x = torch.rand(6, *IMAGE, generator=generator)
    encoded = network.encode(x)
    weights = network.weigh(encoded, plan, bank)
    made = network.synthesize(x, encoded, plan, bank, weights, generator)
    decoded = network.autoencoder.decode(encoded.features)[plan.anchor]
    torch.testing.assert_close(made, decoded)


def test_encodings_of_batches_are_joined(generator):
    network = build(generator)
    x = torch.rand(6, *IMAGE, generator=generator)
    whole = network.encode(x)
    joined = Encoded.concatenate([network.encode(x[:2]), network.encode(x[2:])])
    torch.testing.assert_close(joined.mean, whole.mean)
    torch.testing.assert_close(joined.attended.saliency, whole.attended.saliency)
    plain = build(generator, attention=False)
    assert Encoded.concatenate([plain.encode(x[:2])]).attended is None
