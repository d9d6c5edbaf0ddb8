"""What decides a score is in the fingerprint, and a difference is named."""

from dataclasses import replace

import pytest

from skexpand.evaluation.protocol import Protocol

PROTOCOL = Protocol("d", "0f", 0.5, 10.0, ("accuracy",), 0)
CHANGES = {
    "dataset": "e",
    "data": "1f",
    "test": "given",
    "ratio": 5.0,
    "scoring": ("f1", "accuracy"),
    "seed": 2**100,
    "version": 99,
}


@pytest.mark.parametrize(("name", "value"), CHANGES.items())
def test_every_field_changes_the_fingerprint_and_is_named(name, value):
    other = replace(PROTOCOL, **{name: value})
    assert other.fingerprint() != PROTOCOL.fingerprint()
    with pytest.raises(ValueError, match=f"another protocol: {name} was .*, is "):
        other.check_same(PROTOCOL.header(), "r.jsonl")


def test_the_same_protocol_is_the_same():
    same = replace(PROTOCOL)
    assert same.fingerprint() == PROTOCOL.fingerprint()
    same.check_same(PROTOCOL.header(), "r.jsonl")
