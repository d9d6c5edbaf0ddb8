r"""What leaves the class of an image alone, found out from a few labeled images.

A classifier that needs no training, ridge regression on random patches [1]_, tells ten
images a class apart better than a small network does, in milliseconds. Whatever the
expansion may do to an image is tried on it first: it looks at images it has not seen,
as they are and transformed, or learns from transformed images of the others.

References
----------
.. [1] Coates and Ng, "The importance of encoding versus training with sparse coding and
   vector quantization", ICML 2011.
"""

from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from skexpand.nn.flow import reduced

_LARGEST_SIDE = 32  # larger images are probed on a reduced copy
_N_PATCHES = 128
_PATCH_SIDE = 5
_N_SAMPLED = 20_000  # patches that the covariance is taken from
_CELLS = 3  # a side; each pools its responses
_THRESHOLD = 0.15  # of a cosine: lower responses are noise
_SHORTEST = 1e-12  # length of a patch that is divided by
_IMAGES_AT_ONCE = 16  # their responses then fit the cache
_COARSE_SIDE = 8  # of the copies that show light, which patches are blind to
_RIDGE = 0.1  # of the mean squared length of the features
_CONSTANT = 1e3  # times that, squared feature of the intercept
_LEAST_BELIEF = 0.02  # less is nothing to keep
_ROUNDING = 1e-6  # beliefs that differ by less are the same
_MOST_ROWS = 300  # more would cost time and change little
_N_FOLDS = 10
# Whoever knows less takes the oddest images for the most useful ones, and regrets any
# move: writing has 0.45 to 0.65, photographs and digits on texture 0.15 at most.
_ENOUGH_KNOWLEDGE = 0.3


class PatchFeatures:
    """Responses to random whitened patches, pooled over the cells of a grid.

    Axes: ``n`` images, ``p`` values of a patch, ``L`` places, ``k`` patches, ``c``
    cells. Places come last: what is summed over a patch then runs along the memory,
    which takes half of the time.

    Parameters
    ----------
    x : Tensor of shape (n, C, H, W)
        Images to take the patches and the scale of the features from.
    generator : torch.Generator
        Draws the patches, on the CPU.
    """

    def __init__(self, x: Tensor, generator: Generator) -> None:
        x = reduced(x, _LARGEST_SIDE)
        self._side = max(2, min(_PATCH_SIDE, min(x.shape[2:]) - _CELLS + 1))
        some = _standardized_patches(x, self._side).transpose(1, 2).flatten(0, 1)
        order = torch.randperm(len(some), generator=generator).to(x.device)
        some = some[order[:_N_SAMPLED]]
        self._mean = some.mean(dim=0)
        centered = some - self._mean
        values, vectors = torch.linalg.eigh(centered.T @ centered / len(some))
        floor = 0.05 * values.mean() + 1e-4
        scale = (values.clamp_min(0) + floor).rsqrt()
        self._whitening = (vectors * scale) @ vectors.T  # (p, p)
        self._bank = F.normalize(centered[:_N_PATCHES] @ self._whitening, dim=1)
        self._to_cells = _averages_of_cells(x, self._side)  # (L, c)
        raw = self._pooled(x)
        self._center, self._scale = raw.mean(dim=0), raw.std(dim=0) + 1e-3

    def __call__(self, x: Tensor) -> Tensor:
        """Describe images. Shapes: ``x (n, C, H, W)`` -> ``(n, d)``."""
        return (self._pooled(reduced(x, _LARGEST_SIDE)) - self._center) / self._scale

    def _pooled(self, x: Tensor) -> Tensor:
        parts = []
        for block in x.split(_IMAGES_AT_ONCE):
            patches = _standardized_patches(block, self._side) - self._mean[:, None]
            whitened = self._whitening @ patches
            # F.normalize takes three times as long over any axis but the last.
            length = whitened.square().sum(dim=1, keepdim=True).sqrt()
            cosine = self._bank @ (whitened / length.clamp_min(_SHORTEST))  # (n, k, L)
            alike = (cosine - _THRESHOLD).relu_() @ self._to_cells
            opposite = (-_THRESHOLD - cosine).relu_() @ self._to_cells  # (n, k, c)
            parts.append(torch.cat([alike, opposite], dim=1).flatten(1).sqrt())
        return torch.cat(parts)


def _standardized_patches(x, side):
    """Patches without their mean and contrast. Shapes: -> ``(n, p, L)``."""
    patches = F.unfold(x, side)
    patches = patches - patches.mean(dim=1, keepdim=True)
    variance = patches.square().sum(dim=1, keepdim=True) / (patches.shape[1] - 1)
    return patches / (variance.sqrt() + 0.1)


def _averages_of_cells(x, side):
    """Matrix that averages places over the cells of a grid. Shapes: -> ``(L, c)``."""
    rows, columns = (length - side + 1 for length in x.shape[2:])
    places = torch.eye(rows * columns, device=x.device).view(-1, rows, columns)
    cells = (min(_CELLS, rows), min(_CELLS, columns))
    return F.adaptive_avg_pool2d(places, cells).flatten(1)


class ImageProbe:
    """Try on a few labeled images what may be done to them.

    Cost is that of the features, some milliseconds an image, and of solving a system of
    as many equations as there are images; at most 300 of them, a balanced choice, are
    looked at.

    Parameters
    ----------
    x : Tensor of shape (n, C, H, W)
        Real images, in [0, 1].
    y : LongTensor of shape (n,)
        Their class codes.
    generator : torch.Generator
        Source of randomness, on the CPU.

    Attributes
    ----------
    rows : LongTensor of shape (r,)
        Images looked at.
    knowledge : float
        Share of the uncertainty about the class of an unseen image that looking at it
        resolves: 1 minus the Brier score over that of the class shares. 0.5 for ten
        digits a class, 0.1 for ten photographs.
    knows_classes : bool
        Whether that is enough to say which synthetic images are good ones.
    """

    def __init__(self, x: Tensor, y: Tensor, generator: Generator) -> None:
        self.rows = _balanced_rows(y.cpu(), generator)
        self._x = x[self.rows.to(x.device)]
        self._y = y.cpu()[self.rows]
        self._describe = PatchFeatures(self._x, generator)
        self._features = self._describe(self._x).cpu()
        self._fold = _folds(self._y)
        share = F.one_hot(self._y).float().mean(dim=0)
        unknown = (1 - share.square().sum()).clamp_min(1e-6)
        self.knowledge = float(1 - self.loss_with(None, None).mean() / unknown)
        self.knows_classes = self.knowledge > _ENOUGH_KNOWLEDGE

    def kept_under(self, transform) -> float:
        """Tell how much of the belief in its class an unseen image keeps.

        Ridge regression on all images but one looks at that one, as it is and
        transformed; its belief in the image's class counts beyond the share of the
        class. About 1 where the transform means nothing to the classes.

        Parameters
        ----------
        transform : callable
            Images to images, Tensor to Tensor of the same shape.

        Returns
        -------
        float
            0 where nothing is known about the classes.
        """
        if not self.has_belief:
            return 0.0
        return float(self._beliefs_under(transform).mean() / self._beliefs.mean())

    def margin(self, transforms, share: float) -> float:
        """Tell by how many standard errors more than a share of belief is kept.

        Parameters
        ----------
        transforms : sequence of callable
            Each as in `kept_under`; what is kept is averaged over them.
        share : float
            Between 0 and 1.

        Returns
        -------
        float
            Negative where less is kept; 0 where nothing is known about the classes.
        """
        if not self.has_belief:
            return 0.0
        kept = torch.stack([self._beliefs_under(each) for each in transforms])
        beyond = kept.mean(dim=0) - share * self._beliefs
        error = beyond.std() / len(beyond) ** 0.5
        return float(beyond.mean() / (error + _ROUNDING))

    def told_apart(self, transforms) -> tuple[float, float]:
        """Tell how many images are told from what transforms make of them.

        Whatever their classes: ridge regression on the differences between the images
        and what they are turned into, light included, says of the difference it has
        not seen which of the two is the image.

        Parameters
        ----------
        transforms : sequence of callable
            Each as in `kept_under`, and asked about apart from the others.

        Returns
        -------
        share : float
            Mean over the transforms. About 0.5 where what is made could as well be one
            of the images. Images that a transform leaves as they are count as told
            apart.
        error : float
            Standard error of a single transform's share, at most.
        """
        shares = [self._share_told(each) for each in transforms]
        return sum(shares) / len(shares), 0.5 / len(self._x) ** 0.5

    def _share_told(self, transform):
        moved = transform(self._x)
        turned = self._with_light(self._describe(moved).cpu(), moved)
        inverse, _ = _invert_system(self._features_in_light - turned, _RIDGE, 0.0)
        # Left out, a difference is predicted to be 1 - (K^-1 1)_i / (K^-1)_ii.
        unseen = 1 - inverse.sum(dim=1) / inverse.diagonal()
        return float((unseen > -_ROUNDING).double().mean())

    def _beliefs_under(self, transform):
        """Beliefs, as `_beliefs`, in the images transformed."""
        moved = self._describe(transform(self._x)).cpu()
        inverse, weights, own, constant = self._rule
        cross = moved.double() @ self._features.double().T + constant
        seen = cross @ weights - (cross @ inverse).diagonal()[:, None] * own
        return self._beliefs_in_own_class(seen)

    @property
    def share_dark_on_bright(self) -> float:
        """Share of images whose rarer values are the dark ones, summed over channels.

        0 for bright strokes on dark, 1 for ink on paper; a half for photographs.
        """
        centered = self._x - self._x.mean(dim=(2, 3), keepdim=True)
        return float((centered.pow(3).mean(dim=(1, 2, 3)) < 0).float().mean())

    @property
    def accuracy(self) -> float:
        """Share of images, each of them unseen, whose class is believed in most."""
        return float((self._unseen.argmax(dim=1) == self._y).double().mean())

    @property
    def has_belief(self) -> bool:
        """Whether unseen images are believed to be of their class beyond its share."""
        return bool(self._beliefs.mean() > _LEAST_BELIEF)

    @cached_property
    def _beliefs(self):
        """Belief in the class of every image, unseen, as it is, beyond its share."""
        return self._beliefs_in_own_class(self._unseen)

    @cached_property
    def _unseen(self):
        """Belief in every class of every image, by the rule without it."""
        _, _, own, _ = self._rule
        return F.one_hot(self._y).double() - own

    @cached_property
    def _rule(self):
        """Ridge regression on all images: inverse, weights, and what to take off them.

        Leaving row i out changes the weights by inverse[:, i] * weights[i] / G_ii.
        """
        inverse, constant = _invert_system(self._features, _RIDGE)
        weights = inverse @ F.one_hot(self._y).double()
        return inverse, weights, weights / inverse.diagonal()[:, None], constant

    def _beliefs_in_own_class(self, belief):
        share = F.one_hot(self._y).double().mean(dim=0)
        return (belief - share)[torch.arange(len(belief)), self._y]

    @cached_property
    def _features_in_light(self):
        return self._with_light(self._features, self._x)

    def _with_light(self, features, x):
        return torch.cat([features, self._coarse(x)], dim=1)

    @cached_property
    def _known_pixels(self):
        return _shrunk(self._x)

    def _coarse(self, x):
        """Few pixels, of the mean squared length of the patch features."""
        known = self._known_pixels
        weight = (self._features.shape[1] / known.shape[1]) ** 0.5
        scale = known.std(dim=0) + 1e-3
        return weight * (_shrunk(x) - known.mean(dim=0)) / scale

    def loss_with(
        self, x_new: Tensor | None, source: Tensor | None, *, in_light: bool = False
    ) -> Tensor:
        """Squared error on unseen images after learning from others and their copies.

        Parameters
        ----------
        x_new : Tensor of shape (m, C, H, W) or None
            Images made of those at `rows`; None adds nothing.
        source : LongTensor of shape (m,) or None
            Which of `rows` each was made of: copies of an unseen image are unseen.
        in_light : bool, default=False
            Look at 8 x 8 pixels as well, with as much weight as at all patches, which
            are read without their mean and contrast.

        Returns
        -------
        Tensor of shape (r,)
            Brier score of every image of `rows`, predicted without it.
        """
        truth = F.one_hot(self._y).float()
        features = self._features_in_light if in_light else self._features
        target, fold = truth, self._fold
        if x_new is not None:
            source, new = source.cpu(), self._describe(x_new).cpu()
            if in_light:
                new = self._with_light(new, x_new)
            features = torch.cat([features, new])
            target = torch.cat([truth, truth[source]])
            fold = torch.cat([fold, fold[source]])
        # Copies count as rows, hence the smaller penalty.
        inverse, _ = _invert_system(features - features.mean(dim=0), _RIDGE / 3)
        weights = inverse @ target.double()
        error = torch.empty_like(truth)
        for number in self._fold.unique():
            # Solved on all rows once: leaving a fold out takes its own block only.
            rows = torch.nonzero(fold == number).flatten()
            block = torch.linalg.solve(inverse[rows][:, rows], weights[rows])
            is_real = rows < len(truth)
            error[rows[is_real]] = block[is_real].float()
        return error.square().sum(dim=1)


def _shrunk(x):
    """Average over 8 x 8 cells. Shapes: ``x (n, C, H, W)`` -> ``(n, C * 64)``."""
    return F.adaptive_avg_pool2d(x, _COARSE_SIDE).flatten(1).cpu()


def _invert_system(features, penalty, intercept=_CONSTANT):
    """Invert the system of ridge regression in the dual, one equation a row.

    The intercept is a constant feature, so large that the penalty leaves it alone; its
    square is returned too. With 0 there is none.
    """
    features = features.double()
    gram = features @ features.T
    scale = gram.diagonal().mean()
    constant = intercept * scale
    ridge = penalty * scale + 1e-6  # images all alike have no features
    system = gram + constant + ridge * torch.eye(len(gram))
    return torch.cholesky_inverse(torch.linalg.cholesky(system)), constant


def _balanced_rows(y, generator):
    """Choose as many rows of every class as the bound allows, two at least."""
    order = torch.randperm(len(y), generator=generator)
    order = order[y[order].argsort(stable=True)]
    counts = y.bincount()
    first = (counts.cumsum(0) - counts)[y[order]]
    rank = torch.arange(len(y)) - first
    share = max(2, _MOST_ROWS // int((counts > 0).sum()))
    return order[rank < share].sort().values


def _folds(y):
    """Deal the rows out to the folds, class after class."""
    fold = torch.empty_like(y)
    fold[y.argsort(stable=True)] = torch.arange(len(y)) % _N_FOLDS
    return fold
