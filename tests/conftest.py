"""Fixtures of every test: one torch thread, untouched global generators, real data."""

import os
import random
from pathlib import Path

import numpy as np
import pytest
import torch

# Two threads under contention ran four times slower than one.
torch.set_num_threads(1)


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "global_random: the test itself draws from a global generator; not checked",
    )


@pytest.fixture(autouse=True)
def _global_generators_stay_untouched(request):
    """Fail any test during which a global random generator moved."""
    before = _global_states()
    yield
    if request.node.get_closest_marker("global_random"):
        return
    for name, state in _global_states().items():
        assert state == before[name], f"the global {name} generator was used"


def _global_states():
    return {
        "numpy": np.random.get_state()[1].tobytes() + bytes(np.random.get_state()[2]),
        "python": random.getstate(),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }


@pytest.fixture
def generator():
    """Give a seeded torch generator."""
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def data_dir():
    """Give the folder of real data, or skip: SKEXPAND_DATA, else ../shared/data."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SKEXPAND_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no data folder at {folder}; set SKEXPAND_DATA")
    return folder
