"""Which device the user asked for, or a message why it cannot be."""

from contextlib import contextmanager

import torch


def find_device(device):
    """Resolve the `device` parameter of an estimator.

    Parameters
    ----------
    device : str
        "auto", "cpu", "cuda", "cuda:1", ...

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If torch does not know the device, or does not have it.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f'device must be "auto" or a torch device such as "cpu" or "cuda", got '
            f"{device!r}."
        ) from error
    if found.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device={device!r} was asked for, but torch {torch.__version__} finds no "
            'CUDA device. Use device="auto" or "cpu", or install a CUDA build of torch.'
        )
    try:
        # Names that torch knows may lack a build or hardware: "mps", "cuda:7". The
        # round trip also finds "meta", which holds no numbers.
        torch.zeros(1, device=found).cpu()
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device={device!r} was asked for, but this build of torch or this machine "
            'cannot compute on it. Use device="auto" or "cpu".'
        ) from error
    return found


def half_precision(device):
    """Context in which convolutions compute in bfloat16, where that is faster.

    Half of the time of a step on CPUs with matrix units for it (AMX); weights, norms
    and whatever leaves the context stay as they are. Elsewhere the context changes
    nothing.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    torch.autocast
    """
    if device.type == "cuda":
        is_faster = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        capabilities = getattr(torch.cpu, "get_capabilities", dict)()
        is_faster = device.type == "cpu" and capabilities.get("amx_bf16", False)
    kind = device.type if is_faster else "cpu"
    return torch.autocast(kind, torch.bfloat16, enabled=is_faster)


@contextmanager
def reproducible():
    """Context, or decorator, in which cuDNN gives the same bits at every run.

    Convolutions would take whichever algorithm is fastest, and some add up in any
    order. On the CPU it changes nothing.
    """
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before
