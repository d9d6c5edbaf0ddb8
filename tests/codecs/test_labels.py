import numpy as np
import pytest
from scipy import sparse

from skexpand.codecs import LabelCodec

CODES = [1, 0, 2, 1]


def round_trip(y):
    codec = LabelCodec()
    assert codec.fit_encode(y).tolist() == CODES
    return codec, codec.decode([2, 0])


@pytest.mark.parametrize(
    "classes",
    [
        np.array(["b", "c", "d"]),
        np.array(["b", "c", "d"], dtype=object),
        np.array([-7, 0, 99]),
        np.array([-7, 0, 99], dtype=np.int8),
        np.array([0.0, 1.0, 2.0], dtype=np.float32),
    ],
    ids=lambda classes: str(classes.dtype),
)
def test_arrays_keep_their_dtype(classes):
    codec, back = round_trip(classes[CODES])
    assert back.dtype == classes.dtype and back.tolist() == classes[[2, 0]].tolist()
    assert codec.classes_.tolist() == classes.tolist()
    joined = codec.join(classes[CODES], back)
    assert joined.dtype == classes.dtype and len(joined) == 6


def test_booleans_stay_booleans():
    codec = LabelCodec()
    assert codec.fit_encode(np.array([True, False])).tolist() == [1, 0]
    assert codec.decode([0, 1]).dtype == bool


def test_lists_give_python_values():
    codec, back = round_trip([5, -1, 8, 5])
    assert back == [8, -1] and type(back[0]) is int
    assert codec.join([5, -1], back) == [5, -1, 8, -1]


def test_a_column_vector_comes_back_flat():
    y = np.array(CODES)[:, None]
    codec, back = round_trip(y)
    assert codec.join(y, back).shape == (6,)


@pytest.mark.parametrize("dtype", ["str", "object", "category", "Int64", "int8"])
def test_series_and_one_column_frames_keep_dtype_and_name(dtype):
    pd = pytest.importorskip("pandas")
    classes = [3, 4, 5] if "nt" in dtype else ["b", "c", "d"]
    y = pd.Series([classes[c] for c in CODES], name="t").astype(dtype)
    expected = pd.Series([classes[c] for c in [2, 0]], name="t").astype(y.dtype)
    codec, back = round_trip(y)
    pd.testing.assert_series_equal(back, expected)
    assert codec.join(y, back).dtype == y.dtype
    pd.testing.assert_frame_equal(round_trip(y.to_frame())[1], expected.to_frame())


def test_one_hot_comes_back_one_hot():
    y = np.eye(3, dtype=np.int32)[CODES]
    codec, back = round_trip(y)
    assert back.dtype == np.int32 and back.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert codec.join(y, back).shape == (6, 3)


def test_one_hot_keeps_columns_of_absent_classes():
    codec = LabelCodec()
    assert codec.fit_encode(np.eye(4, dtype=int)[[3, 1]]).tolist() == [1, 0]
    assert codec.classes_.tolist() == [1, 3]
    assert codec.decode([1]).tolist() == [[0, 0, 0, 1]]


def test_sparse_one_hot_stays_sparse():
    y = sparse.csc_matrix(np.eye(3, dtype=np.int8)[CODES])
    codec, back = round_trip(y)
    assert sparse.issparse(back) and back.dtype == np.int8
    assert codec.join(y, back).toarray()[4:].tolist() == [[0, 0, 1], [1, 0, 0]]


def test_one_hot_frames_keep_their_columns():
    pd = pytest.importorskip("pandas")
    y = pd.DataFrame(np.eye(3, dtype=int)[CODES], columns=list("uvw"))
    _, back = round_trip(y)
    expected = pd.DataFrame([[0, 0, 1], [1, 0, 0]], columns=list("uvw"))
    pd.testing.assert_frame_equal(back, expected)


def test_tensors_stay_tensors():
    import torch

    y = torch.tensor(CODES, dtype=torch.int32)
    codec, back = round_trip(y)
    assert back.dtype == torch.int32 and codec.join(y, back).tolist() == [*CODES, 2, 0]


def test_polars_series_and_frames_keep_name_and_dtype():
    pl = pytest.importorskip("polars")
    y = pl.Series("t", [["b", "c", "d"][c] for c in CODES], dtype=pl.Categorical)
    codec, back = round_trip(y)
    assert (back.name, back.dtype, back.to_list()) == ("t", y.dtype, ["d", "b"])
    assert len(codec.join(y, back)) == 6
    assert round_trip(y.to_frame())[1].columns == ["t"]
