"""
Real images beside what classical augmentation, SMOTE and skexpand make of them
===============================================================================

Ten images of each of ten classes go in; of what each augmenter adds, six a class are
shown as they come. ``python examples/plot_gallery.py docs/images mnist cifar10`` writes
a sheet for each data set.
"""

import sys
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from imblearn.over_sampling import SMOTE

from skexpand import ExpansiveSynthesizer
from skexpand.baselines.images import ClassicalAugmenter
from skexpand.datasets import few_shot, load_images

N_CLASSES, N_SHOWN = 10, 6


def expand(X, y, policy, **parameters):
    """Return the name and the images of every arm, all for labels `y` in order."""
    totals = {label: 10 * n for label, n in Counter(y.tolist()).items()}
    flat = X.reshape(len(X), -1).astype(float)  # in uint8 its differences wrap around
    added, y_added = SMOTE(sampling_strategy=totals, random_state=0).fit_resample(
        flat, y
    )
    added = added.clip(0, 255).round().astype(X.dtype).reshape(-1, *X.shape[1:])
    classical = ClassicalAugmenter(policy=policy, random_state=0).fit(X, y)
    ours = ExpansiveSynthesizer(random_state=0, **parameters).fit(X, y)
    return {
        "real": (X, y),
        "classical augmentation": classical.sample(),
        "SMOTE": (added[len(X) :], y_added[len(y) :]),
        "ExpansiveSynthesizer": ours.sample(),
    }


def sheet(X, y):
    """Lay out the first images of every class, a row a class."""
    rows = [np.concatenate(list(X[y == c][:N_SHOWN]), axis=1) for c in np.unique(y)]
    return np.concatenate(rows)


def draw(name, **parameters):
    """Draw one figure for a data set."""
    data = load_images(name)
    train, _ = few_shot(data.X_train, data.y_train, 10, random_state=0)
    X, y = data.X_train[train], data.y_train[train]
    is_shown = np.isin(y, np.unique(y)[:N_CLASSES])
    X, y = X[is_shown], y[is_shown]
    policy = "natural" if X.ndim == 4 else "digits"
    arms = expand(X, y, policy, **parameters)
    figure, axes = plt.subplots(1, len(arms), figsize=(3 * len(arms), 5.3))
    for ax, (title, (images, labels)) in zip(axes, arms.items(), strict=True):
        ax.imshow(sheet(images, labels), cmap="gray")
        ax.set_title(title, fontsize=10)
        ax.axis("off")
    figure.tight_layout(pad=0.4)
    return figure


if __name__ == "__main__":
    folder, *names = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names:
        path = Path(folder) / f"gallery-{name}.png"
        draw(name).savefig(path, dpi=100)
        print(f"wrote {path}")
