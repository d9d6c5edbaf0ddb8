"""Every arm ends with as many rows; what cannot resample is refused."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler

from skexpand._random import RandomStreams
from skexpand.baselines import GaussianJitter
from skexpand.datasets import load_digits_images
from skexpand.evaluation._smote import NotApplicableError, TableSMOTE
from skexpand.evaluation.arms import Arm, make_arms, resample, set_seeds

STREAMS = RandomStreams(0)
Y = np.repeat(["a", "b"], [6, 9])
TABLE = np.random.default_rng(0).standard_normal((15, 3))


class Plain:
    """A sampler that is no estimator, and remembers what it was asked."""

    def __init__(self):
        self.ratio = 1
        self.random_state = None

    def fit_resample(self, X, y):
        self.seen = X
        return np.repeat(X, self.ratio, axis=0), np.repeat(y, self.ratio)


def grow(arm, X=TABLE, y=Y, ratio=4):
    return resample(arm, X, y, ratio, STREAMS)


def by_name(name, image=False, ratio=4):
    (arm,) = [a for a in make_arms(None, True, ratio, image=image) if a.name == name]
    return arm


@pytest.mark.parametrize("name", ["ROS", "SMOTE", "jitter", "mixup"])
def test_table_baselines_end_with_ratio_times_the_rows(name):
    X, y, _ = grow(by_name(name))
    assert {label: int(np.sum(y == label)) for label in "ab"} == {"a": 24, "b": 36}
    np.testing.assert_array_equal(X[:15], TABLE)


@pytest.mark.parametrize("name", ["ROS", "SMOTE", "classical"])
def test_image_baselines_keep_dtype_and_range(name):
    images, labels = load_digits_images()
    images, labels = images[:200], labels[:200]
    X, y, _ = grow(by_name(name, image=True), images, labels, ratio=2)
    assert X.shape == (400, 8, 8)
    assert X.dtype == np.uint8
    np.testing.assert_array_equal(X[:200], images)
    assert X[200:].max() > 200  # nothing wrapped around or was rescaled


def test_images_of_floats_stay_inside_their_range():
    X = np.random.default_rng(0).uniform(-1, 1, (15, 4, 4)).astype(np.float32)
    X_big, _, _ = grow(by_name("SMOTE", image=True), X)
    assert X_big.dtype == np.float32
    assert X_big.min() >= X.min() and X_big.max() <= X.max()


def test_balanced_smote_only_balances():
    assert len(grow(by_name("SMOTE balanced"))[1]) == 18
    with pytest.raises(NotApplicableError, match="balanced already"):
        grow(by_name("SMOTE balanced"), TABLE[:12], np.repeat(["a", "b"], 6))


def test_smote_uses_the_neighbors_a_tiny_class_has():
    y = np.repeat(["a", "b"], [2, 13])
    X, _, _ = grow(by_name("SMOTE"), y=y)
    low, high = TABLE[:2].min(axis=0), TABLE[:2].max(axis=0)
    new = X[15:][:6]  # of class a: between its two rows
    assert ((new >= low - 1e-9) & (new <= high + 1e-9)).all()
    with pytest.raises(NotApplicableError, match="every class, 'b' has one"):
        grow(by_name("SMOTE"), TABLE[:4], np.array(["a", "a", "a", "b"]))


def test_smote_looks_for_neighbors_among_standardized_columns():
    """A column in other units would otherwise decide alone who is near."""
    rng = np.random.default_rng(1)
    X = np.column_stack([np.repeat([0.0, 10.0], 20), rng.uniform(0, 1000, 40)])
    y = np.tile(["a", "b"], 20)

    def n_between(scale):
        X_big, _, _ = grow(Arm("mine", TableSMOTE(scale=scale)), X, y)
        return int(np.sum((X_big[:, 0] > 0.1) & (X_big[:, 0] < 9.9)))

    assert n_between(True) == 0
    assert n_between(False) > 10


MIXED = pd.DataFrame(
    {
        "size": [1.5, 2.5, np.nan, 4.5, 5.5, 6.5] * 2,
        "count": pd.array([1, 2, 3, None, 5, 6] * 2, dtype="Int64"),
        "whole": np.arange(12),
        "kind": pd.Categorical(["x", "y", "x", None, "y", "x"] * 2),
        "word": ["p", "q", None, "p", "q", "q"] * 2,
        "flag": [True, False] * 6,
        "empty": [np.nan] * 12,
    }
)


@pytest.mark.parametrize(
    "columns",
    [list(MIXED), ["kind", "word"], ["size", "whole"], ["flag"]],
    ids=["mixed", "categories", "numbers", "one"],
)
def test_smote_runs_on_mixed_and_missing_cells(columns):
    X, y = MIXED[columns], np.repeat([0, 1], 6)
    X_big, y_big, _ = grow(by_name("SMOTE"), X, y)
    assert np.bincount(y_big).tolist() == [24, 24]
    pd.testing.assert_frame_equal(X_big[:12], X)
    for name in X:
        known = set(X[name].dropna())
        if not pd.api.types.is_float_dtype(X[name]):
            new = set(X_big[name][12:].dropna())
            assert new <= (set(range(12)) if name in ("count", "whole") else known)


def test_totals_are_set_where_there_is_no_ratio():
    _, y, sampler = grow(Arm("mine", SMOTE(k_neighbors=2)))
    assert len(y) == 60
    assert sampler.sampling_strategy == {"a": 24, "b": 36}


def test_samplers_of_the_user_are_not_changed():
    mine = GaussianJitter(ratio=2)
    _, y, sampler = grow(Arm("mine", mine))
    assert len(y) == 60
    assert (mine.ratio, mine.random_state) == (2, None)
    assert sampler.random_state is not None


def test_any_object_will_do_and_gets_images_as_they_are():
    mine, X = Plain(), np.zeros((15, 4, 4))
    _, y, sampler = grow(Arm("mine", mine), X)
    assert len(y) == 60
    assert sampler.seen is X
    assert sampler.random_state is not None
    assert not hasattr(mine, "seen")


def test_under_samplers_run_as_they_are():
    assert len(grow(Arm("mine", RandomUnderSampler()))[1]) == 12


def test_pipelines_grow_by_their_first_step_that_can():
    pipeline = make_pipeline(SMOTE(k_neighbors=2), RandomUnderSampler())
    _, y, _ = grow(Arm("mine", pipeline))
    assert len(y) == 48


class Broken(Plain):
    """Return what a function makes of the data."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def fit_resample(self, X, y):
        return self.change(X, y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X, y[1:]), "returned 15 rows and 14 labels"),
        (lambda X, y: (X[:, 1:], y), "rows of shape"),
        (
            lambda X, y: (X, np.array(["c"] * 15)),
            "1 labels .* not given and lost 2",
        ),
    ],
)
def test_what_is_no_training_set_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        grow(Arm("mine", Broken(change)))


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X.to_numpy(),
        lambda X: X.astype(object),
        lambda X: X[X.columns[::-1]].set_index(np.arange(12)[::-1]),
        lambda X: X.assign(flag=X["flag"].astype(float), kind=X["kind"].astype(str)),
    ],
    ids=["array", "objects", "other order", "other types"],
)
def test_frames_come_back_in_their_columns_and_types(change):
    """Numbers that are objects would be one-hot encoded, and nobody would know."""
    X = MIXED.assign(kind=pd.Categorical(list("xyxzyx") * 2))
    y = np.repeat([0, 1], 6)
    X_big, _, _ = grow(Arm("mine", Broken(lambda X, y: (change(X), y))), X, y)
    pd.testing.assert_frame_equal(X_big.astype(X.dtypes), X)
    numbers = X.select_dtypes("number").columns
    assert list(X_big.select_dtypes("number").columns) == list(numbers)


def test_arrays_of_objects_come_back_as_numbers():
    X_big, _, _ = grow(Arm("mine", Broken(lambda X, y: (X.astype(object), y))))
    assert X_big.dtype == float


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X.rename(columns={"size": "length"}), "expected .'size', 'count'"),
        (lambda X: X.assign(kind="w"), "column 'kind' that are none of its categories"),
        (lambda X: X.to_numpy()[:, 1:], r"of shape \(6,\), expected \(7,\)"),
    ],
)
def test_frames_with_other_columns_are_refused(change, message):
    y = np.repeat([0, 1], 6)
    with pytest.raises(ValueError, match=message):
        grow(Arm("mine", Broken(lambda X, y: (change(X), y))), MIXED, y)


def test_arms_are_the_baselines_the_samplers_and_real_rows():
    arms = make_arms({"mine": Plain()}, True, 4, image=False)
    assert [arm.name for arm in arms] == [
        "none",
        "class weights",
        "threshold",
        "ROS",
        "SMOTE",
        "SMOTE balanced",
        "jitter",
        "mixup",
        "mine",
        *["real"] * 5,
    ]
    assert [arm.multiple for arm in arms[-5:]] == [2, 4, 5, 10, 20]
    assert [arm.name for arm in make_arms(None, False, 4, image=False)] == ["none"]


def test_a_sampler_takes_the_place_of_a_baseline_of_its_name():
    mine = SMOTE()
    arms = make_arms({"SMOTE": mine}, ["SMOTE", "ROS"], 4, image=False)
    assert [arm.name for arm in arms] == ["none", "ROS", "SMOTE"]
    assert arms[-1].sampler is mine


@pytest.mark.parametrize(
    ("samplers", "baselines", "error", "message"),
    [
        (
            {"x": object()},
            True,
            TypeError,
            "'x' must have a method fit_resample",
        ),
        ({"x": SMOTE}, True, TypeError, r"pass an instance, SMOTE\(\)"),
        ({"none": SMOTE()}, True, ValueError, "'none' is the name of a baseline"),
        ([SMOTE(), SMOTE(k_neighbors=2)], True, ValueError, "pass a dict"),
        ("SMOTE", True, TypeError, "'str' must have a method fit_resample"),
        (
            {"x": make_pipeline(StandardScaler(), SMOTE())},
            True,
            TypeError,
            "'standardscaler' of sampler 'x' transforms rows",
        ),
        (None, ["GAN"], ValueError, "got GAN"),
        (None, "GAN", ValueError, "got GAN"),
    ],
)
def test_wrong_arms_are_refused(samplers, baselines, error, message):
    with pytest.raises(error, match=message):
        make_arms(samplers, baselines, 4, image=False)


def test_lists_are_named_by_their_classes():
    arms = make_arms([Plain(), SMOTE()], False, 4, image=False)
    assert [arm.name for arm in arms] == ["none", "Plain", "SMOTE"]


def test_seeds_reach_estimators_inside_and_differ():
    class Outer(BaseEstimator):
        def __init__(self, inner=None, random_state=None):
            self.inner = inner
            self.random_state = random_state

    outer = Outer(RandomOverSampler())
    set_seeds(outer, STREAMS)
    assert outer.random_state != outer.inner.random_state
    assert None not in (outer.random_state, outer.inner.random_state)
