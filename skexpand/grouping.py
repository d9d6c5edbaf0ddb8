"""Members of groups that lie one after the other, numbered within their group."""

import numpy as np


def ranks_in_groups(sizes):
    """Give the members of every group numbers from 0 on.

    Parameters
    ----------
    sizes : ndarray of int, shape (n_groups,)
        Members of each group; they lie one group after the other.

    Returns
    -------
    ndarray of int, shape (sizes.sum(),)

    Examples
    --------
    >>> import numpy as np
    >>> ranks_in_groups(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
