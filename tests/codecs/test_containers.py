import numpy as np
import pytest
from scipy import sparse

from skexpand.baselines import GaussianJitter, Mixup
from skexpand.codecs import TableCodec

N = 40


@pytest.fixture
def y():
    return np.arange(N) % 2


@pytest.fixture(name="X")
def numbers():
    return np.random.default_rng(0).integers(0, 100, size=(N, 3))


def expand(X, y):
    return GaussianJitter(ratio=3, random_state=0).fit_resample(X, y)


@pytest.mark.parametrize(
    "dtype", ["f2", "f4", "f8", "i1", "u1", "i4", "i8", "u8", "?", "U3"]
)
def test_an_array_keeps_its_dtype_and_its_rows(X, y, dtype):
    X = X.astype(dtype)
    X_res, _ = expand(X, y)
    assert type(X_res) is np.ndarray and X_res.dtype == X.dtype
    assert X_res.shape == (3 * N, 3) and X_res[:N].tobytes() == X.tobytes()


@pytest.mark.parametrize("dtype", ["u8", "i8"])
def test_the_largest_64_bit_integers_do_not_overflow(dtype):
    top = np.iinfo(dtype).max
    X = np.array([[top], [top - 4000], [top], [top - 8000]], dtype=dtype)
    X_res, _ = expand(X, [0, 0, 1, 1])
    assert (X_res >= top - 10000).all()


def test_object_numbers_stay_python_numbers_of_their_kind(y):
    X = np.array([[i, i / 2, None] for i in range(N)], dtype=object)
    X[::2, 2] = 5
    X_res, _ = expand(X, y)
    assert {type(v) for v in X_res[N:, 0]} == {int}
    assert {type(v) for v in X_res[N:, 1]} == {float}
    assert set(X_res[N:, 2]) == {5, None}


def test_lists_come_back_as_lists_of_python_values(X, y):
    X_res, y_res = expand(X.tolist(), y.tolist())
    assert type(X_res) is list and type(y_res) is list
    assert {type(v) for row in X_res for v in row} == {int}
    assert X_res[:N] == X.tolist()


def test_lists_may_mix_numbers_and_labels(y):
    X = [[i, "ab"[i % 2]] for i in range(N)]
    X_res, _ = expand(X, y)
    assert {type(row[0]) for row in X_res[N:]} == {int}
    assert {row[1] for row in X_res[N:]} == {"a", "b"}


def test_lists_of_arrays_stay_lists_of_arrays(X, y):
    X_res, _ = expand(list(X), y)
    assert type(X_res) is list and all(isinstance(row, np.ndarray) for row in X_res)


@pytest.mark.parametrize("kind", ["matrix", "array"])
@pytest.mark.parametrize("asked", ["csr", "csc", "coo", "lil"])
def test_sparse_input_comes_back_sparse(X, y, kind, asked):
    X = getattr(sparse, f"{asked}_{kind}")(np.where(X > 80, X, 0))
    X_res, _ = expand(X, y)
    assert X_res.format == (asked if asked in ("csr", "csc") else "csr")
    assert isinstance(X_res, sparse.sparray) == (kind == "array")
    assert X_res.dtype == X.dtype and X_res.shape == (3 * N, 3)
    assert (abs(X_res.tocsr()[:N] - X.tocsr())).nnz == 0


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "bfloat16", "int64"]
)
def test_tensors_come_back_as_tensors(X, y, dtype):
    import torch

    tensor = torch.from_numpy(X).to(getattr(torch, dtype))
    X_res, y_res = expand(tensor, torch.from_numpy(y))
    assert X_res.dtype == tensor.dtype and X_res.shape == (3 * N, 3)
    assert torch.equal(X_res[:N], tensor)
    assert torch.is_tensor(y_res) and y_res.dtype == torch.int64


def mixed_frame():
    """One column of every kind that is taken, missing cells where it can hold them."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    letters = rng.choice(list("abc"), N)
    frame = pd.DataFrame(
        {
            "float": rng.normal(size=N),
            "half": rng.normal(size=N).astype("f2"),
            "int": rng.integers(0, 9, N),
            "tiny": rng.integers(0, 9, N).astype("i1"),
            "bool": rng.random(N) > 0.5,
            "category": pd.Categorical(letters, categories=list("abcd")),
            "ordered": pd.Categorical(letters, categories=list("abxc"), ordered=True),
            "object": letters.astype(object),
            "text": pd.Series(letters),
            "Int": pd.array(rng.integers(0, 9, N), dtype="Int16"),
            "Float": pd.array(rng.random(N), dtype="Float32"),
            "boolean": pd.array(rng.random(N) > 0.5, dtype="boolean"),
            "sparse": pd.arrays.SparseArray(
                rng.integers(0, 2, N) * 1.0, fill_value=0.0
            ),
            "constant": 3.3,
            "empty": np.nan,
        }
    )
    nullable = ["half", "category", "ordered", "object", "text", "Int", "Float"]
    frame.loc[3:10, [*nullable, "boolean"]] = None
    return frame


@pytest.mark.parametrize("sampler", [GaussianJitter(), Mixup()], ids=repr)
def test_a_mixed_frame_keeps_columns_dtypes_levels_and_ranges(y, sampler):
    pd = pytest.importorskip("pandas")
    frame = mixed_frame()
    X_res, _ = sampler.set_params(random_state=0).fit_resample(frame, y)

    pd.testing.assert_series_equal(X_res.dtypes, frame.dtypes)
    pd.testing.assert_frame_equal(X_res.iloc[:N], frame)
    X_new = X_res.iloc[N:]
    for name in frame:
        real, new = frame[name].dropna(), X_new[name].dropna()
        if frame[name].dtype.kind in "iuf":
            assert real.empty or new.between(real.min(), real.max()).all(), name
        else:
            assert set(new) <= set(real), name
        if frame[name].notna().all():
            assert X_new[name].notna().all(), name
        elif name != "empty":
            assert 0 < X_new[name].isna().mean() < 0.5, name
    assert X_new["empty"].isna().all() and (X_new["constant"] == 3.3).all()


def test_a_mixed_frame_round_trips_through_the_codec():
    pd = pytest.importorskip("pandas")
    frame = mixed_frame()
    codec = TableCodec().fit(frame)
    back = codec.decode(codec.encode(frame))
    pd.testing.assert_frame_equal(back, frame, rtol=1e-3, check_exact=False)
    few = frame.iloc[[0, 5]].reset_index(drop=True)
    pd.testing.assert_frame_equal(codec.decode(codec.encode(few)), few, rtol=1e-3)


def test_pyarrow_and_odd_pandas_dtypes_come_back(y):
    pd, pa = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    rng = np.random.default_rng(0)
    letters = pd.Series(rng.choice(list("abc"), N))
    whole = pd.Series(rng.integers(0, 9, N))
    arrow = {
        "i1": (whole, pa.int8()),
        "u8": (whole, pa.uint64()),
        "f4": (whole * 1.5, pa.float32()),
        "string": (letters, pa.string()),
        "bool": (whole > 4, pa.bool_()),
        "dictionary": (letters, pa.dictionary(pa.int32(), pa.string())),
    }
    frame = pd.DataFrame(
        {
            **{
                name: cells.astype(pd.ArrowDtype(t))
                for name, (cells, t) in arrow.items()
            },
            "python": letters.astype("string[python]"),
            "numbers": pd.Categorical(whole, categories=range(20)),
            "truths": pd.Categorical(whole > 3),
            "bytes": letters.str.encode("ascii").astype(object),
        }
    )
    frame.iloc[2:9] = None
    codec = TableCodec().fit(frame)
    pd.testing.assert_frame_equal(codec.decode(codec.encode(frame)), frame)
    X_res, _ = expand(frame, y)
    pd.testing.assert_series_equal(X_res.dtypes, frame.dtypes)
    assert X_res.iloc[N:].isna().mean().between(0.05, 0.4).all()


def test_repeated_and_numeric_column_names_survive(X, y):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "a", 7]).astype({7: "float32"})
    X_res, _ = expand(frame, y)
    assert X_res.columns.tolist() == ["a", "a", 7]
    assert X_res.dtypes.tolist() == frame.dtypes.tolist()


def test_polars_frames_keep_their_schema(y):
    pl = pytest.importorskip("polars")
    letters = list("ab") * (N // 2)
    frame = pl.DataFrame(
        {
            "float": np.linspace(0, 1, N),
            "tiny": pl.Series(range(N), dtype=pl.Int8),
            "big": pl.Series([2**64 - 1, 2**63] * (N // 2), dtype=pl.UInt64),
            "null": pl.Series([None, 1, 2, 3] * (N // 4), dtype=pl.Int32),
            "text": pl.Series([None, *letters[1:]]),
            "bool": [True, False] * (N // 2),
            "category": pl.Series(letters, dtype=pl.Categorical),
            "enum": pl.Series(letters, dtype=pl.Enum(["a", "b", "c"])),
        }
    )
    X_res, y_res = expand(frame, pl.Series("t", y.tolist()))
    assert X_res.schema == frame.schema and X_res[:N].equals(frame)
    assert X_res["null"][N:].null_count() > 0 and X_res["tiny"].null_count() == 0
    assert isinstance(y_res, pl.Series) and y_res.name == "t" and len(y_res) == 3 * N
    assert Mixup().fit(frame, y).feature_names_in_.tolist() == frame.columns


def test_images_may_be_a_frame_of_pixels(y):
    pd = pytest.importorskip("pandas")
    from skexpand.codecs import ImageCodec

    pixels = np.random.default_rng(0).integers(0, 256, (N, 64), dtype=np.uint8)
    frame = pd.DataFrame(pixels).add_prefix("pixel")
    codec = ImageCodec(image_shape=(8, 8)).fit(frame)
    assert codec.encode(frame).shape == (N, 1, 8, 8)
    pd.testing.assert_frame_equal(codec.decode(codec.encode(frame)), frame)


def test_polars_frames_of_pixels_round_trip():
    pl = pytest.importorskip("polars")
    from skexpand.codecs import ImageCodec

    pixels = np.random.default_rng(0).integers(0, 256, (N, 64), dtype=np.uint8)
    frame = pl.DataFrame(pixels)
    codec = ImageCodec(image_shape=(8, 8)).fit(frame)
    assert codec.decode(codec.encode(frame)).equals(frame)
