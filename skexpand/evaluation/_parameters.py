"""Class and parameters of estimators, as results files keep them."""

import inspect

from skexpand.evaluation._containers import describe_value


def describe(estimator):
    """Return class and parameters as strings that are the same in every process.

    Parameters
    ----------
    estimator : object or None

    Returns
    -------
    dict of str to str
        Seeds are left out: every draw sets them.
    """
    if estimator is None:
        return {}
    kind = type(estimator)
    found = {"class": f"{kind.__module__}.{kind.__qualname__}"}
    for name, value in sorted(_parameters(estimator).items()):
        if name.rpartition("__")[2] != "random_state":
            found[name] = describe_value(value)
    return found


def describe_defaults(estimator):
    """Return what `describe` says of every parameter that is left at its default.

    Parameters
    ----------
    estimator : object or None

    Returns
    -------
    dict of str to str
        Parameters of estimators inside too; those without a default are left out.
    """
    if estimator is None:
        return {}
    found, parameters = {}, _parameters(estimator)
    for name in parameters:
        outer, _, last = name.rpartition("__")
        owner = parameters.get(outer) if outer else estimator
        signature = inspect.signature(type(owner).__init__).parameters
        if last in signature and signature[last].default is not inspect.Parameter.empty:
            found[name] = describe_value(signature[last].default)
    return found


def _parameters(estimator):
    if hasattr(estimator, "get_params"):
        return estimator.get_params(deep=True)
    return vars(estimator)
