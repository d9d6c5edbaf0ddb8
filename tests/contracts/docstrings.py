"""Compare numpydoc parameter lists with signatures; return the violations."""

import importlib
import inspect
import math
import pkgutil
import re
from functools import cache
from itertools import zip_longest

import skexpand

_SECTION = re.compile(r"^(?P<title>\S.*)\n-{3,}$", re.MULTILINE)
_ENTRY = re.compile(r"^(?P<names>\*{0,2}\w[\w, *]*?)\s*(?::\s*(?P<type>.*))?$")
# default=1.0 | default="a" | default=(1, 2) | default=None, at the end of the type.
_DEFAULT = re.compile(r"\bdefault\s*[=:]?\s*(?P<value>.+)$")
_USER_FACING = ("baselines", "datasets", "evaluation")
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def public_objects():
    """Return {dotted name: object} of public classes and functions of the package.

    Public is what a module defines under a name without an underscore. That holds
    for private modules too: their names reach users by re-export.
    """
    found = {}
    for info in pkgutil.walk_packages(skexpand.__path__, "skexpand."):
        if info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            is_ours = getattr(value, "__module__", None) == info.name
            if is_ours and not name.startswith("_"):
                if inspect.isclass(value) or inspect.isfunction(value):
                    found[f"{info.name}.{name}"] = value
    return found


def public_methods(cls):
    """Return {name: function} of the public methods a class itself defines."""
    methods = {}
    for name, value in vars(cls).items():
        function = getattr(value, "__func__", value)  # classmethod, staticmethod
        if not name.startswith("_") and inspect.isfunction(function):
            methods[name] = function
    return methods


def documented_parameters(doc):
    """Return {name: type text} of the section Parameters, or None without one."""
    doc = inspect.cleandoc(doc or "")
    titles = list(_SECTION.finditer(doc))
    for title, following in zip_longest(titles, titles[1:]):
        if title["title"].strip() == "Parameters":
            body = doc[title.end() : following.start() if following else None]
            # A type may go on after a backslash, on a line that is indented.
            body = re.sub(r"\\\n\s*", "", body)
            entries = {}
            for line in body.splitlines():
                entry = _ENTRY.match(line)
                if entry:
                    kind = " ".join((entry["type"] or "").split())
                    for name in entry["names"].split(","):
                        entries[name.strip().lstrip("*")] = kind
            return entries
    return None


def missing_docstrings(name, value):
    """Return the public name and its public methods that have no docstring."""
    missing = [] if own_docstring(value) else [name]
    for key in public_methods(value) if inspect.isclass(value) else ():
        # An overriding method may inherit what it promises.
        if not any(
            vars(base)[key].__doc__ for base in value.__mro__ if key in vars(base)
        ):
            missing.append(f"{name}.{key}")
    return missing


def own_docstring(value):
    """Return an object's own docstring, not an inherited or generated one."""
    doc = value.__dict__.get("__doc__") if inspect.isclass(value) else value.__doc__
    # A dataclass without a docstring is given its signature as one.
    if doc and inspect.isclass(value) and doc.startswith(f"{value.__name__}("):
        return None
    return doc


def is_user_facing(name):
    """Tell whether users call an object by name, or only the package itself does.

    What a private module defines is user-facing where a public one lists it.
    """
    _, *path, last = name.split(".")
    if last in skexpand.__all__:
        return True
    if path[0] not in _USER_FACING:
        return False
    is_private = any(part.startswith("_") for part in path)
    return not is_private or last in _listed_names()


@cache
def _listed_names():
    names = set()
    for info in pkgutil.walk_packages(skexpand.__path__, "skexpand."):
        _, *path = info.name.split(".")
        if path[0] in _USER_FACING and not any(part.startswith("_") for part in path):
            names |= set(getattr(importlib.import_module(info.name), "__all__", ()))
    return names


def wrong_parameters(name, value, *, must_document=True):
    """Return where the documented parameters and the signature disagree.

    Classes are compared by their constructor. With `must_document` functions and
    classes need a section Parameters; without, and for methods, it is compared
    where there is one.
    """
    violations = _compare(name, value, value.__doc__, must_document)
    if inspect.isclass(value):
        for key, method in public_methods(value).items():
            violations += _compare(
                f"{name}.{key}", method, method.__doc__, must_document=False
            )
    return violations


def _compare(name, value, doc, must_document):
    documented = documented_parameters(doc)
    try:
        parameters = dict(inspect.signature(value).parameters)
    except ValueError:  # builtin constructors, of exceptions for example
        return []
    for receiver in ("self", "cls"):
        parameters.pop(receiver, None)
    is_named = {
        key for key, parameter in parameters.items() if parameter.kind not in _VARIADIC
    }
    if documented is None:
        if must_document and is_named:
            return [f"{name} documents none of {', '.join(sorted(is_named))}"]
        return []

    violations = [
        f"{name}: {key} is documented, not accepted"
        for key in documented
        if key not in parameters
    ]
    violations += [
        f"{name}: {key} is not documented"
        for key in sorted(is_named)
        if key not in documented
    ]
    for key in documented.keys() & is_named:
        wrong = _wrong_default(documented[key], parameters[key].default)
        if wrong:
            violations.append(f"{name}: {key} {wrong}")
    return violations


def _wrong_default(type_text, actual):
    match = _DEFAULT.search(type_text)
    if actual is inspect.Parameter.empty:
        return f"documents {match[0]}, has no default" if match else None
    if match is None:
        return f"has the default {actual!r}, documents none"
    text = match["value"].strip().rstrip(".").strip("`")
    try:
        # Not only literals: 2**0.5 says more than its digits.
        documented = eval(text, {"__builtins__": {}, "math": math})
    except (SyntaxError, NameError, AttributeError):
        documented = text  # a bare word: compare as written
    same = documented == actual and type(documented) is type(actual)
    number = isinstance(documented, int | float) and isinstance(actual, int | float)
    is_bool = isinstance(documented, bool) or isinstance(actual, bool)
    if same or (number and not is_bool and documented == actual):
        return None
    if isinstance(documented, str) and documented in (repr(actual), str(actual)):
        return None
    return f"documents default={text}, has {actual!r}"
