import numpy as np
import pytest

from skexpand import ExpansiveSynthesizer
from skexpand.codecs import TableCodec
from skexpand.codecs.constraints import find_constraints

N = 60


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def texts(X):
    return [one.text for one in TableCodec().fit(X).constraints_]


def stays(pd, rng):
    """Hospital stays: an order, sums of three kinds, a repeated column."""
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, N), "D")
    stay = pd.to_timedelta([0, *rng.integers(0, 30, N - 1)], unit="D")
    drugs, care = rng.integers(0, 9, N), rng.integers(0, 90, N)
    share = rng.dirichlet([1, 2, 3, 4], N)
    return pd.DataFrame(
        {
            "start": start,
            "stay": stay,
            "end": start + stay,
            "drugs": drugs,
            "care": care,
            "total": drugs + care,
            "again": drugs,
            **{f"share{i}": share[:, i] for i in range(4)},
            "noise": rng.normal(size=N),
            "kind": rng.choice(list("ab"), N),
        }
    )


def test_orders_and_sums_between_numbers_and_times_are_found(rng):
    pd = pytest.importorskip("pandas")
    X = stays(pd, rng)
    assert texts(X) == [
        "drugs = again",
        "start <= end",
        "care <= total",
        "start + stay = end",
        "drugs + care = total",
        "share0 + share1 + share2 + share3 = 1",
    ]
    codec = TableCodec().fit(X)
    again = codec.count_violations(codec.decode_values(codec.encode(X)))
    assert set(again.values()) == {0}


def test_a_long_sum_is_found_beside_a_short_one(rng):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(rng.normal(size=(N, 5)), columns=list("abcde"))
    X["part"] = X["a"] + X["b"]
    X["all"] = X["b"] + X["c"] + X["d"] + X["e"]
    assert texts(X) == ["a + b = part", "b + c + d + e = all"]


def test_independent_columns_have_no_constraint(rng):
    assert texts(rng.normal(size=(N, 40))) == []
    assert texts(rng.integers(0, 3, size=(N, 40))) == []


def test_an_order_that_ranges_explain_is_none(rng):
    low = rng.random(N)
    for gap in (0.9, 1.0, 5.0):
        high = rng.random(N) + gap
        assert texts(np.column_stack([low, high])) == []


def test_an_order_needs_twenty_rows(rng):
    low = rng.random(20)
    X = np.column_stack([low, low + rng.random(20) / 3])
    assert texts(X) == ["column 0 < column 1"] and texts(X[:19]) == []


def test_what_follows_from_two_orders_is_left_out(rng):
    X = np.cumsum(rng.random((N, 4)) * [1, 0.2, 0.2, 0.2], axis=1)
    assert texts(X) == [f"column {i} < column {i + 1}" for i in range(3)]


def test_equal_cells_make_an_order_weak(rng):
    low = rng.integers(0, 9, N)
    high = low + rng.integers(0, 2, N)
    assert texts(np.column_stack([low, high])) == ["column 0 <= column 1"]


def test_missing_cells_neither_hide_nor_break_a_constraint(rng):
    low = rng.random(N)
    X = np.column_stack([low, low + rng.random(N) / 3])
    X[:9, 0], X[5:20, 1] = np.nan, np.nan
    codec = TableCodec().fit(X)
    assert codec.count_violations(X) == {"column 0 < column 1": 0}
    broken = np.array([[0.5, 0.4], [0.5, np.nan], [0.5, 0.5], [0.4, 0.5]])
    assert codec.count_violations(broken) == {"column 0 < column 1": 2}


def test_dates_and_numbers_are_not_compared(rng):
    pd = pytest.importorskip("pandas")
    days = rng.integers(0, 300, N)
    X = pd.DataFrame({"day": pd.Timestamp("1970-01-01") + pd.to_timedelta(days, "D")})
    X["number"] = (days + rng.integers(1, 9, N)) * 86400.0
    X["month"] = X["day"].dt.to_period("M")
    assert texts(X) == []


def test_many_rows_are_screened_by_some_and_checked_by_all(rng):
    low = rng.random(10_001)
    X = np.column_stack([low, low + 0.1])
    assert len(find_constraints(X, None, range(2))) == 1
    X[7777, 0] = 2.0  # not among the rows that are screened
    assert find_constraints(X, None, range(2)) == []


def test_more_than_200_columns_are_not_searched(rng):
    X = np.cumsum(rng.random((30, 201)), axis=1)
    assert find_constraints(X, None, range(201)) == []


@pytest.mark.parametrize("as_frame", [True, False])
def test_the_synthesizer_counts_the_rows_that_break_a_constraint(rng, as_frame):
    pd = pytest.importorskip("pandas")
    X = stays(pd, rng)[["start", "end", "drugs", "care", "total"]]
    X = X if as_frame else X[["drugs", "care", "total"]].to_numpy()
    synthesizer = ExpansiveSynthesizer(ratio=3, max_iter=1, random_state=0)
    X_res, _ = synthesizer.fit_resample(X, np.arange(N) % 2)
    names = ["drugs", "care", "total"] if as_frame else [0, 1, 2]
    new = pd.DataFrame(X_res)[N:]
    drugs, care, total = (new[name] for name in names)
    label = (lambda name: name) if as_frame else (lambda name: f"column {name}")
    found = synthesizer.violations_
    assert found[" + ".join(map(label, names[:2])) + f" = {label(names[2])}"] == (
        (drugs + care != total).sum()
    )
    assert found[f"{label(names[1])} <= {label(names[2])}"] == (care > total).sum()
    if as_frame:
        assert found["start <= end"] == (new["start"] > new["end"]).sum()
    synthesizer.sample(0)
    assert set(synthesizer.violations_.values()) == {0}


def test_images_have_no_constraints(rng):
    images = rng.random((8, 8, 8))
    synthesizer = ExpansiveSynthesizer(ratio=2, max_iter=1, random_state=0)
    synthesizer.fit_resample(images, [0, 1] * 4)
    assert synthesizer.violations_ == {}
