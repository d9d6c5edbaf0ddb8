"""Where the data lies: an argument, else the environment, else a clear error."""

import os
from pathlib import Path

ENVIRONMENT_VARIABLE = "SKEXPAND_DATA"


def find_data_dir(data_dir=None):
    """Return the data folder, or None where neither source names one.

    Parameters
    ----------
    data_dir : str or path-like, default=None
        Folder to use; None asks the environment variable ``SKEXPAND_DATA``.

    Returns
    -------
    pathlib.Path or None

    Raises
    ------
    FileNotFoundError
        If the folder named does not exist.
    """
    source = "data_dir"
    if data_dir is None:
        source = f"the environment variable {ENVIRONMENT_VARIABLE}"
        data_dir = os.environ.get(ENVIRONMENT_VARIABLE) or None
    if data_dir is None:
        return None
    folder = Path(data_dir).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"Expected {source} to name a folder, got {str(data_dir)!r}, which is not "
            "one. Correct the path."
        )
    return folder
