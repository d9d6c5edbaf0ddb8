"""Classical image augmentation: hand-written transforms, the baseline to beat."""

import math
from dataclasses import dataclass, fields

import numpy as np
from sklearn.utils._param_validation import StrOptions

from skexpand._base import BaseExpander, Provenance


@dataclass(frozen=True)
class AugmentationPolicy:
    """Ranges of the random transforms; every one is drawn anew for every image.

    Zero switches a transform off, so ``AugmentationPolicy()`` changes nothing.
    Use :meth:`preset` for the two that are measured and published.

    Parameters
    ----------
    rotation : float, default=0.0
        Largest rotation in degrees, either way.
    shift : float, default=0.0
        Largest shift along each axis, as a fraction of the side.
    scale : float, default=0.0
        Largest relative change of size: 0.1 draws factors from 0.9 to 1.1.
        Must be below 1.
    shear : float, default=0.0
        Largest horizontal shear, in pixels across per pixel down.
    flip : bool, default=False
        Mirror left and right half of the time. Leave it off where a mirrored
        object has another label or none (digits, letters).
    crop : float, default=0.0
        Pad every side by this fraction of it and cut the old size out again at a
        random whole pixel: a shift that blurs nothing.
    brightness : float, default=0.0
        Largest amount added to all pixels, in units of the full range.
    contrast : float, default=0.0
        Largest relative change of the distances to the image's mean.
    padding : {"zeros", "border", "reflection"}, default="zeros"
        What lies outside of the image: black, its edge, or its mirror image.

    Raises
    ------
    ValueError
        If a range is negative or not finite, `scale` is 1 or more, or `padding`
        is not known.

    Examples
    --------
    >>> from skexpand.baselines.images import AugmentationPolicy
    >>> AugmentationPolicy.preset("digits").rotation
    15.0
    """

    rotation: float = 0.0
    shift: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    flip: bool = False
    crop: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    padding: str = "zeros"

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type is float and not 0 <= value < math.inf:
                raise ValueError(
                    f"{field.name} must be a finite number of at least 0, got {value}."
                )
        if self.scale >= 1:
            raise ValueError(f"scale must be below 1, got {self.scale}.")
        if self.padding not in ("zeros", "border", "reflection"):
            raise ValueError(
                "padding must be 'zeros', 'border' or 'reflection', got "
                f"{self.padding!r}."
            )

    @classmethod
    def preset(cls, name):
        """Return the policy ``"digits"`` or ``"natural"``.

        Parameters
        ----------
        name : {"digits", "natural"}
            ``"digits"`` rotates, shifts, scales and shears a little and never
            flips; ``"natural"`` flips, crops and changes brightness and contrast.

        Returns
        -------
        AugmentationPolicy

        Raises
        ------
        ValueError
            If there is no preset of this name.
        """
        if name not in _PRESETS:
            raise ValueError(
                f"Expected a policy out of {', '.join(_PRESETS)}, got {name!r}. "
                "Pass an AugmentationPolicy for other ranges."
            )
        return _PRESETS[name]


_PRESETS = {
    # 5 to 9 points on MNIST at 10 images a class, with small CNNs at equal steps.
    "digits": AugmentationPolicy(rotation=15.0, shift=2 / 28, scale=0.1, shear=0.15),
    # The usual recipe of CIFAR: pad 4 of 32 and crop, flip, mild jitter of light.
    # A mirrored border has no black edge that a classifier could learn.
    "natural": AugmentationPolicy(
        flip=True, crop=4 / 32, brightness=0.1, contrast=0.2, padding="reflection"
    ),
}


def augment_images(x, policy, generator):
    """Transform every image by its own random draw from a policy.

    All geometric transforms of an image are one affine map about its center, so
    it is resampled once (bilinear) however many are on. Rotation and shear act in
    pixels: a square stays a square on images that are wider than high. Cost is
    one ``grid_sample`` of the batch.

    Parameters
    ----------
    x : Tensor of shape (n, C, H, W)
        Images with values in [0, 1], on any device.
    policy : AugmentationPolicy
        Which transforms, and how far.
    generator : torch.Generator
        Source of all draws, on the CPU. An image takes the same draws whatever
        the policy, so switching one transform off leaves the others as they were.

    Returns
    -------
    Tensor of shape (n, C, H, W)
        Values in [0, 1]. `x` is not changed.

    Raises
    ------
    ValueError
        If `x` does not have four axes.

    Examples
    --------
    >>> import torch
    >>> from skexpand.baselines.images import AugmentationPolicy, augment_images
    >>> x = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    >>> policy = AugmentationPolicy.preset("digits")
    >>> augment_images(x, policy, torch.Generator().manual_seed(0)).shape
    torch.Size([5, 1, 8, 8])
    """
    import torch

    if x.ndim != 4:
        raise ValueError(
            f"x must have the axes (n, C, H, W), got shape {tuple(x.shape)}."
        )
    if len(x) == 0:
        return x  # torch makes no grid of no images
    # One row of draws per image: angle, shift (2), scale, shear, flip, crop (2),
    # brightness, contrast; uniform on [-1, 1).
    draws = torch.rand(len(x), 10, generator=generator, dtype=torch.float64) * 2 - 1
    draws = draws.to(device=x.device, dtype=x.dtype)
    matrix, offset = _affine_maps(draws[:, :8], policy, x.shape[-2:])
    x = _resample(x, matrix, offset, policy.padding)

    brightness, contrast = draws[:, 8:].T.reshape(2, -1, 1, 1, 1)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = mean + (x - mean) * (1 + policy.contrast * contrast)
    x = x + policy.brightness * brightness
    return x.clamp(0, 1)


def _affine_maps(draws, policy, size):
    """Turn draws (n, 8) into maps of the image plane.

    A point at ``p = (across, down)`` pixels from the center moves to
    ``matrix @ p + offset``: shapes ``(n, 2, 2)`` and ``(n, 2)``.
    """
    import torch

    sides = draws.new_tensor([size[1], size[0]])  # W, H
    angle = draws[:, 0] * math.radians(policy.rotation)
    cos, sin = angle.cos(), angle.sin()
    rotation = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    shear = torch.stack([one, policy.shear * draws[:, 4], zero, one], dim=1)
    scale = (1 + policy.scale * draws[:, 3]).view(-1, 1, 1)
    flip = torch.where(draws[:, 5] < 0, -one, one) if policy.flip else one
    mirror = torch.diag_embed(torch.stack([flip, one], dim=1))

    matrix = scale * rotation @ shear.view(-1, 2, 2) @ mirror
    offset = policy.shift * sides * draws[:, 1:3]
    # Whole pixels: every place of the window is as likely as any other.
    reach = (policy.crop * sides).round()
    crop = ((reach + 0.5) * draws[:, 6:8]).round().clamp(-reach, reach)
    return matrix, offset + crop


def _resample(x, matrix, offset, padding):
    """Apply maps of the image plane: shapes (n, C, H, W), (n, 2, 2), (n, 2)."""
    import torch
    from torch.nn import functional as F

    # grid_sample asks where each new pixel comes from, in units of half a side.
    half = x.new_tensor([x.shape[-1], x.shape[-2]]) / 2  # W, H
    inverse = torch.linalg.inv(matrix)
    origin = -(inverse @ offset.unsqueeze(-1))  # (n, 2, 1)
    theta = torch.cat(
        [inverse * half / half.unsqueeze(-1), origin / half.unsqueeze(-1)], dim=2
    )
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(
        x, grid, mode="bilinear", padding_mode=padding, align_corners=False
    )


class ClassicalAugmenter(BaseExpander):
    """Grow an image data set by rotating, shifting, flipping and the like.

    The strongest simple baseline for images: with a fitting policy it is hard to
    beat. It needs somebody who knows which transforms keep the label, which is
    what learned synthesis tries to do without. Not for tables.

    Every image of a class is used as often as any other, plus or minus one a shard.

    Parameters
    ----------
    ratio : float, default=10.0
        Every class ends with this many times its count. Ignored where
        `sampling_strategy` is given.
    sampling_strategy : float, str, dict, callable or None, default=None
        None grows every class by `ratio`; anything else means what it means in
        imbalanced-learn (values are totals after resampling).
    policy : {"auto", "digits", "natural"} or AugmentationPolicy, default="auto"
        What is done to the images. ``"auto"`` takes ``"digits"`` for images of one
        channel and ``"natural"`` for color: name one if that is not what yours are.
    image_shape : tuple of int or None, default=None
        Shape of one image where `X` holds flattened images, (H, W), (H, W, C) or
        (C, H, W). None reads it off an `X` of three or four axes.
    random_state : int, RandomState, Generator or None, default=None
        Seed of all draws; an int gives the same images at every call.

    Attributes
    ----------
    policy_ : AugmentationPolicy
        The policy in use.
    classes_ : ndarray of shape (n_classes,)
        Labels seen in `fit`.
    sampling_strategy_ : dict
        Label to number of images to add.
    parents_ : ndarray of int, shape (n_rows, 1)
        Row of the image each one was made from.
    synthetic_mask_, mixing_weights_
        See `skexpand._base.BaseExpander`.

    Raises
    ------
    ValueError
        If `X` is a table.

    See Also
    --------
    augment_images : The transforms alone, on tensors.

    Examples
    --------
    >>> from skexpand.baselines.images import ClassicalAugmenter
    >>> from skexpand.datasets import load_digits_images
    >>> X, y = load_digits_images()
    >>> augmenter = ClassicalAugmenter(ratio=3, random_state=0)
    >>> X_big, y_big = augmenter.fit_resample(X[:100], y[:100])
    >>> X_big.shape, X_big.dtype
    ((300, 8, 8), dtype('uint8'))
    """

    _parameter_constraints: dict = {
        **BaseExpander._parameter_constraints,
        "policy": [StrOptions({"auto", *_PRESETS}), AugmentationPolicy],
    }

    def __init__(
        self,
        *,
        ratio=10.0,
        sampling_strategy=None,
        policy="auto",
        image_shape=None,
        random_state=None,
    ):
        super().__init__(
            ratio=ratio,
            sampling_strategy=sampling_strategy,
            image_shape=image_shape,
            random_state=random_state,
        )
        self.policy = policy

    def _check_learnable(self, x, y):
        if x.ndim != 4:
            raise ValueError(
                "ClassicalAugmenter expects images, got a table. Pass X with the axes "
                "(n, H, W), (n, H, W, C) or (n, C, H, W), or set image_shape; for "
                "tables use GaussianJitter or Mixup."
            )

    def _learn(self, x, y, streams):
        self.policy_ = self._resolve_policy(n_channels=x.shape[1])
        self._x = x
        # Rows sorted by class: those of class c are _rows[_starts[c]:_starts[c + 1]].
        self._rows = np.argsort(y, kind="stable")
        self._starts = np.concatenate([[0], np.bincount(y).cumsum()])

    def _resolve_policy(self, n_channels):
        if isinstance(self.policy, AugmentationPolicy):
            return self.policy
        if self.policy == "auto":
            return AugmentationPolicy.preset("digits" if n_channels == 1 else "natural")
        return AugmentationPolicy.preset(self.policy)

    def _draw(self, counts, streams):
        import torch

        rng = streams.numpy("sources")
        sources = np.concatenate(
            [
                np.resize(rng.permutation(rows), count)
                for rows, count in zip(
                    np.split(self._rows, self._starts[1:-1]), counts, strict=True
                )
            ]
        )
        x_new = augment_images(
            torch.from_numpy(self._x[sources]), self.policy_, streams.torch("augment")
        )
        parents = sources[:, np.newaxis]
        provenance = Provenance(parents=parents, weights=np.ones(parents.shape))
        return x_new.numpy(), np.repeat(np.arange(len(counts)), counts), provenance
