"""The table of bad and odd inputs: what is refused, how, and what is taken.

``docs/bad_input.md`` is this table; after a change, write it with
``python -m tests.test_bad_input``.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from skexpand._base import BaseExpander, Provenance
from skexpand.baselines import GaussianJitter, Mixup

PAGE = Path(__file__).resolve().parents[1] / "docs" / "bad_input.md"
Y = [0, 0, 0, 0, 1, 1, 1, 1]
TABLE = np.random.default_rng(0).normal(size=(8, 3))
IMAGES = np.random.default_rng(0).random((8, 8, 9))


class Witness(BaseExpander):
    """Take tables and images; tell whether anything was learned."""

    def _learn(self, x, y, streams):
        self.learned_ = x, y

    def _draw(self, counts, streams):
        x, y = self.learned_
        order = np.argsort(y, kind="stable")
        source = np.repeat(order[np.searchsorted(y[order], range(len(counts)))], counts)
        parents = source[:, None]
        return x[source], y[source], Provenance(parents, np.ones(parents.shape))


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
        "dates and times",
        lambda: np.arange(16).astype("datetime64[D]").reshape(8, 2),
        "Convert it to numbers first, for example days since a reference date",
        error=TypeError,
    ),
    Case(
        "cells of two kinds in one column",
        lambda: [["a", 1], [2, 1]] * 4,
        "must hold numbers, or labels of one sortable kind, got int, str",
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
    Case("odd image sizes", lambda: IMAGES[:, :7], "nothing special"),
]


def ids(cases):
    return [case.situation for case in cases]


@pytest.mark.parametrize("case", REFUSED, ids=ids(REFUSED))
def test_bad_input_is_refused_before_anything_is_learned(case):
    sampler = Witness(**case.parameters)
    for call in (sampler.fit, sampler.fit_resample):
        with pytest.raises(case.error) as caught:
            call(case.X(), case.y)
        assert case.answer in str(caught.value)
    assert not hasattr(sampler, "learned_") and not hasattr(sampler, "classes_")


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        pytest.param(kind, case, id=f"{kind.__name__}-{case.situation}")
        for kind in (Witness, GaussianJitter, Mixup)
        for case in TAKEN
        if kind is Witness or case.X().ndim == 2
    ],
)
def test_odd_input_is_taken_and_given_back(case, kind):
    X = case.X()
    X_res, y_res = kind(ratio=3, random_state=0).fit_resample(X, case.y)
    assert type(X_res) is type(X) and type(y_res) is type(case.y)
    assert X_res.dtype == X.dtype and X_res.shape == (24, *X.shape[1:])
    counts = Counter(map(str, np.asarray(y_res).tolist()))
    assert counts == {
        label: 3 * n
        for label, n in Counter(map(str, np.asarray(case.y).tolist())).items()
    }


@pytest.mark.parametrize("kind", [Witness, GaussianJitter, Mixup])
def test_duplicates_and_constants_are_repeated_exactly(kind):
    X_res, _ = kind(random_state=0).fit_resample(np.full((8, 3), 0.1), Y)
    assert (X_res == 0.1).all()


@pytest.mark.parametrize("kind", [Witness, GaussianJitter, Mixup])
def test_one_sample_in_a_class_is_expanded_with_a_warning(kind):
    with pytest.warns(UserWarning, match=r"Classes \[1\] have one sample each"):
        _, y_res = kind(ratio=4, random_state=0).fit_resample(TABLE, [0] * 7 + [1])
    assert Counter(y_res) == {0: 28, 1: 4}


def test_times_inside_frames_and_objects_are_refused_by_name():
    pd = pytest.importorskip("pandas")
    days = pd.date_range("2020", periods=8)
    for column in (days, days - days[0], days.to_period("D"), days.astype("category")):
        frame = pd.DataFrame({"size": range(8), "when": column})
        with pytest.raises(TypeError, match="Column 'when' holds"):
            Witness().fit(frame, Y)
    with pytest.raises(TypeError, match="Column 0 holds date or time"):
        Witness().fit([[day] for day in days.date], Y)


def test_times_inside_polars_frames_are_refused_by_name():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"when": range(8)}).cast(pl.Date)
    with pytest.raises(TypeError, match="Column 'when' holds Date values"):
        Witness().fit(frame, Y)
    with pytest.raises(TypeError, match="got LazyFrame"):
        Witness().fit(frame.lazy(), Y)


def test_a_failed_fit_leaves_the_fitted_sampler_as_it_was():
    sampler = GaussianJitter(random_state=0).fit(TABLE, Y)
    before = sampler.sample(5)[0]
    with pytest.raises(ValueError, match="contains infinity"):
        sampler.fit(poked(TABLE, np.inf), Y)
    np.testing.assert_array_equal(sampler.sample(5)[0], before)


def page():
    """Write the table as Markdown."""
    lines = [
        "# Bad and odd input",
        "",
        "Everything is checked before anything is learned. This page is written from",
        "`tests/test_bad_input.py` by `python -m tests.test_bad_input`; a test",
        "compares the two.",
        "",
        "## Refused",
        "",
        "| input | error | message contains |",
        "|---|---|---|",
    ]
    lines += [
        f"| {case.situation} | `{case.error.__name__}` | {case.answer} |"
        for case in REFUSED
    ]
    lines += [
        "| dates, times, periods in a frame | `TypeError` | Column 'when' holds ... |",
        "| a lazy polars frame | `TypeError` | got LazyFrame |",
        "| sampling before fitting | `NotFittedError` | is not fitted yet |",
        "",
        "## Taken",
        "",
        "| input | what is done |",
        "|---|---|",
        "| one sample in a class | a `UserWarning`; its variation is borrowed from the "
        "other classes |",
        "| pandas frames | columns, order and dtypes kept; a fresh `RangeIndex` |",
        "| polars frames, torch tensors | converted, and given back |",
    ]
    lines += [f"| {case.situation} | {case.answer} |" for case in TAKEN]
    return "\n".join(lines) + "\n"


def test_the_page_in_the_docs_is_this_table():
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
