"""Tables with a target column, from a folder of CSV files."""

from skexpand.datasets._folder import ENVIRONMENT_VARIABLE, find_data_dir


def load_table(name, data_dir=None):
    """Load one table of the folder ``tables`` as a frame and its target.

    Parameters
    ----------
    name : str
        File name without ``.csv``, for example ``"pima"``.
    data_dir : str or path-like, default=None
        Folder that holds ``tables/*.csv``; None asks the environment variable
        ``SKEXPAND_DATA``.

    Returns
    -------
    X : DataFrame of shape (n, p)
        All columns but the last. An empty cell is missing; texts such as ``NA``
        stay texts.
    y : Series of shape (n,)
        The last column, which must be called ``target``.

    Raises
    ------
    FileNotFoundError
        If no folder is named or it has no such table.
    ValueError
        If the last column is not called ``target``.
    ImportError
        If pandas is missing.
    """
    folder = find_data_dir(data_dir)
    if folder is None:
        raise FileNotFoundError(
            "Expected a folder that holds tables/*.csv, got none. Pass data_dir or "
            f"set the environment variable {ENVIRONMENT_VARIABLE}."
        )
    path = folder / "tables" / f"{name}.csv"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.csv"))) or "none"
        raise FileNotFoundError(
            f"Expected a table called {name!r} in {path.parent}. Tables there: {known}."
        )
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "load_table needs pandas: pip install 'skexpand[data]'."
        ) from error

    frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
    if frame.columns[-1] != "target":
        raise ValueError(
            f"The last column of {path.name} must be called 'target', got "
            f"{frame.columns[-1]!r}. Rename or move it."
        )
    return frame.iloc[:, :-1], frame["target"]
