"""Documented parameters and defaults are those of the signature."""

from dataclasses import dataclass

import pytest

from tests.contracts.docstrings import (
    documented_parameters,
    is_user_facing,
    missing_docstrings,
    public_objects,
    wrong_parameters,
)

PUBLIC = public_objects()


def test_the_list_of_public_objects_is_not_empty():
    assert "skexpand.datasets._splits.few_shot" in PUBLIC
    assert "skexpand.baselines.images.ClassicalAugmenter" in PUBLIC


def test_user_facing_is_what_public_modules_define_or_list():
    assert is_user_facing("skexpand.datasets._splits.few_shot")
    assert is_user_facing("skexpand.baselines.images.ClassicalAugmenter")
    assert is_user_facing("skexpand._encoder.KoopmanEncoder")
    assert not is_user_facing("skexpand.datasets._splits.unlisted")
    assert not is_user_facing("skexpand.nn.flow.warp")


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_have_docstrings(name):
    assert missing_docstrings(name, PUBLIC[name]) == []


@pytest.mark.parametrize("name", PUBLIC)
def test_documented_parameters_equal_the_signature(name):
    found = wrong_parameters(name, PUBLIC[name], must_document=is_user_facing(name))
    assert found == []


def well_documented(a, b=1.0, *, c="x", d=None, e=(1, 2), f=1e-3):
    """Do.

    Parameters
    ----------
    a : ndarray of shape (n, d)
        Say.
    b : float, default=1
        Say: this has, a default=7 in its text.
    c : {"x", "y"}, default="x"
        Say.
    d : int or None, \
            default=None
        Say.
    e, f : tuple or float
        Say.

    Returns
    -------
    g : int, default=9
        Not a parameter.
    """


def test_sections_and_continued_types_are_read():
    assert documented_parameters(well_documented.__doc__) == {
        "a": "ndarray of shape (n, d)",
        "b": "float, default=1",
        "c": '{"x", "y"}, default="x"',
        "d": "int or None, default=None",
        "e": "tuple or float",
        "f": "tuple or float",
    }


def test_only_the_undocumented_defaults_are_found():
    assert sorted(wrong_parameters("f", well_documented)) == [
        "f: e has the default (1, 2), documents none",
        "f: f has the default 0.001, documents none",
    ]


def documented(entry):
    return f"Do.\n\nParameters\n----------\n{entry}\n    Say.\n"


@pytest.mark.parametrize(
    ("entry", "default", "message"),
    [
        ("a : float, default=2.0", 1.0, "documents default=2.0, has 1.0"),
        ("a : int, default=1", True, "documents default=1, has True"),
        ('a : str, default="y"', "x", "documents default=\"y\", has 'x'"),
        ("a : int, default=None", 3, "documents default=None, has 3"),
        ("a : float, default=2**0.5", 2.0, "documents default=2**0.5, has 2.0"),
        ("a : int", 3, "has the default 3, documents none"),
        ("b : int, default=3", 3, "b is documented, not accepted"),
    ],
)
def test_planted_wrong_default_is_found(entry, default, message):
    def function(a=default):
        pass

    class Sampler:
        def __init__(self, a=default):
            pass

        def fit(self, a=default):
            pass

    for planted in (function, Sampler, Sampler.fit):
        planted.__doc__ = documented(entry)
    assert any(message in found for found in wrong_parameters("f", function))
    found = wrong_parameters("Sampler", Sampler)
    assert any(message in each for each in found if each.startswith("Sampler:"))
    assert any(message in each for each in found if each.startswith("Sampler.fit:"))


def test_expression_is_compared_by_its_value():
    def function(a=2**0.5):
        pass

    function.__doc__ = documented("a : float, default=2**0.5")
    assert wrong_parameters("f", function) == []


def test_planted_default_of_a_required_parameter_is_found():
    def function(a):
        pass

    function.__doc__ = documented("a : int, default=3")
    assert wrong_parameters("f", function) == [
        "f: a documents default=3, has no default"
    ]


def test_planted_undocumented_parameters_are_found():
    def function(a, *, b=1):
        """Do."""

    assert wrong_parameters("f", function) == ["f documents none of a, b"]


def test_planted_missing_docstrings_are_found():
    @dataclass
    class Bare:
        a: int

        def method(self):
            pass

    assert missing_docstrings("Bare", Bare) == ["Bare", "Bare.method"]
    assert missing_docstrings("f", well_documented) == []


def test_overridden_methods_may_inherit_their_docstring():
    class Base:
        """Say."""

        def method(self):
            """Promise."""

    class Child(Base):
        """Say."""

        def method(self):
            return 1

    assert missing_docstrings("Child", Child) == []
