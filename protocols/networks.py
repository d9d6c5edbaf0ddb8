"""The convolutional network that scores every arm of an image protocol.

The smallest network on which augmentation shows its full effect on MNIST; what is
compared is the training set, so nothing here depends on the arm but its images.
"""

import numpy as np
import torch
from sklearn.utils import compute_class_weight
from torch.nn import functional as F

from skexpand.evaluation.architectures import build_cnn

# Larger batches at test time only cost memory.
_TEST_BATCH = 500


def to_tensor(X):
    """Turn images (n, H, W) or (n, H, W, C) with values 0 to 255 into (n, C, H, W)."""
    X = np.asarray(X)
    if X.ndim not in (3, 4):
        raise ValueError(
            f"Expected images (n, H, W) or (n, H, W, C), got shape {X.shape}."
        )
    X = X[:, None] if X.ndim == 3 else np.moveaxis(X, -1, 1)
    x = torch.from_numpy(np.ascontiguousarray(X, dtype=np.float32)) / 255
    return x.contiguous(memory_format=torch.channels_last)


def score_cnn(
    X,
    y,
    X_test,
    y_test,
    *,
    steps,
    batch_size,
    learning_rate,
    seed,
    class_weight=None,
):
    """Train the network for a number of steps and return its test accuracy.

    Weights, batch order and dropout come from `seed` alone, so two arms that hand over
    equally many images see them in the same order. The global generator is left as
    it was. ``class_weight="balanced"`` weighs images by the inverse of their class's
    count.
    """
    classes, codes = np.unique(y, return_inverse=True)
    weight = None
    if class_weight is not None:
        weights = compute_class_weight(class_weight, classes=classes, y=y)
        weight = torch.from_numpy(weights).float()
    x, target = to_tensor(X), torch.from_numpy(codes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_cnn(x.shape[1:], len(classes))
        _train(network, x, target, weight, steps, batch_size, learning_rate)
    predicted = classes[_predict(network, to_tensor(X_test))]
    return float(np.mean(predicted == np.asarray(y_test)))


def _train(network, x, target, weight, steps, batch_size, learning_rate):
    network.train()
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=learning_rate, weight_decay=1e-2
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=learning_rate, total_steps=steps
    )
    for batch in batches(len(x), steps, batch_size):
        loss = F.cross_entropy(network(x[batch]), target[batch], weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def batches(n, steps, batch_size):
    """Split consecutive shuffles of ``n`` rows into batches: shape (steps, batch)."""
    n_shuffles = -(-steps * batch_size // n)
    order = torch.cat([torch.randperm(n) for _ in range(n_shuffles)])
    return order[: steps * batch_size].view(steps, batch_size)


@torch.no_grad()
def _predict(network, x):
    network.eval()
    return torch.cat([network(part).argmax(1) for part in x.split(_TEST_BATCH)]).numpy()
