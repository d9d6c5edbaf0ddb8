"""Data to try things on: bundled digits, image sets, tables, few-shot draws.

Only :func:`load_digits_images` needs nothing but scikit-learn. The other loaders
read a local folder (argument `data_dir`, else the environment variable
``SKEXPAND_DATA``); image sets can come from the network instead.
"""

from skexpand.datasets._images import IMAGE_SETS, load_digits_images, load_images
from skexpand.datasets._own import read_images
from skexpand.datasets._splits import few_shot
from skexpand.datasets._tables import load_table

__all__ = [
    "IMAGE_SETS",
    "few_shot",
    "load_digits_images",
    "load_images",
    "load_table",
    "read_images",
]
