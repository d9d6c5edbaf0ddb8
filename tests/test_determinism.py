"""Same seed, same bits: calls, processes, threads, containers; and what differs."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from skexpand import ExpansiveSynthesizer

DIGEST = """
import hashlib, sys
import numpy as np, torch
from skexpand import ExpansiveSynthesizer
kind, in_torch = sys.argv[1], int(sys.argv[2])
if in_torch:
    torch.set_num_threads(in_torch)
rng, y = np.random.default_rng(0), np.arange(30) % 3
X = {"table": rng.normal(size=(30, 7)), "image": rng.random((30, 12, 9))}[kind]
synthesizer = ExpansiveSynthesizer(ratio=4, max_iter=20, random_state=0)
X_res, _ = synthesizer.fit_resample(X, y)
print(hashlib.sha256(np.ascontiguousarray(X_res).tobytes()).hexdigest())
"""


def quick(**parameters):
    return ExpansiveSynthesizer(**{"max_iter": 3, "random_state": 0, **parameters})


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = np.arange(24) % 3
    return {
        "table": (rng.normal(size=(24, 5)), y),
        "image": (rng.random((12, 9, 8)), y[:12]),
    }


@pytest.mark.parametrize("kind", ["table", "image"])
def test_two_fits_agree_to_the_bit(kind, data):
    first, second = (quick().fit_resample(*data[kind])[0] for _ in range(2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("kind", ["table", "image"])
def test_repeated_samples_agree_and_a_new_seed_differs(kind, data):
    synthesizer = quick().fit(*data[kind])
    first, again = synthesizer.sample(20)[0], synthesizer.sample(20)[0]
    assert first.tobytes() == again.tobytes()
    assert not np.array_equal(synthesizer.sample(20, random_state=1)[0], first)


@pytest.mark.parametrize("kind", ["table", "image"])
def test_another_seed_draws_something_else(kind, data):
    first, other = (quick(random_state=s).fit(*data[kind]).sample()[0] for s in (0, 1))
    assert (first != other).mean() > 0.5


def digest(kind, n_threads, in_torch=0):
    """Expand in a process of its own; `in_torch` sets torch's threads there."""
    run = subprocess.run(
        [sys.executable, "-c", DIGEST, kind, str(in_torch)],
        env={**os.environ, "OMP_NUM_THREADS": str(n_threads)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(run.stdout.strip()) == 64
    return run.stdout


@pytest.mark.slow
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("kind", ["table", "image"])
def test_two_processes_agree_to_the_bit(kind, n_threads):
    assert digest(kind, n_threads) == digest(kind, n_threads)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["table", "image"])
def test_one_torch_thread_gives_the_same_bits_whatever_the_machine_offers(kind):
    """Torch sums gradients thread by thread, so two threads give other last bits."""
    assert digest(kind, 2, in_torch=1) == digest(kind, 1)


@pytest.mark.parametrize("order", ["C", "F"])
def test_lists_frames_and_arrays_give_the_same_bits(order, data):
    pd = pytest.importorskip("pandas")
    X, y = data["table"]
    expected = quick().fit_resample(X, y)[0]
    X = np.asarray(X, order=order)
    for container in (X, X.tolist(), pd.DataFrame(X)):
        got = np.asarray(quick().fit_resample(container, y)[0])
        assert np.ascontiguousarray(got).tobytes() == expected.tobytes()


def test_layouts_of_one_image_give_the_same_pixels(data):
    X, y = data["image"]
    expected = quick().fit(X, y).sample(12)[0]
    np.testing.assert_array_equal(
        quick().fit(X[..., None], y).sample(12)[0][..., 0], expected
    )
    np.testing.assert_array_equal(
        quick().fit(X[:, None], y).sample(12)[0][:, 0], expected
    )


def test_renaming_the_labels_in_order_changes_no_bit(data):
    X, y = data["table"]
    first = quick().fit(X, y).sample()[0]
    second = quick().fit(X, np.array(["a", "b", "c"])[y]).sample()[0]
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("kind", ["table", "image"])
def test_two_classes_with_identical_rows_get_different_synthetic_rows(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(10, 4)) if kind == "table" else rng.random((10, 8, 8))
    X_new, y_new = quick().fit(np.concatenate([X, X]), np.repeat([0, 1], 10)).sample()
    first = {row.tobytes() for row in X_new[y_new == 0]}
    second = {row.tobytes() for row in X_new[y_new == 1]}
    assert len(first) == len(second) == 90
    assert not first & second


@pytest.mark.parametrize(
    "make",
    [np.random.RandomState, np.random.default_rng],
    ids=["RandomState", "Generator"],
)
def test_generators_are_seeds_and_move_on(make, data):
    X, y = data["table"]
    first, second = (quick(random_state=make(3)).fit(X, y).sample()[0] for _ in "ab")
    np.testing.assert_array_equal(first, second)
    shared = make(3)
    draws = [quick(random_state=shared).fit(X, y).sample()[0] for _ in "ab"]
    np.testing.assert_array_equal(draws[0], first)
    assert not np.array_equal(draws[1], first)


def test_without_a_seed_draws_differ_and_global_generators_rest(data):
    """The autouse fixture of conftest.py watches the generators."""
    digests = {
        hashlib.sha256(
            quick(random_state=None).fit(*data["table"]).sample()[0]
        ).digest()
        for _ in range(2)
    }
    assert len(digests) == 2
