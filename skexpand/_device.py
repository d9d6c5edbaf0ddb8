"""Which device the user asked for, or a message why it cannot be."""

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
