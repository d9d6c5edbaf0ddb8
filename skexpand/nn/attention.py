"""Attention over the tokens of a latent: which places matter, and to which head.

Latents are maps ``(n, c, h, w)``. Nothing here adds a positional encoding: tokens stay
where they are in the map, which is the paper's reading of *spatial* (E.2).
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from skexpand.nn.layers import seeded


@dataclass
class Attended:
    """What attention says about latents, head by head.

    Axes: ``n`` samples, ``L`` heads, ``c, h, w`` latent map, ``e`` width of a head.

    Attributes
    ----------
    features : Tensor of shape (n, c, h, w)
        The attended latent, skip connection included.
    saliency : Tensor of shape (n, L, h, w)
        Attention that each place receives, cropped; sums to 1 over the map.
    query, key : Tensor of shape (n, L, e)
        One question and one answer of each head: the means over its salient tokens.
    """

    features: Tensor
    saliency: Tensor
    query: Tensor
    key: Tensor


class LatentAttention(nn.Module):
    """Self-attention inside each latent, by rows of channels or by places.

    ``kind="spatial"`` (paper E.2) cuts the map into patches of all channels and lets
    every patch look at every other. ``kind="row"`` (E.1) treats each channel on its
    own, so a token knows one channel of its patch only: the weaker baseline of the
    paper's ablation. Cost is ``O(n L t^2)`` for ``t`` tokens, at most 64 (times ``c``
    rows for ``"row"``).

    Axes: ``n`` samples, ``c, h, w`` latent map, ``L`` heads, ``t`` tokens.

    Shapes: ``y (n, c, h, w)`` -> `Attended`.

    Parameters
    ----------
    latent_shape : tuple of (c, h, w)
        Shape of one latent.
    generator : torch.Generator
        Source of the first weights.
    kind : {"spatial", "row"}, default="spatial"
        What a token is.
    n_heads : int, default=4
        Number of heads ``L``.
    patch : int, default=1
        Side of a patch, in places of the map.
    skip : bool, default=True
        Whether the latent itself is added to what was attended. The attended part then
        starts at zero, so pre-trained latents are intact at step 0.
    crop : float, default=0.5
        Fraction of its most attended tokens that each head keeps; 1 keeps all.

    Raises
    ------
    ValueError
        For an unknown kind, a crop outside (0, 1] or sizes below 1.
    """

    def __init__(
        self,
        latent_shape: tuple[int, int, int],
        *,
        generator: Generator,
        kind: str = "spatial",
        n_heads: int = 4,
        patch: int = 1,
        skip: bool = True,
        crop: float = 0.5,
    ) -> None:
        super().__init__()
        if kind not in ("spatial", "row"):
            raise ValueError(f'kind must be "spatial" or "row", got {kind!r}.')
        if not 0 < crop <= 1:
            raise ValueError(f"crop must lie in (0, 1], got {crop}.")
        if min(n_heads, patch) < 1:
            raise ValueError(
                f"n_heads and patch must be positive, got {n_heads=} and {patch=}."
            )
        c, h, w = latent_shape
        self.kind, self.n_heads, self.patch = kind, n_heads, patch
        self.skip, self.crop = skip, crop
        self.latent_shape = latent_shape
        self._grid = (math.ceil(h / patch), math.ceil(w / patch))
        width = patch**2 * (c if kind == "spatial" else 1)
        self.head_width = max(4, width // n_heads)
        inner = n_heads * self.head_width
        for name in ("to_query", "to_key", "to_value"):
            layer = seeded(nn.Linear, width, inner, bias=False, generator=generator)
            setattr(self, name, layer)
        # Tied at the start, like attends to like before anything is learned.
        with torch.no_grad():
            self.to_key.weight.copy_(self.to_query.weight)
        gain = 0.0 if skip else 1.0
        self.to_output = seeded(
            nn.Linear, inner, width, bias=False, generator=generator, gain=gain
        )

    def forward(self, y: Tensor) -> Attended:
        """Attend to every latent. Shapes: ``y (n, c, h, w)`` -> `Attended`."""
        tokens = self._to_tokens(y)  # (n, r, t, width), r = 1 or channels
        query, key, value = (
            layer(tokens).unflatten(3, (self.n_heads, -1)).transpose(2, 3)
            for layer in (self.to_query, self.to_key, self.to_value)
        )  # (n, r, L, t, e)
        logits = query @ key.transpose(3, 4) / self.head_width**0.5
        attention = logits.softmax(dim=4)  # (n, r, L, t, t)
        received = attention.mean(dim=(1, 3))  # (n, L, t)
        saliency = self._crop(received)
        heads = attention @ (value * self._kept(saliency).unsqueeze(1).unsqueeze(4))
        attended = self.to_output(heads.transpose(2, 3).flatten(3))
        features = self._to_map(attended)
        pooled = saliency.unsqueeze(1).unsqueeze(3)  # (n, 1, L, 1, t)
        return Attended(
            features=y + features if self.skip else features,
            saliency=self._grow(saliency),
            query=(pooled @ query).mean(dim=1).squeeze(2),
            key=(pooled @ key).mean(dim=1).squeeze(2),
        )

    def _crop(self, received: Tensor) -> Tensor:
        """Zero the least attended tokens of every head; what is left sums to 1."""
        n_kept = math.ceil(self.crop * received.shape[2])
        if n_kept < received.shape[2]:
            threshold = received.topk(n_kept, dim=2).values[..., -1:]
            received = received * (received >= threshold)
        return received / received.sum(dim=2, keepdim=True)

    def _kept(self, saliency: Tensor) -> Tensor:
        return (saliency > 0).to(saliency.dtype)

    def _to_tokens(self, y: Tensor) -> Tensor:
        rows, columns = self._grid
        missing = [self.patch * columns - y.shape[3], self.patch * rows - y.shape[2]]
        y = F.pad(y, [0, missing[0], 0, missing[1]])
        tokens = F.unfold(y, self.patch, stride=self.patch)  # (n, c * P * P, t)
        if self.kind == "spatial":
            return tokens.transpose(1, 2).unsqueeze(1)  # (n, 1, t, c * P * P)
        return tokens.unflatten(1, (y.shape[1], -1)).transpose(2, 3)  # (n, c, t, P * P)

    def _to_map(self, tokens: Tensor) -> Tensor:
        _, h, w = self.latent_shape
        flat = tokens.transpose(2, 3).flatten(1, 2)  # (n, c * P * P, t)
        size = tuple(self.patch * side for side in self._grid)
        return F.fold(flat, size, self.patch, stride=self.patch)[..., :h, :w]

    def _grow(self, saliency: Tensor) -> Tensor:
        """Give every place of the map its patch's share."""
        _, h, w = self.latent_shape
        grid = saliency.unflatten(2, self._grid)
        grown = grid.repeat_interleave(self.patch, 2).repeat_interleave(self.patch, 3)
        grown = grown[..., :h, :w]
        return grown / grown.sum(dim=(2, 3), keepdim=True).clamp_min(1e-12)


def pair_relevance(query: Tensor, key: Tensor) -> Tensor:
    r"""How well each pair suits each new point, head by head.

    .. math:: \ell_{ikj} = \langle q_{ij}, k_{s(k)j} \rangle / \sqrt{e}

    Shapes: ``query (m, L, e)`` of the points moved, ``key (m, D, L, e)`` of the pairs'
    sources -> ``(m, D, L)``.
    """
    return torch.einsum("mle,mdle->mdl", query, key) / query.shape[-1] ** 0.5
