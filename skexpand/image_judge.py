"""The judge of synthetic images: who accepts candidates, and chooses among them."""

import numpy as np
import torch

from skexpand.nn.selection import farthest_first

# Cells of a table, or pixels, at once. The fields of a flow and the maps of a network
# take some twenty times as much: more of them leave the cache, and take a fifth longer.
_TABLE_CELLS = 2**21
_IMAGE_CELLS = 2**19

_MOST_CANDIDATES = 8
_SMALL = 10  # images of a class
_MOSTLY = 0.5  # of the moves
# Of training: a judge of 20 to 40 steps cost a network 1 to 5 points, one of 60 made no
# difference, one of 110 brought 1 to 2 (docs/images_research.md).
_LEAST_STEPS = 100


def row_blocks(n_rows, sample_shape):
    """Cut rows into slices that bound the memory of what is computed at once."""
    cells = _IMAGE_CELLS if len(sample_shape) == 3 else _TABLE_CELLS
    size = max(1, cells // int(np.prod(sample_shape)))
    return [slice(start, start + size) for start in range(0, n_rows, size)]


def worthwhile_candidates(counts, explained=1.0):
    """Count the images worth making for each one asked for.

    Where ten images stand for a class, the farthest of eight cover what these do not.
    Where a hundred do, little is left to cover, and what lies far from all of them is
    odd: there a network, nearest neighbors and a forest learned more from new images
    as they come (docs/images_research.md). In between the number falls with the square
    of the class. Nor does it pay where moves were not learned from the images, as on
    traffic signs by day and night: the farthest are then the oddest in light and place.

    Parameters
    ----------
    counts : ndarray of int, shape (n_classes,)
        Real images of each class.
    explained : float, default=1.0
        Share of their moves that was learned from the images.

    Returns
    -------
    ndarray of int, shape (n_classes,)
        8 up to ten images, 2 for twenty, 1 from 24 on, and 1 where less than half of
        the moves was learned.
    """
    if explained < _MOSTLY:
        return np.ones_like(counts)
    share = np.minimum(_SMALL / np.maximum(counts, 1), 1) ** 2
    return np.maximum(1, np.rint(_MOST_CANDIDATES * share)).astype(int)


def count_candidates(counts, probe, explained, n_steps):
    """Count the images worth making for each one asked for, if anybody can choose.

    Parameters
    ----------
    counts, explained
        As in `worthwhile_candidates`.
    probe : ImageProbe or None
        Judging waits for one that knows the classes; None does not object.
    n_steps : int
        That the judge was trained for.

    Returns
    -------
    ndarray of int, shape (n_classes,)
    """
    knows_classes = probe is None or probe.knows_classes
    if n_steps < _LEAST_STEPS or not knows_classes:
        return np.ones_like(counts)
    return worthwhile_candidates(counts, explained)


class ImageJudge:
    """Let the classifier of Algorithm 1 choose among images.

    It has seen every real sample and fresh synthetic ones at each step. Of more images
    than are asked for it refuses those it would label otherwise; of the rest it keeps
    the ones that are farthest from the real images and from each other in its features.
    Ten times as many samples are worth more the less they repeat each other.

    Parameters
    ----------
    classifier : Classifier
        Trained.
    x : Tensor of shape (n, C, H, W)
        Real images.
    y : LongTensor of shape (n,)
        Their class codes, on the CPU.
    recognizer : Recognizer or None, default=None
        Must agree with the classifier, where pre-training left its features. Which
        images are far from each other stays with the classifier: what is far in
        pre-trained features is odd to whoever looks at pixels.
    """

    def __init__(self, classifier, x, y, recognizer=None):
        self.classifier = classifier
        self.recognizer = recognizer
        features, _ = self._look(x)
        self._known = [features[y == code] for code in range(int(y.max()) + 1)]

    def choose(self, x, codes, sizes, n_keep):
        """Choose among candidates of several groups.

        Parameters
        ----------
        x : Tensor of shape (m, C, H, W)
            Candidates, group after group.
        codes : ndarray of int, shape (n_groups,)
            Class of each group.
        sizes : ndarray of int, shape (n_groups,)
            Candidates of each group.
        n_keep : ndarray of int, shape (n_groups,)
            Images to keep of each group, as many as it has at most.

        Returns
        -------
        rows : ndarray of int, shape (n_keep.sum(),)
            Which to keep, group after group, in the order of `x`. Refused images come
            in only where a group has too few others, the most believed first.
        is_accepted : ndarray of bool, shape (m,)
            Which would be labeled as intended.
        """
        starts = np.cumsum(sizes) - sizes
        features, belief = self._look(x)
        intended = torch.from_numpy(np.repeat(codes, sizes)).to(belief.device)
        is_accepted = belief.argmax(dim=1) == intended
        if self.recognizer is not None:
            asked = is_accepted.nonzero()[:, 0]  # a refused one needs no second opinion
            seen = self._recognize(x[asked.cpu()]).argmax(dim=1)
            is_accepted[asked] = seen == intended[asked]
        of_intended = belief.gather(1, intended[:, None])[:, 0]
        # Rows beyond the end of a smaller group lie behind everything.
        shape = (len(sizes), int(sizes.max()))
        grouped = features.new_zeros(*shape, features.shape[1])
        nearest = features.new_full(shape, -torch.inf)
        for group, (code, start, size) in enumerate(
            zip(codes, starts, sizes, strict=True)
        ):
            part = slice(start, start + size)
            grouped[group, :size] = features[part]
            distance = (1 - features[part] @ self._known[code].T).amin(dim=1)
            nearest[group, :size] = torch.where(
                is_accepted[part], distance.clamp_min(0), of_intended[part] - 2
            )
        picked = farthest_first(grouped, nearest, int(n_keep.max())).cpu().numpy()
        # In the order they were made: whoever takes the first ones gets no outliers.
        picked[np.arange(picked.shape[1]) >= n_keep[:, None]] = shape[1]
        picked.sort(axis=1)
        return (starts[:, None] + picked)[picked < shape[1]], is_accepted.cpu().numpy()

    @torch.no_grad()
    def _look(self, x):
        """Return unit features and the belief in every class, where the judge is."""
        device = next(self.classifier.parameters()).device
        features, belief = [], []
        for block in row_blocks(len(x), x.shape[1:]):
            seen = self.classifier.features(x[block].to(device))
            belief.append(self.classifier.to_logits(seen).softmax(dim=1))
            features.append(torch.nn.functional.normalize(seen, dim=1))
        return torch.cat(features), torch.cat(belief)

    @torch.no_grad()
    def _recognize(self, x):
        """Return the recognizer's logits, where it is."""
        device = next(self.classifier.parameters()).device
        blocks = row_blocks(len(x), x.shape[1:])
        parts = [self.recognizer(x[block].to(device)) for block in blocks]
        return torch.cat(parts) if parts else torch.empty(0, 1, device=device)
