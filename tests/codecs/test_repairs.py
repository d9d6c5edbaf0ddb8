import numpy as np
import pytest

from skexpand.codecs import TableCodec
from skexpand.codecs.constraints import Constraint
from skexpand.codecs.repairs import Repairer

REAL = np.array([[0.0, 1.0, 1.0], [5.0, 9.0, 14.0], [2.5, 3.5, 6.1]])
ORDER = Constraint("a <= b", (0, 1), (1, -1), "<=")
SUM = Constraint("a + b = c", (0, 1, 2), (1, 1, -1), "=")
HUNDRED = Constraint("a + b + c = 14", (0, 1, 2), (1, 1, 1), "=", 14.0)


def repaired(row, *constraints, real=REAL):
    values = np.array([row], dtype=float)
    Repairer(list(constraints), real, None).repair(values)
    return values[0].tolist()


def test_cells_out_of_order_change_places():
    assert repaired([3, 2, 9], ORDER) == [2, 3, 9]


def test_rows_in_order_are_not_touched():
    row = [0.1, 0.2, 0.1 + 0.2]
    assert repaired(row, ORDER, SUM) == row


def test_a_total_is_set_to_its_sum():
    assert repaired([2, 3, 9], SUM) == [2, 3, 5]


def test_what_the_range_of_the_total_leaves_over_is_shared_by_room():
    # The total ends at 14; the rest, 2, is shared like the room 5 and 8 above 0 and 1.
    a, b, c = repaired([7, 9, 14], SUM)
    assert c == 14 and a + b == pytest.approx(14)
    assert (7 - a) / (9 - b) == pytest.approx(7 / 8)


def test_parts_of_a_constant_sum_move_together():
    row = repaired([2, 3, 8], HUNDRED)
    assert sum(row) == pytest.approx(14) and row[0] > 2 and row[1] > 3 and row[2] > 8


def test_whole_parts_stay_whole():
    whole = Constraint("a + b + c = 14", (0, 1, 2), (1, 1, 1), "=", 14.0)
    real = np.array([[0, 0, 0], [4, 9, 14]])
    assert repaired([2, 3, 4], whole, real=real) == [4, 6, 4]


def test_a_missing_cell_is_nothing_to_repair():
    row = repaired([3, np.nan, 2], ORDER, SUM)
    assert row[0] == 3 and np.isnan(row[1]) and row[2] == 2


def test_a_chain_of_orders_is_sorted():
    chain = [Constraint("", (i, i + 1), (1, -1), "<=") for i in range(4)]
    real = np.array([np.zeros(5), np.full(5, 9)])
    assert repaired([5, 4, 3, 2, 1], *chain, real=real) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("units", [("s", "s"), ("ms", "s"), ("s", "ns")])
def test_new_rows_of_any_resolution_keep_order_sum_range_and_dtype(units):
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    start = np.datetime64("2024-01-01", "s") + rng.integers(0, 9000, 60) * 60
    stay = rng.integers(1, 72, 60).astype("m8[h]").astype("m8[s]")
    X = pd.DataFrame({"start": start, "stay": stay, "end": start + stay})
    X = X.astype({"start": f"M8[{units[0]}]", "end": f"M8[{units[1]}]"})
    codec = TableCodec().fit(X)
    assert {one.text for one in codec.constraints_} == {
        "start < end",
        "start + stay = end",
    }
    pd.testing.assert_frame_equal(codec.decode(codec.encode(X)), X)
    x = codec.encode(X)
    new = codec.decode(x + rng.normal(size=x.shape))
    assert (new["start"] <= new["end"]).all()
    assert (new["start"] + new["stay"] == new["end"]).mean() > 0.9
    pd.testing.assert_series_equal(new.dtypes, X.dtypes)
    assert (new.min() >= X.min()).all() and (new.max() <= X.max()).all()
