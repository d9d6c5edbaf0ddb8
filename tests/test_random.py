import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skexpand._random import RandomStreams

ASK = """
from skexpand._random import RandomStreams
streams = RandomStreams(7)
print(streams.numpy("noise", 3).integers(2**62), streams.torch("noise").initial_seed())
"""


def draw(streams, *key):
    return streams.numpy(*key).integers(0, 2**63, size=8)


def test_the_same_state_and_key_give_the_same_bits_in_any_order():
    first, second = RandomStreams(0), RandomStreams(0)
    a, b = draw(first, "a"), draw(first, "b", 1)
    np.testing.assert_array_equal(draw(second, "b", 1), b)
    np.testing.assert_array_equal(draw(second, "a"), a)
    np.testing.assert_array_equal(draw(first, "a"), a)


def test_a_stream_is_the_seed_sequence_it_documents():
    """crc32("a") is 0xE8B7BE43."""
    sequence = np.random.SeedSequence(5, spawn_key=(0xE8B7BE43, 2))
    expected = np.random.default_rng(sequence).integers(0, 2**63, size=8)
    np.testing.assert_array_equal(draw(RandomStreams(5), "a", 2), expected)


@pytest.mark.parametrize("key", [("a",), ("b",), ("a", 0), ("a", 1), ("b", "a"), (0,)])
def test_other_keys_and_other_states_give_other_bits(key):
    reference = draw(RandomStreams(0), "x")
    assert not np.array_equal(draw(RandomStreams(0), *key), reference)
    assert not np.array_equal(
        draw(RandomStreams(1), *key), draw(RandomStreams(0), *key)
    )


def test_a_child_is_a_longer_key():
    streams = RandomStreams(3)
    np.testing.assert_array_equal(
        draw(streams.child("shard", 4).child("x"), "noise"),
        draw(streams, "shard", 4, "x", "noise"),
    )


def test_torch_streams_repeat_and_differ():
    import torch

    streams = RandomStreams(0)
    a = torch.rand(5, generator=streams.torch("a"))
    assert torch.equal(a, torch.rand(5, generator=streams.torch("a")))
    assert not torch.equal(a, torch.rand(5, generator=streams.torch("b")))
    assert streams.torch("a").device.type == "cpu"


def test_none_is_fresh_every_time():
    a, b = RandomStreams(None), RandomStreams(None)
    assert a.entropy != b.entropy
    np.testing.assert_array_equal(draw(a, "x"), draw(a, "x"))


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_numpy_generators_seed_and_are_advanced_once(make):
    state = make(0)
    a, b = RandomStreams(state), RandomStreams(state)
    assert a.entropy != b.entropy
    assert RandomStreams(make(0)).entropy == a.entropy


def test_seeds_are_32_bit_integers_of_the_key():
    streams = RandomStreams(0)
    assert streams.seed("a") == streams.seed("a") != streams.seed("b")
    assert 0 <= streams.seed("a") < 2**32


def test_two_processes_agree():
    runs = [
        subprocess.run(
            [sys.executable, "-c", ASK], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1] != ""


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (-1, ValueError, "must not be negative, got -1"),
        ("seed", TypeError, "got str"),
        (0.5, TypeError, "got float"),
    ],
)
def test_other_random_states_are_refused(state, error, message):
    with pytest.raises(error, match=message):
        RandomStreams(state)


PLANTED = """
import random, numpy, torch
def test_numpy(): numpy.random.rand()
def test_python(): random.random()
def test_torch(): torch.rand(1)
def test_innocent(): numpy.random.default_rng(0).random()
"""


def test_the_fixture_catches_every_use_of_a_global_generator(tmp_path):
    """Three planted violations, three errors; the innocent test passes."""
    conftest = Path(__file__).with_name("conftest.py").read_text(encoding="utf-8")
    (tmp_path / "conftest.py").write_text(conftest, encoding="utf-8")
    (tmp_path / "test_planted.py").write_text(PLANTED, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", tmp_path, tmp_path],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert "4 passed, 3 errors" in run.stdout
    for name in ("numpy", "python", "torch"):
        assert f"the global {name} generator was used" in run.stdout


def test_a_key_is_needed():
    with pytest.raises(TypeError, match="at least one name"):
        RandomStreams(0).numpy()
