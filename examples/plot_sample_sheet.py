"""
Look at what is made of ten digits a class
==========================================

Six real MNIST digits of each class, six synthetic ones, and below each other the real
digits nearest to them: whoever copies is seen at once. The sheet in the README is
written by ``python examples/plot_sample_sheet.py docs/images/digits.png``.
"""

import sys

from skexpand import ExpansiveSynthesizer
from skexpand.datasets import few_shot, load_images
from skexpand.evaluation.sample_displays import SampleSheetDisplay


def make_sheet(n_per_class=10, **parameters):
    """Expand a few MNIST digits and draw the sheet."""
    data = load_images("mnist")
    train, _ = few_shot(data.X_train, data.y_train, n_per_class, random_state=0)
    X, y = data.X_train[train], data.y_train[train]
    synthesizer = ExpansiveSynthesizer(random_state=0, **parameters).fit(X, y)
    return SampleSheetDisplay.from_samples(X, y, *synthesizer.sample())


if __name__ == "__main__":
    make_sheet().figure_.savefig(sys.argv[1], dpi=100, bbox_inches="tight")
