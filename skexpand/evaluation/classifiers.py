"""Classifiers of a comparison, and how each is fitted in an arm."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, is_regressor
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.utils import compute_sample_weight, get_tags
from sklearn.utils.validation import has_fit_parameter

from skexpand.evaluation._containers import is_frame, is_image, pixel_range
from skexpand.evaluation._smote import NotApplicableError
from skexpand.evaluation.arms import FoldSampler, copy_of, set_seeds

# A free text column would otherwise become thousands of columns.
_MAX_CATEGORIES = 30


def default_classifiers(X):
    """Return the classifiers of a comparison that names none.

    Parameters
    ----------
    X : ndarray or DataFrame
        Images get no logistic regression, the slowest of them on pixels, nor forest.

    Returns
    -------
    dict of str to classifier
    """
    classifiers = {"k-NN": KNeighborsClassifier(), "SVM": SVC()}
    if is_image(X):
        return classifiers
    return {
        # More iterations than the default 100, which can stop before convergence.
        "logistic": LogisticRegression(max_iter=1000),
        **classifiers,
        "forest": RandomForestClassifier(),
    }


def check_classifiers(classifiers, X):
    """Return classifiers by name, refusing what cannot predict.

    Parameters
    ----------
    classifiers : dict of str to object, list of object, object, or None
        Those of a list are named by their class; None takes the defaults.
    X : ndarray or DataFrame

    Returns
    -------
    dict of str to object

    Raises
    ------
    TypeError
        If one is a class, has no ``fit`` and ``predict``, is a regressor, or does not
        derive from scikit-learn's base classes.
    ValueError
        If two of a list are of the same class, or there is none.
    """
    if classifiers is None:
        return default_classifiers(X)
    if hasattr(classifiers, "fit") or isinstance(classifiers, str):
        classifiers = [classifiers]
    if not isinstance(classifiers, dict):
        named = {type(each).__name__: each for each in classifiers}
        if len(named) < len(classifiers):
            raise ValueError(
                "Two classifiers of one class would have the same name: pass a dict of "
                "name to classifier."
            )
        classifiers = named
    if not classifiers:
        raise ValueError("At least one classifier is needed, got none.")
    for name, classifier in classifiers.items():
        if isinstance(classifier, type):
            raise TypeError(
                f"Classifier {name!r} is the class {classifier.__name__}: pass an "
                f"instance, {classifier.__name__}()."
            )
        if not (hasattr(classifier, "fit") and hasattr(classifier, "predict")):
            raise TypeError(
                f"Classifier {name!r} must have fit and predict, got "
                f"{type(classifier).__name__}."
            )
        if not hasattr(classifier, "__sklearn_tags__"):
            raise TypeError(
                f"Classifier {name!r} must be one in scikit-learn's sense: derive "
                f"{type(classifier).__name__} from sklearn.base.ClassifierMixin and "
                "BaseEstimator, in this order."
            )
        if is_regressor(classifier):
            raise TypeError(
                f"{name!r} must be a classifier, got the regressor "
                f"{type(classifier).__name__}."
            )
    return dict(classifiers)


class PixelScaler(TransformerMixin, BaseEstimator):
    """Turn images into rows of pixels between 0 and 1.

    Attributes
    ----------
    low_, high_ : float
        Darkest and brightest value: 0 and 255 for bytes, else those of `fit`.
    """

    def fit(self, X, y=None):
        """Learn the range.

        Parameters
        ----------
        X : ndarray of shape (n, ...)
        y : None, default=None
            Not used.

        Returns
        -------
        PixelScaler
        """
        self.low_, self.high_ = pixel_range(X)
        return self

    def transform(self, X):
        """Scale and flatten.

        Parameters
        ----------
        X : ndarray of shape (n, ...)

        Returns
        -------
        ndarray of float32, shape (n, pixels)
        """
        rows = X.reshape(len(X), -1).astype(np.float32)
        return (rows - self.low_) / (self.high_ - self.low_ or 1.0)


def make_encoder(X):
    """Return a transformer of rows like these to scaled numbers.

    Parameters
    ----------
    X : ndarray or DataFrame

    Returns
    -------
    transformer
        Unfitted. Numbers: median in place of missing cells, then standardized. Other
        columns: one-hot, missing a category of its own, rare ones pooled beyond 30.
        Images: flattened, between 0 and 1.
    """
    if is_image(X):
        return PixelScaler()
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    if not is_frame(X):
        return numbers
    categories = make_pipeline(
        FunctionTransformer(_as_texts),
        OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            max_categories=_MAX_CATEGORIES,
            sparse_output=False,
        ),
    )
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (categories, make_column_selector(dtype_exclude="number")),
    )


def _as_texts(frame):
    """Write every level as text: the encoder refuses columns of several types."""
    texts = np.empty(frame.shape, dtype=object)
    for j, name in enumerate(frame.columns):
        is_missing = frame[name].isna().to_numpy()
        texts[:, j] = [str(level) for level in frame[name]]
        texts[is_missing, j] = "(missing)"
    return texts


def needs_encoding(classifier, X):
    """Tell whether rows are encoded before a classifier sees them.

    Parameters
    ----------
    classifier : object
        A scikit-learn pipeline gets the rows as they are; so does a classifier whose
        tags say that it takes images, where there are images.
    X : ndarray or DataFrame

    Returns
    -------
    bool
    """
    if is_search(classifier):
        classifier = classifier.estimator
    if isinstance(classifier, Pipeline):
        return False
    takes_tags = hasattr(classifier, "__sklearn_tags__")
    takes_images = takes_tags and get_tags(classifier).input_tags.three_d_array
    return not (is_image(X) and takes_images)


def is_search(classifier):
    """Tell whether a classifier searches hyper-parameters by cross-validation.

    Parameters
    ----------
    classifier : object

    Returns
    -------
    bool
    """
    has_candidates = any(
        hasattr(classifier, name) for name in ("param_grid", "param_distributions")
    )
    return has_candidates and hasattr(classifier, "estimator")


def make_model(classifier, arm, X, y, *, ratio, streams, threshold_metric):
    """Return a classifier made ready for an arm, and the weights to fit it with.

    Parameters
    ----------
    classifier : object
        Of the user; it is copied.
    arm : Arm
    X : ndarray or DataFrame
        The small set.
    y : ndarray
        Its labels.
    ratio : float
        Growth of every class.
    streams : RandomStreams
        Of the draw. Those of classifiers do not depend on the arm.
    threshold_metric : str or callable
        What the arm "threshold" tunes for.

    Returns
    -------
    model : object
        Unfitted; takes rows as they are.
    weights : dict
        Arguments of ``fit``.

    Raises
    ------
    NotApplicableError
        If the arm cannot treat this classifier or has nothing to do on this data.
    """
    model = copy_of(classifier)
    set_seeds(model, streams.child("classifier"))
    weights = {}
    if arm.name == "class weights":
        weights = _weigh_classes(model, y)
    encoder = make_encoder(X) if needs_encoding(model, X) else None
    if is_search(model):
        sampler = None
        if arm.sampler is not None:
            sampler = FoldSampler(arm, ratio, streams.child("sampler"))
        _search_inside(model, encoder, sampler)
    elif encoder is not None:
        model = Pipeline([("encode", encoder), ("classifier", model)])
        weights = {f"classifier__{key}": value for key, value in weights.items()}
    if arm.name == "threshold":
        model = _tune_threshold(model, y, streams, threshold_metric)
    return model, weights


def _weigh_classes(model, y):
    """Set balanced class weights in place, or return the weights of the rows."""
    counts = np.unique(y, return_counts=True)[1]
    if counts.min() == counts.max():
        raise NotApplicableError("the classes are balanced already")
    names = model.get_params(deep=True) if hasattr(model, "get_params") else {}
    wanted = {
        name: "balanced" for name in names if name.rpartition("__")[2] == "class_weight"
    }
    if wanted:
        model.set_params(**wanted)
        return {}
    if has_fit_parameter(model, "sample_weight"):
        return {"sample_weight": compute_sample_weight("balanced", y)}
    raise NotApplicableError("the classifier takes no class weights")


def _search_inside(search, encoder, sampler):
    """Put encoder and sampler before a search's estimator: every fold repeats them.

    The search keeps its budget: the same candidates and folds in every arm.
    """
    from imblearn.pipeline import Pipeline as ResamplingPipeline

    estimator, prefix = search.estimator, ""
    if encoder is not None:
        estimator = Pipeline([("encode", encoder), ("classifier", estimator)])
        prefix = "classifier__"
    if sampler is not None:
        # A pipeline inside, because the host takes none between its own steps.
        estimator = ResamplingPipeline(
            [("sampler", sampler), ("classifier", estimator)]
        )
        prefix = f"classifier__{prefix}"
    candidates = {
        name: _rename(getattr(search, name), prefix)
        for name in ("param_grid", "param_distributions")
        if hasattr(search, name)
    }
    search.set_params(estimator=estimator, **candidates)


def _rename(candidates, prefix):
    if isinstance(candidates, dict):
        return {f"{prefix}{name}": values for name, values in candidates.items()}
    return [_rename(each, prefix) for each in candidates]


def _tune_threshold(model, y, streams, metric):
    labels, counts = np.unique(y, return_counts=True)
    if len(labels) > 2:
        raise NotApplicableError(
            f"a threshold needs two classes, there are {len(labels)}"
        )
    if counts.min() < 2:
        raise NotApplicableError("tuning a threshold needs two rows in every class")
    if not (hasattr(model, "predict_proba") or hasattr(model, "decision_function")):
        raise NotApplicableError("the classifier gives no scores to put a threshold on")
    folds = StratifiedKFold(
        min(5, int(counts.min())), shuffle=True, random_state=streams.seed("folds")
    )
    return TunedThresholdClassifierCV(model, scoring=metric, cv=folds)
