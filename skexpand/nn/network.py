"""The expansion network: encode, attend, mix, decode, in the order of Figure 1."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from skexpand.nn.attention import Attended, LatentAttention
from skexpand.nn.autoencoder import reparametrize
from skexpand.nn.mixing import MixingPlan, PairBank, place_weights


@dataclass
class Encoded:
    """Latents of a set of samples.

    Attributes
    ----------
    mean, log_variance : Tensor of shape (n, c, h, w)
        Posterior of the autoencoder.
    latent : Tensor of shape (n, c, h, w)
        Mean, or a draw of the posterior while training.
    attended : Attended or None
        None without attention.
    """

    mean: Tensor
    log_variance: Tensor
    latent: Tensor
    attended: Attended | None

    @property
    def features(self) -> Tensor:
        """Latents as the expander mixes them."""
        return self.latent if self.attended is None else self.attended.features

    @classmethod
    def concatenate(cls, parts: "list[Encoded]") -> "Encoded":
        """Join the encodings of batches."""
        tensors = [
            torch.cat([getattr(part, name) for part in parts])
            for name in ("mean", "log_variance", "latent")
        ]
        if parts[0].attended is None:
            return cls(*tensors, None)
        names = vars(parts[0].attended)
        attended = {
            name: torch.cat([getattr(part.attended, name) for part in parts])
            for name in names
        }
        return cls(*tensors, Attended(**attended))


class ExpansionNetwork(nn.Module):
    """Everything that Algorithm 1 trains, and the mixing between its halves.

    Parameters
    ----------
    autoencoder : Module
        With ``encode``, ``decode`` and ``latent_shape``.
    classifier : Module
        Samples to logits.
    attention : LatentAttention or None
        None mixes with random weights, alike at all places.
    mover : Module or None
        The flow decoder, called with samples, plan and weights. None repaints with the
        autoencoder's decoder.
    strength : float
        Length ``h`` of the mixed residual.
    """

    def __init__(
        self,
        autoencoder: nn.Module,
        classifier: nn.Module,
        attention: LatentAttention | None,
        mover: nn.Module | None,
        strength: float,
    ) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        self.classifier = classifier
        self.attention = attention
        self.mover = mover
        self.strength = strength

    def encode(self, x: Tensor, generator: Generator | None = None) -> Encoded:
        """Latents of samples; with a generator, drawn from their posterior.

        Shapes: ``x (n, ...)`` -> `Encoded`.
        """
        mean, log_variance = self.autoencoder.encode(x)
        latent = mean
        if generator is not None:
            latent = reparametrize(mean, log_variance, generator)
        attended = None if self.attention is None else self.attention(latent)
        return Encoded(mean, log_variance, latent, attended)

    def weigh(self, encoded: Encoded, plan: MixingPlan, bank: PairBank) -> Tensor:
        """Weight of each pair at each place, strength included.

        Shapes: -> ``(m, D, h, w)``.
        """
        map_shape = self.autoencoder.latent_shape[1:]
        weights = place_weights(plan, bank, encoded.attended, map_shape)
        return self.strength * weights

    def mix(
        self, encoded: Encoded, plan: MixingPlan, bank: PairBank, weights: Tensor
    ) -> Tensor:
        """Latents of the new points: eq. 3.

        Shapes: ``weights (m, D, h, w)`` -> ``(m, c, h, w)``.
        """
        features = encoded.features
        residual = features[bank.target[plan.pair]] - features[bank.source[plan.pair]]
        return features[plan.anchor] + torch.einsum(
            "mdhw,mdchw->mchw", weights, residual
        )

    def synthesize(
        self,
        x: Tensor,
        encoded: Encoded,
        plan: MixingPlan,
        bank: PairBank,
        weights: Tensor,
        generator: Generator,
    ) -> Tensor:
        """Make new samples: the source moved, or a mixed latent repainted.

        Shapes: ``x (n, ...)`` -> ``(m, ...)``.
        """
        if self.mover is None:
            return self.autoencoder.decode(self.mix(encoded, plan, bank, weights))
        return self.mover(x, plan, weights, generator)
