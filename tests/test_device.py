"""Devices: what is there, and a message for what is not."""

import pytest
import torch

from skexpand._device import find_device


def test_auto_is_a_device_that_is_there():
    found = find_device("auto")
    assert found.type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_cpu_is_always_there():
    assert find_device("cpu") == torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_cuda_without_cuda_is_refused_with_the_way_out(device):
    with pytest.raises(ValueError, match='finds no CUDA device. Use device="auto"'):
        find_device(device)


def test_a_name_that_torch_does_not_know_is_refused():
    with pytest.raises(ValueError, match=r"a torch device .* got 'toaster'"):
        find_device("toaster")


@pytest.mark.parametrize("device", ["meta", "cuda:99"])
def test_a_device_that_cannot_compute_is_refused(device):
    with pytest.raises(ValueError, match=f"device='{device}' was asked for, but"):
        find_device(device)
