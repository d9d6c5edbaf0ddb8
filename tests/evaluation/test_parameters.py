"""Parameters are described the same in every process, and so are their defaults."""

import numpy as np
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from sklearn.linear_model import LogisticRegression

from skexpand.evaluation._parameters import describe, describe_defaults
from skexpand.evaluation._smote import TableSMOTE
from tests.evaluation.comparisons import Repeat


def test_descriptions_are_the_same_in_every_process():
    sampler = SMOTE(sampling_strategy=lambda y: {}, random_state=3)
    text = describe(sampler)
    assert " at 0x" not in str(text)
    assert "random_state" not in text
    assert text == describe(SMOTE(sampling_strategy=sampler.sampling_strategy))
    assert describe(TableSMOTE())["k_neighbors"] == "5"
    assert describe(None) == {}
    assert describe(Repeat())["ratio"] == "1"


def test_descriptions_tell_arrays_apart_that_print_the_same():
    first, second = np.zeros(5000), np.zeros(5000)
    second[2500] = 1
    assert describe(SMOTE(k_neighbors=first)) != describe(SMOTE(k_neighbors=second))


def test_defaults_are_those_of_estimators_inside_too():
    pipeline = make_pipeline(SMOTE(k_neighbors=2), LogisticRegression(C=3))
    described, defaults = describe(pipeline), describe_defaults(pipeline)
    assert described["smote__k_neighbors"] == "2"
    assert defaults["smote__k_neighbors"] == "5"
    assert defaults["logisticregression__C"] == "1.0"
    assert "steps" not in defaults  # has none
    assert describe_defaults(Repeat()) == describe_defaults(None) == {}
