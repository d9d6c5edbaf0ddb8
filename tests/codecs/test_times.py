import datetime
import zoneinfo
from decimal import Decimal

import numpy as np
import pytest

from skexpand.baselines import GaussianJitter
from skexpand.codecs import TableCodec
from skexpand.codecs.times import Clock, to_utc

N = 24
DAYS = np.datetime64("2019-12-30") + np.arange(0, 7 * N, 7) % 41
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def round_trip(X):
    codec = TableCodec().fit(X)
    return codec.decode(codec.encode(X))


def expand(X):
    return GaussianJitter(ratio=5, random_state=0).fit_resample(
        X, np.arange(len(X)) % 2
    )


@pytest.mark.parametrize(
    ("times", "unit"),
    [
        (["2020-01-01", "2024-01-01"], "Y"),
        (["2020-01-01", "2024-03-01"], "M"),
        (["2020-01-02", "2024-03-01"], "D"),
        (["2020-01-02T03", "2024-03-01T00"], "h"),
        (["2020-01-02T03:04", "2024-03-01T00:00"], "m"),
        (["2020-01-02T03:04:05.006", "2024-03-01T00:00"], "ms"),
    ],
)
@pytest.mark.parametrize("resolution", ["us", "ns"])
def test_the_unit_is_the_coarsest_that_divides_all_times(times, unit, resolution):
    times = np.array([*times, "NaT"], dtype=f"M8[{resolution}]")
    clock = Clock.of(times)
    assert clock.unit == unit
    np.testing.assert_array_equal(clock.write(clock.read(times)), times)


def test_what_is_finer_than_the_unit_is_a_fraction_of_it():
    clock = Clock.of(np.array(["2020-01-01", "2020-01-04"], dtype="M8[D]"))
    noon = clock.read(np.array(["2020-01-01T12"], dtype="M8[h]"))
    np.testing.assert_array_equal(noon, [-0.5])  # the middle of the four days is 0


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns"])
@pytest.mark.parametrize("kind", "Mm")
def test_arrays_of_every_unit_round_trip(kind, unit):
    X = np.arange(-6, 6).reshape(6, 2).astype(f"{kind}8[{unit}]")
    X[2, 1] = "NaT"
    back = round_trip(X)
    assert back.dtype == X.dtype
    np.testing.assert_array_equal(back, X)


def test_an_array_without_any_time_stays_without():
    X = np.array([["NaT"], ["NaT"]], dtype="M8")
    assert np.isnat(round_trip(X)).all()


@pytest.mark.parametrize("kind", "Mm")
def test_synthetic_times_stay_whole_and_in_range(kind):
    X = DAYS.astype("M8[ns]")[:, None]
    X = X if kind == "M" else X - DAYS[0]
    X_new = expand(X)[0][N:]
    assert X_new.dtype == X.dtype
    assert (X_new >= X.min()).all() and (X_new <= X.max()).all()
    assert (X_new.astype(f"{kind}8[D]") == X_new).all()
    assert len(np.unique(X_new)) > len(np.unique(X)) / 2


CELLS = {
    "date": DAYS.tolist(),
    "datetime": (DAYS.astype("M8[us]") + np.timedelta64(7, "m")).tolist(),
    "zoned": [
        datetime.datetime.combine(day, datetime.time(12), BERLIN)
        for day in DAYS.tolist()
    ],
    "duration": (DAYS - DAYS[0]).astype("m8[us]").tolist(),
    "time": [datetime.time(i % 24, i % 60) for i in range(N)],
    "numpy": list(DAYS),
    "decimal": [Decimal(7 * i - 9).scaleb(-2) for i in range(N)],
}


@pytest.mark.parametrize("name", CELLS)
def test_python_cells_come_back_as_they_were(name):
    cells = [[cell] for cell in CELLS[name]]
    cells[3] = [None]
    back = round_trip(cells)
    assert back == cells
    assert {type(a) for (a,) in back} == {type(a) for (a,) in cells}
    new = [cell for (cell,) in expand(cells)[0] if cell is not None]
    assert {type(a) for a in new} == {type(CELLS[name][0])}
    assert min(new) >= min(CELLS[name]) and max(new) <= max(CELLS[name])


def test_decimals_keep_their_digits():
    new = expand([[cell] for cell in CELLS["decimal"]])[0][N:]
    assert {cell.as_tuple().exponent for (cell,) in new} == {-2}


def test_times_of_two_kinds_or_zones_are_refused_by_name():
    moment = datetime.datetime(2020, 1, 1, tzinfo=BERLIN)
    with pytest.raises(TypeError, match="Column 0 must hold times of one type"):
        TableCodec().fit([[moment.date()], [moment]])
    with pytest.raises(TypeError, match=r"got time zones \['Europe/Berlin', 'UTC'\]"):
        TableCodec().fit([[moment], [moment.replace(tzinfo=datetime.UTC)]])
    with pytest.raises(TypeError, match="got date, str"):
        TableCodec().fit([[moment.date()], ["2020-01-01"]])


def test_clocks_that_are_set_back_or_forward_mean_one_moment():
    wall = ["2024-03-31T02:30", "2024-10-27T02:30", "2024-07-01T00:00", "NaT"]
    utc = ["2024-03-31T01:30", "2024-10-27T00:30", "2024-06-30T22:00", "NaT"]
    np.testing.assert_array_equal(
        to_utc(np.array(wall, dtype="M8[ms]"), "Europe/Berlin"),
        np.array(utc, dtype="M8[ms]"),
    )


def moments(pd):
    """One column of every kind of time that pandas has, some of them missing."""
    pa = pytest.importorskip("pyarrow")
    days = pd.Series(DAYS.astype("M8[ns]"))
    noise = pd.to_timedelta(np.arange(N) * 12345, unit="us")
    arrow = {
        "arrow_date": pa.date32(),
        "arrow_moment": pa.timestamp("us"),
        "arrow_zoned": pa.timestamp("ms", "Europe/Berlin"),
    }
    local = days.dt.tz_localize("Europe/Berlin")
    frame = pd.DataFrame(
        {
            **{unit: days.astype(f"M8[{unit}]") for unit in ("s", "ms", "us", "ns")},
            "moment": days + noise,
            "utc": (days + noise).dt.tz_localize("UTC"),
            "local": local,
            "local_hour": local + pd.to_timedelta(np.arange(N), unit="h"),
            "fixed": days.dt.tz_localize(
                datetime.timezone(datetime.timedelta(hours=5))
            ),
            "days": days.dt.to_period("D"),
            "quarters": pd.Series(pd.period_range("2020", periods=N, freq="Q")),
            "duration": days - days[0],
            **{
                n: days.astype("M8[ms]").astype(pd.ArrowDtype(t))
                for n, t in arrow.items()
            },
            "arrow_duration": (days - days[0]).astype(pd.ArrowDtype(pa.duration("ms"))),
            "arrow_time": pd.Series(
                CELLS["time"], dtype=pd.ArrowDtype(pa.time64("us"))
            ),
            "arrow_decimal": pd.Series(
                CELLS["decimal"], dtype=pd.ArrowDtype(pa.decimal128(9, 3))
            ),
            "objects": pd.Series(list(days), dtype=object),
            "levels": days.iloc[np.arange(N) % 8]
            .reset_index(drop=True)
            .astype("category"),
            "bins": pd.Series(pd.arrays.IntervalArray.from_breaks(range(N + 1)))[
                np.arange(N) % 8
            ].reset_index(drop=True),
        }
    )
    frame.iloc[3:5, :-1] = None
    return frame


def test_pandas_times_round_trip_with_dtype_zone_and_missing_cells():
    pd = pytest.importorskip("pandas")
    frame = moments(pd)
    pd.testing.assert_frame_equal(round_trip(frame), frame)


def test_synthetic_pandas_times_keep_dtype_range_and_resolution():
    pd = pytest.importorskip("pandas")
    frame = moments(pd)
    X_new = expand(frame)[0].iloc[N:]
    pd.testing.assert_series_equal(X_new.dtypes, frame.dtypes)
    for name in frame.columns.drop(["levels", "bins"]):
        real, new = frame[name].dropna(), X_new[name].dropna()
        assert new.min() >= real.min() and new.max() <= real.max(), name
        assert 0 < X_new[name].isna().mean() < 0.4, name
    assert (X_new["ns"].dropna().dt.normalize() == X_new["ns"].dropna()).all()
    local = X_new["local"].dropna()
    assert (local.dt.normalize() == local).all() and local.dt.hour.eq(0).all()
    assert X_new["local_hour"].dropna().dt.minute.eq(0).all()


def test_polars_times_keep_their_schema_and_round_trip():
    pl = pytest.importorskip("polars")
    frame = polars_moments(pl)
    assert round_trip(frame).equals(frame)
    X_res = expand(frame)[0]
    assert X_res.schema == frame.schema and X_res[:N].equals(frame)
    new = X_res[N:].drop_nulls()
    assert (new["local"].dt.truncate("1d") == new["local"]).all()
    for name in frame.columns:
        assert new[name].min() >= frame[name].min(), name
        assert new[name].max() <= frame[name].max(), name
        assert X_res[name].null_count() > 0, name


def polars_moments(pl):
    days = pl.Series([None, *DAYS.tolist()[1:]])
    moment = days.cast(pl.Datetime("ns")) + datetime.timedelta(seconds=1)
    return pl.DataFrame(
        {
            "date": days,
            "moment": moment,
            "utc": moment.dt.replace_time_zone("UTC"),
            "local": days.cast(pl.Datetime("ms")).dt.replace_time_zone("Europe/Berlin"),
            "duration": (days - days[1]).cast(pl.Duration("us")),
            "time": pl.Series([None, *CELLS["time"][1:]]),
            "decimal": pl.Series([None, *CELLS["decimal"][1:]], dtype=pl.Decimal(9, 3)),
        }
    )


def test_arrow_times_round_trip():
    pl = pytest.importorskip("polars")
    table = polars_moments(pl).to_arrow()
    assert round_trip(table).equals(table)


def test_rows_of_another_table_are_read_by_the_fitted_clock():
    pd = pytest.importorskip("pandas")
    days = pd.Series(DAYS.astype("M8[ns]")).dt.tz_localize("Europe/Berlin")
    X = days.to_frame("when")
    codec = TableCodec().fit(X)
    part = X.iloc[5:7].reset_index(drop=True)
    np.testing.assert_array_equal(codec.encode(part), codec.encode(X)[5:7])
    noon = part + pd.Timedelta("12h")  # alone, it would be read in hours of UTC
    ahead = codec.encode(noon) - codec.encode(part)
    later = codec.encode(part + pd.Timedelta("1D")) - codec.encode(part)
    np.testing.assert_allclose(2 * ahead, later)


def test_times_are_not_taken_for_numbers_or_durations():
    X = DAYS[:, None]
    with pytest.raises(ValueError, match="difference in column 0"):
        TableCodec().fit(X).encode(X - X[0])
    with pytest.raises(ValueError, match="difference in column 0"):
        TableCodec().fit(X).encode(X.astype(int))
