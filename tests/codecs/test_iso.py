import numpy as np
import pytest

from skexpand.codecs.iso import IsoForm


def cells(*texts):
    return np.array(texts, dtype=object)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("2024-02", "M"),
        ("2024-02-29", "D"),
        ("2024-02-29T07:30", "m"),
        ("2024-02-29 07:30", "m"),
        ("2024-02-29T07:30:00", "s"),
        ("2024-02-29 07:30:00Z", "s"),
        ("2024-02-29T07:30:00+01:00", "s"),
        ("2024-02-29T07:30:00-0100", "s"),
        ("2024-02-29T07:30:00.250", "ms"),
        ("2024-02-29T07:30:00.000001", "us"),
    ],
)
def test_every_form_is_read_and_written_back(text, unit):
    times, form = IsoForm.read(cells(None, text, text))
    assert form.unit == unit and np.isnat(times[0])
    assert form.write(times).tolist() == [None, text, text]


@pytest.mark.parametrize(
    "texts",
    [
        ["2024-02-30"],
        ["2024-02-29", "tomorrow"],
        ["2024-02-29", "2024-02-29T07:30"],
        ["2024-02-29T07:30Z", "2024-02-29T07:30+01:00"],
        ["29.02.2024"],
        ["20240229"],
        ["NaT"],
        [None, None],
        [],
    ],
)
def test_anything_else_is_left_alone(texts):
    assert IsoForm.read(cells(*texts)) == (None, None)
