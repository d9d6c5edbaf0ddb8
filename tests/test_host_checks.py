"""The hosts' own checks, and the samplers inside the hosts' machinery."""

import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from imblearn.pipeline import Pipeline, make_pipeline
from imblearn.utils import estimator_checks as imblearn_checks
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils import estimator_checks as sklearn_checks

from skexpand import ExpansiveSynthesizer, KoopmanEncoder
from skexpand.baselines import GaussianJitter, Mixup

# Seeded, because five checks compare two calls; few iterations where there are any.
SAMPLERS = [
    GaussianJitter(random_state=0),
    Mixup(random_state=0),
    ExpansiveSynthesizer(random_state=0, max_iter=3),
]

# The one transformer; everything else here resamples.
ENCODER = KoopmanEncoder(random_state=0, max_iter=3)

# Checks that do not pass as they are, each with its reason.
EXCEPTIONS = {
    "check_array_api_input": "the host skips it unless SCIPY_ARRAY_API is set",
}

# The 15 of imbalanced-learn, and two more because missing cells and strings are taken.
N_IMBLEARN_CHECKS = 17


def checks_of(host, estimators=SAMPLERS):
    params = []
    for sampler in estimators:
        for estimator, check in host.estimator_checks_generator(sampler):
            name = getattr(check, "func", check).__name__
            label = f"{type(sampler).__name__}-{name}"
            params.append(pytest.param(estimator, check, name, id=label))
    return params


@pytest.mark.global_random  # the checks themselves draw their data from it
@pytest.mark.parametrize(("estimator", "check", "name"), checks_of(imblearn_checks))
def test_imbalanced_learn_accepts_the_sampler(estimator, check, name):
    check(estimator)


@pytest.mark.global_random  # the checks themselves draw their data from it
@pytest.mark.parametrize(("estimator", "check", "name"), checks_of(sklearn_checks))
def test_scikit_learn_accepts_the_sampler(estimator, check, name):
    if name in EXCEPTIONS:
        pytest.skip(EXCEPTIONS[name])
    check(estimator)


@pytest.mark.global_random  # the checks themselves draw their data from it
@pytest.mark.parametrize(
    ("estimator", "check", "name"), checks_of(sklearn_checks, [ENCODER])
)
def test_scikit_learn_accepts_the_encoder_as_a_transformer(estimator, check, name):
    if name in EXCEPTIONS:
        pytest.skip(EXCEPTIONS[name])
    check(estimator)


def test_the_encoder_is_checked_as_a_transformer():
    names = {param.values[2] for param in checks_of(sklearn_checks, [ENCODER])}
    assert {"check_transformer_general", "check_transformer_n_iter"} <= names


@pytest.mark.parametrize("check", ["columns", "names in", "names out", "pandas"])
def test_the_encoder_treats_frames_like_the_hosts(check):
    """Checks that the host runs on its own estimators only."""
    pytest.importorskip("pandas")
    {
        "columns": sklearn_checks.check_dataframe_column_names_consistency,
        "names in": sklearn_checks.check_n_features_in,
        "names out": sklearn_checks.check_transformer_get_feature_names_out,
        "pandas": sklearn_checks.check_set_output_transform_pandas,
    }[check]("KoopmanEncoder", clone(ENCODER))


def test_no_check_of_imbalanced_learn_is_left_out():
    for sampler in SAMPLERS:
        checks = list(imblearn_checks.estimator_checks_generator(sampler))
        assert len(checks) == N_IMBLEARN_CHECKS


def test_exceptions_are_checks_that_exist():
    names = {param.values[2] for param in checks_of(sklearn_checks)}
    assert set(EXCEPTIONS) <= names


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_parameters_are_validated_like_the_hosts(sampler):
    imblearn_checks.check_param_validation(type(sampler).__name__, sampler)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_frames_are_checked_like_the_hosts(sampler):
    name = type(sampler).__name__
    imblearn_checks.check_dataframe_column_names_consistency(name, sampler)


@pytest.fixture(scope="module")
def data():
    return make_classification(150, n_informative=4, weights=[0.8], random_state=0)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_a_pipeline_is_cross_validated_on_real_rows_only(sampler, data):
    pipe = make_pipeline(clone(sampler), RandomForestClassifier(20, random_state=0))
    scores = cross_val_score(pipe, *data, cv=3, error_score="raise")
    assert len(scores) == 3 and scores.mean() > 0.7


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_a_pipeline_with_memory_reuses_what_it_fitted(sampler, data, tmp_path):
    steps = [("expand", clone(sampler)), ("classify", LogisticRegression())]
    plain = Pipeline(steps).fit(*data)
    for _ in range(2):
        cached = Pipeline(clone(plain).steps, memory=str(tmp_path)).fit(*data)
        coefficients = cached["classify"].coef_
        np.testing.assert_array_equal(coefficients, plain["classify"].coef_)
    assert len(list(tmp_path.rglob("output.pkl"))) == 1


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_the_ratio_can_be_searched(sampler, data):
    pipe = make_pipeline(clone(sampler), LogisticRegression())
    step = pipe.steps[0][0]
    search = GridSearchCV(pipe, {f"{step}__ratio": [1, 3]}, cv=2, error_score="raise")
    assert search.fit(*data).best_params_[f"{step}__ratio"] in (1, 3)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_parameters_survive_clone_and_set_params(sampler):
    changed = clone(sampler).set_params(ratio=3, sampling_strategy={0: 9})
    again = clone(changed)
    assert again.get_params() == changed.get_params()
    assert again.ratio == 3 and sampler.ratio == 10.0


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_a_fitted_sampler_is_pickled_with_its_draws(sampler, data):
    fitted = clone(sampler).fit(*data)
    copy = pickle.loads(pickle.dumps(fitted))
    for mine, theirs in zip(fitted.sample(20), copy.sample(20), strict=True):
        np.testing.assert_array_equal(mine, theirs)


DIGEST = """
import hashlib, sys, numpy as np, importlib
module, name = sys.argv[1:3]
sampler = getattr(importlib.import_module(module), name)(random_state=0)
rng = np.random.default_rng(0)
X, _ = sampler.fit_resample(rng.normal(size=(60, 7)), np.arange(60) % 3)
print(hashlib.sha256(np.ascontiguousarray(X).tobytes()).hexdigest())
"""


# Torch sums in another order with another number of threads: ES is in test_determinism.
@pytest.mark.parametrize("sampler", SAMPLERS[:2], ids=repr)
def test_two_processes_and_thread_counts_agree_to_the_bit(sampler):
    digests = set()
    for threads in ("1", "2"):
        kind = type(sampler)
        run = subprocess.run(
            [sys.executable, "-c", DIGEST, kind.__module__, kind.__name__],
            env={**os.environ, "OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(run.stdout)
    assert len(digests) == 1


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_a_sampler_is_silent_on_good_input(sampler, data):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clone(sampler).fit_resample(*data)
    assert caught == []
