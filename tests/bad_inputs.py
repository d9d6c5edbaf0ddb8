"""The bad and odd inputs of ``test_bad_input.py``, each with its message or answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np
from scipy import sparse

Y = [0, 0, 0, 0, 1, 1, 1, 1]
TABLE = np.random.default_rng(0).normal(size=(8, 3))
IMAGES = np.random.default_rng(0).random((8, 8, 9))


@dataclass
class Case:
    """One line of the table: an input, and the message or the answer."""

    situation: str
    X: Callable[[], object]
    answer: str
    y: object = field(default_factory=lambda: list(Y))
    parameters: dict = field(default_factory=dict)
    error: type = ValueError


def poked(array, value):
    array = array.copy()
    array.reshape(-1)[5] = value
    return array


def table():
    return TABLE.copy()


REFUSED = [
    Case("empty X", lambda: np.empty((0, 3)), "Found array with 0 sample(s)", []),
    Case(
        "X without columns", lambda: np.empty((8, 0)), "Found array with 0 feature(s)"
    ),
    Case("1-D X", lambda: np.arange(8.0), "Expected 2D array, got 1D array instead"),
    Case("no y", table, "requires y to be passed, but the target y is None", None),
    Case("one class", table, "needs to have more than 1 class", [1] * 8),
    Case(
        "X and y of different lengths",
        table,
        "X has 8 rows, y has 7 labels. Give one label per row",
        Y[1:],
    ),
    Case(
        "NaN in images",
        lambda: poked(IMAGES, np.nan),
        "Images must be finite: input X contains NaN or infinity in 1 of 8 images",
    ),
    Case(
        "infinity in images",
        lambda: poked(IMAGES, np.inf),
        "Images must be finite: input X contains NaN or infinity in 1 of 8 images",
    ),
    Case(
        "infinity in a table",
        lambda: poked(TABLE, np.inf),
        "Input X contains infinity, first in column 2. Replace it by a finite number",
    ),
    Case(
        "numbers too large to scale",
        lambda: poked(TABLE, 1e308),
        "X holds numbers too large to be standardised",
    ),
    Case(
        "`image_shape` that does not fit the columns",
        lambda: np.zeros((8, 64)),
        "image_shape=(8, 9) needs 72 columns, got 64",
        parameters={"image_shape": (8, 9)},
    ),
    Case(
        "`image_shape` that contradicts images",
        lambda: IMAGES,
        "image_shape=(9, 8) contradicts X, whose images have shape (8, 9)",
        parameters={"image_shape": (9, 8)},
    ),
    Case(
        "`image_shape` that is no shape",
        table,
        "must be an instance of 'tuple'",
        parameters={"image_shape": 64},
    ),
    Case(
        "images of five channels",
        lambda: np.zeros((8, 9, 9, 5)),
        "One image must have shape (H, W), (H, W, C) or (C, H, W), C in 1, 3, 4",
    ),
    Case(
        "images of words",
        lambda: np.full((8, 8, 8), "dark"),
        "Pixels must be numbers, got dtype <U4",
        error=TypeError,
    ),
    Case(
        "ratio < 1",
        table,
        "must be a float in the range [1.0, inf). Got 0.5 instead",
        parameters={"ratio": 0.5},
    ),
    Case(
        "infinite ratio",
        table,
        "must be a float in the range [1.0, inf). Got inf instead",
        parameters={"ratio": float("inf")},
    ),
    Case(
        "a total below the present count",
        table,
        "Originally, there is 4 samples and 3 samples are asked",
        parameters={"sampling_strategy": {1: 3}},
    ),
    Case(
        "unknown class in a dict",
        table,
        "target class is/are not present in the data",
        parameters={"sampling_strategy": {"seven": 9}},
    ),
    Case(
        "fractional totals",
        table,
        "sampling_strategy must give whole numbers of rows",
        parameters={"sampling_strategy": {1: 9.5}},
    ),
    Case(
        "unknown `sampling_strategy`",
        table,
        "Got 'double' instead",
        parameters={"sampling_strategy": "double"},
    ),
    Case(
        "continuous y",
        table,
        "Unknown label type: continuous. y must hold class labels",
        np.linspace(0, 1, 8),
    ),
    Case(
        "multilabel y",
        table,
        "Multilabel and multioutput targets are not supported",
        np.ones((8, 2), dtype=int),
    ),
    Case(
        "missing labels",
        table,
        "Input y contains missing labels (None or NaN)",
        np.array([None, *Y[1:]], dtype=object),
    ),
    Case(
        "NaN labels",
        table,
        "Input y contains NaN or infinity",
        np.array([np.nan, *Y[1:]]),
    ),
    Case(
        "labels of two kinds",
        table,
        "Labels must be of one sortable kind, got int, str",
        ["zero", *Y[1:]],
        error=TypeError,
    ),
    Case(
        "images of dates",
        lambda: np.arange(512).astype("datetime64[D]").reshape(8, 8, 8),
        "Pixels must be numbers, got dtype datetime64[D]",
        error=TypeError,
    ),
    Case(
        "times of two kinds in one column",
        lambda: [[date(2020, 1, 1)], [datetime(2020, 1, 1)]] * 4,
        "must hold times of one type in one time zone, got date, datetime",
        error=TypeError,
    ),
    Case(
        "times of two zones in one column of objects",
        lambda: [[datetime(2020, 1, 1)], [datetime(2020, 1, 1, tzinfo=UTC)]] * 4,
        "must hold times of one type in one time zone, got time zones ['None', 'UTC']",
        error=TypeError,
    ),
    Case(
        "cells of two kinds in one column",
        lambda: [["a", 1], [2, 1]] * 4,
        "must hold numbers, times, or labels of one sortable kind, got int, str",
        error=TypeError,
    ),
    Case(
        "arrays in cells",
        lambda: np.array([[np.arange(3), None]] * 8, dtype=object)[:, :1],
        "must hold numbers, times, or labels of one sortable kind, got ndarray",
        error=TypeError,
    ),
    Case("complex numbers", lambda: TABLE * 1j, "Complex data not supported"),
    Case(
        "rows of different lengths",
        lambda: [[1], [1, 2]] * 4,
        "X is a list whose rows differ in length",
    ),
    Case(
        "a container nobody knows",
        lambda: {"a": [1] * 8},
        "X must be a list, ndarray, scipy sparse matrix, pandas or polars frame",
        error=TypeError,
    ),
    Case(
        "random_state of a wrong type",
        table,
        "must be an int in the range [0, 4294967295], an instance of",
        parameters={"random_state": "seed"},
    ),
]

# What only the main estimator can be asked for.
REFUSED_BY_ES = [
    Case(
        "one sample in every class",
        lambda: TABLE[:2],
        "Every class has one sample, so nothing is known about how samples of a class",
        [0, 1],
    ),
    Case(
        "unknown symmetry",
        lambda: IMAGES,
        "symmetries names ['mirror']; there are ['left-right', 'up-down', 'transpose',",
        parameters={"symmetries": ["mirror"]},
    ),
    Case(
        "rows for columns in oblong images",
        lambda: IMAGES,
        'symmetries has "transpose", which needs square images',
        parameters={"symmetries": ["transpose"]},
    ),
    Case(
        "symmetries of a table",
        table,
        "says how images may be turned, but X holds rows of a table",
        parameters={"symmetries": ["left-right"]},
    ),
    Case(
        "unknown loss term",
        table,
        "loss_weights names ['beauty']; the terms are",
        parameters={"loss_weights": {"beauty": 1}},
    ),
    Case(
        "negative loss weight",
        table,
        "The weight of the transport loss must be a finite number from 0 on",
        parameters={"loss_weights": {"transport": -1}},
    ),
    Case(
        '`device="cuda"` without CUDA',
        table,
        'finds no CUDA device. Use device="auto" or "cpu"',
        parameters={"device": "cuda"},
    ),
    Case(
        "unknown device",
        table,
        'device must be "auto" or a torch device such as "cpu" or "cuda"',
        parameters={"device": "toaster"},
    ),
    Case(
        "device that holds no numbers",
        table,
        "this build of torch or this machine cannot compute on it",
        parameters={"device": "meta"},
    ),
    Case(
        "images, encoder pre-trained on tables",
        lambda: IMAGES,
        "The encoder was pre-trained on tables, but X holds images",
        parameters={"pretrained": "table"},
    ),
    Case(
        "a table, encoder pre-trained on images",
        table,
        "The encoder was pre-trained on images, but X holds tables",
        parameters={"pretrained": "image"},
    ),
    Case(
        "images, encoder pre-trained on another shape",
        lambda: IMAGES[:, :7],
        "pre-trained on images of (C, H, W) = (1, 8, 9), but X holds (1, 7, 9)",
        parameters={"pretrained": "image"},
    ),
    Case(
        "a table, encoder pre-trained on other columns",
        lambda: TABLE[:, :2],
        "X must have 3 columns, as in fit, got 2",
        parameters={"pretrained": "table"},
    ),
    Case(
        "the path of an encoder",
        table,
        "Read it first: pretrained=PretrainedEncoder.load('encoder.json')",
        parameters={"pretrained": "encoder.json"},
        error=TypeError,
    ),
]

TAKEN = [
    Case("constant columns", lambda: np.full((8, 3), 0.1), "stay constant, exactly"),
    Case("all-duplicate rows", lambda: np.ones((8, 2)), "expand to the same row"),
    Case(
        "more features than samples",
        lambda: np.random.default_rng(0).normal(size=(8, 50)),
        "nothing special",
    ),
    Case(
        "NaN in a table", lambda: poked(TABLE, np.nan), "a missing cell; stays possible"
    ),
    Case(
        "a column without any number",
        lambda: TABLE * [1, np.nan, 1],
        "stays missing",
    ),
    Case(
        "repeated columns",
        lambda: TABLE[:, [0, 1, 1]],
        "stay equal, where 20 rows show that they are",
    ),
    Case("string labels", table, "sorted; come back as strings", list("bbbbaaaa")),
    Case("boolean labels", table, "come back as booleans", np.array(Y) == 1),
    Case("negative labels", table, "nothing special", [-c for c in Y]),
    Case("labels with gaps", table, "nothing special", [90 * c + 9 for c in Y]),
    Case("one-hot y", table, "comes back one-hot", np.eye(2, dtype=int)[Y]),
    Case("float16", lambda: TABLE.astype("f2"), "computed in float64, given back"),
    Case("object arrays of numbers", lambda: TABLE.astype(object), "read as numbers"),
    Case(
        "object arrays of labels",
        lambda: np.array([["a"], ["b"]] * 4, dtype=object),
        "categories; only observed ones come back",
    ),
    Case(
        "sparse X",
        lambda: sparse.csr_matrix(np.where(TABLE > 0, TABLE, 0)),
        "dense inside; csr and csc come back, any other format as csr",
    ),
    Case("booleans", lambda: TABLE > 0, "categories of two levels"),
    Case(
        "dates and times",
        lambda: np.arange(16).astype("datetime64[D]").reshape(8, 2),
        "numbers of their coarsest unit; whole days stay whole days",
    ),
    Case(
        "durations",
        lambda: np.arange(16).astype("timedelta64[s]").reshape(8, 2),
        "numbers of their coarsest unit",
    ),
    Case("odd image sizes", lambda: IMAGES[:, :7], "nothing special"),
]
