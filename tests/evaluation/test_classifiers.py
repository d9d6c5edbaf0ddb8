"""Rows are encoded alike in every arm, and searches resample inside their folds."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skexpand._random import RandomStreams
from skexpand.evaluation import ImageClassifier
from skexpand.evaluation._smote import NotApplicableError
from skexpand.evaluation.arms import Arm
from skexpand.evaluation.classifiers import (
    check_classifiers,
    make_encoder,
    make_model,
    needs_encoding,
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 3))
Y = np.repeat([0, 1], [10, 30])
IMAGES = RNG.integers(0, 256, (40, 8, 8)).astype(np.uint8)
FRAME = pd.DataFrame(
    {
        "n": pd.array([1, 2, None, 4] * 10, dtype="Int64"),
        "kind": ["x", "y", None, "x"] * 10,
        "mixed": [1, "1", 2.5, None] * 10,
    }
)


def model_for(classifier, arm="none", X=X, y=Y, **settings):
    arm = Arm(arm) if isinstance(arm, str) else arm
    settings = {"ratio": 2, "threshold_metric": "balanced_accuracy"} | settings
    return make_model(classifier, arm, X, y, streams=RandomStreams(0), **settings)


def test_frames_become_scaled_numbers_without_gaps():
    encoder = make_encoder(FRAME).fit(FRAME)
    rows = encoder.transform(FRAME)
    # n, three kinds with missing, three of the mixed ("1" twice is one) with missing
    assert rows.shape == (40, 1 + 3 + 3)
    assert np.isfinite(rows).all()
    assert rows[:, 0].mean() == pytest.approx(0)
    strange = pd.DataFrame({"n": [None], "kind": ["new"], "mixed": [None]})
    strange = strange.astype({"n": "Int64"})
    assert encoder.transform(strange)[0, 1:4].tolist() == [0, 0, 0]


def test_free_text_does_not_become_a_column_a_row():
    frame = pd.DataFrame({"id": [f"row {i}" for i in range(200)]})
    assert make_encoder(frame).fit_transform(frame).shape == (200, 30)


def test_bytes_become_shares_of_full_brightness():
    rows = make_encoder(IMAGES).fit(IMAGES[:3]).transform(IMAGES)
    np.testing.assert_allclose(rows, IMAGES.reshape(40, 64) / 255, rtol=1e-6)


def test_pipelines_and_networks_get_rows_as_they_are():
    assert needs_encoding(LogisticRegression(), X)
    assert needs_encoding(LogisticRegression(), IMAGES)
    assert not needs_encoding(make_pipeline(LogisticRegression()), X)
    assert not needs_encoding(ImageClassifier(), IMAGES)
    assert not needs_encoding(GridSearchCV(make_pipeline(GaussianNB()), {}), X)


def test_classifiers_of_the_user_are_not_changed():
    mine = RandomForestClassifier(n_estimators=3)
    model, _ = model_for(mine)
    assert mine.random_state is None
    assert model.named_steps["classifier"].random_state is not None


def test_all_arms_share_the_seeds():
    seeds = {
        model_for(RandomForestClassifier(), arm)[0][-1].random_state
        for arm in ("none", "class weights", Arm("ROS", RandomOverSampler()))
    }
    assert len(seeds) == 1


def test_class_weights_are_a_parameter_where_there_is_one():
    model, weights = model_for(make_pipeline(LogisticRegression()), "class weights")
    assert model[-1].class_weight == "balanced"
    assert weights == {}


def test_class_weights_are_row_weights_elsewhere():
    model, weights = model_for(GaussianNB(), "class weights")
    (name, values), *_ = weights.items()
    assert name == "classifier__sample_weight"
    assert values[:10].sum() == pytest.approx(values[10:].sum())
    model.fit(X, Y, **weights)
    np.testing.assert_allclose(model[-1].class_prior_, [0.5, 0.5])


@pytest.mark.parametrize(
    ("classifier", "arm", "y", "message"),
    [
        (KNeighborsClassifier(), "class weights", Y, "takes no class weights"),
        (GaussianNB(), "class weights", np.repeat([0, 1], 20), "balanced already"),
        (GaussianNB(), "threshold", np.repeat([0, 1, 2, 3], 10), "there are 4"),
        (GaussianNB(), "threshold", np.repeat([0, 1], [1, 39]), "two rows in every"),
    ],
)
def test_arms_that_cannot_be_say_why(classifier, arm, y, message):
    with pytest.raises(NotApplicableError, match=message):
        model_for(classifier, arm, y=y)


def test_threshold_is_tuned_for_the_metric_by_folds_that_exist():
    model, _ = model_for(GaussianNB(), "threshold", y=np.repeat([0, 1], [3, 37]))
    assert isinstance(model, TunedThresholdClassifierCV)
    assert model.cv.n_splits == 3
    assert model.scoring == "balanced_accuracy"
    assert set(model.fit(X, Y).predict(X)) == {0, 1}


class Watched(RandomOverSampler):
    """Keep the number of rows of every call."""

    sizes = []

    def fit_resample(self, X, y):
        self.sizes.append(len(y))
        return super().fit_resample(X, y)


@pytest.mark.parametrize(
    ("search", "n_fits"),
    [
        (GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}, cv=2), 4),
        (GridSearchCV(GaussianNB(), [{"var_smoothing": [1e-9, 1e-3]}], cv=2), 4),
        (
            RandomizedSearchCV(
                Pipeline([("s", StandardScaler()), ("b", GaussianNB())]),
                {"b__var_smoothing": [1e-9, 1e-5, 1e-3]},
                n_iter=2,
                cv=2,
            ),
            4,
        ),
    ],
    ids=["grid", "list of grids", "random"],
)
def test_searches_resample_inside_their_folds(search, n_fits):
    """Halves are resampled in the folds, all rows only for the final fit."""
    Watched.sizes.clear()
    model, _ = model_for(search, Arm("watched", Watched()))
    model.fit(X, Y)
    assert Watched.sizes == [20] * n_fits + [40]
    assert len(model.cv_results_["params"]) == 2
    assert set(model.predict(X)) <= {0, 1}


def test_searches_have_the_same_candidates_in_every_arm():
    search = RandomizedSearchCV(
        GaussianNB(), {"var_smoothing": np.logspace(-9, 0, 50)}, n_iter=3, cv=2
    )
    found = [
        model_for(search, arm)[0].fit(X, Y).cv_results_["params"]
        for arm in ("none", Arm("ROS", RandomOverSampler()))
    ]
    values = [[list(each.values()) for each in params] for params in found]
    assert len(values[0]) == 3
    assert values[0] == values[1]


class NoEstimator:
    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X))


@pytest.mark.parametrize(
    ("classifiers", "error", "message"),
    [
        ({"x": object()}, TypeError, "must have fit and predict"),
        ({"x": GaussianNB}, TypeError, r"pass an instance, GaussianNB\(\)"),
        ("SVM", TypeError, "must have fit and predict, got str"),
        ({"x": Ridge()}, TypeError, "must be a classifier, got the regressor Ridge"),
        ({"x": NoEstimator()}, TypeError, "derive NoEstimator from .*ClassifierMixin"),
        ([GaussianNB(), GaussianNB()], ValueError, "pass a dict"),
        ({}, ValueError, "got none"),
    ],
)
def test_wrong_classifiers_are_refused(classifiers, error, message):
    with pytest.raises(error, match=message):
        check_classifiers(classifiers, X)


def test_one_classifier_may_stand_alone():
    assert list(check_classifiers(GaussianNB(), X)) == ["GaussianNB"]
    assert list(check_classifiers(None, X)) == ["logistic", "k-NN", "SVM", "forest"]
    assert list(check_classifiers(None, IMAGES)) == ["k-NN", "SVM"]
