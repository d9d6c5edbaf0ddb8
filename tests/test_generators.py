"""Generators of others as samplers, with stand-ins for packages that are not here."""

from types import SimpleNamespace

import numpy as np
import pytest

pd = pytest.importorskip("pandas")

from protocols import generators, paired  # noqa: E402
from protocols.journal import append_row  # noqa: E402


@pytest.fixture
def frame():
    """Give six rows: a number with a gap, whole numbers, a category, a flag."""
    return pd.DataFrame(
        {
            "length": [1.0, np.nan, 3.0, 4.0, 5.0, 7.0],
            "count": [1, 2, 3, 4, 5, 9],
            "color": ["red", "blue", None, "red", "green", "red"],
            "flag": [0, 1, 0, 0, 1, 1],
        }
    )


Y = np.array([0, 0, 0, 0, 1, 1])
TOTALS = {0: 4, 1: 5}


def test_plain_rows_have_no_gaps_and_come_back_as_they_were(frame):
    table = generators.PlainTable(frame)
    assert table.discrete == ["color", "flag"]
    assert not table.plain.isna().any().any()
    assert table.plain["length"][1] == 4  # the median
    assert table.plain["color"][2] == "missing" and table.plain["flag"][0] == "0"
    back = table.restore(table.plain)
    pd.testing.assert_frame_equal(back.drop(columns="length"), frame[back.columns[1:]])


def test_whole_numbers_come_back_whole(frame):
    table = generators.PlainTable(frame)
    made = table.restore(table.plain.assign(count=table.plain["count"] + 0.3))
    assert made["count"].tolist() == frame["count"].tolist()


class RepeatSampler(generators.GeneratorSampler):
    """Make rows by repeating the first one of the class."""

    module = "math"

    def _make_class(self, generator, table, rows, n):
        return rows.iloc[np.zeros(n, dtype=int)]


class BrokenSampler(RepeatSampler):
    """Fail as packages of others do."""

    def _make_class(self, generator, table, rows, n):
        raise KeyError("bug of theirs")


class AbsentSampler(RepeatSampler):
    """Want what is not installed."""

    module = "no_such_generator"


def test_classes_get_what_they_lack_after_the_real_rows(frame):
    X, y = RepeatSampler(sampling_strategy=TOTALS).fit_resample(frame, Y)
    pd.testing.assert_frame_equal(X[:6], frame)
    assert y.tolist() == [*Y, 1, 1, 1]
    assert X["color"][6:].tolist() == ["green"] * 3


def test_generator_that_fails_adds_no_rows_and_says_so(frame, caplog):
    X, y = BrokenSampler(sampling_strategy=TOTALS).fit_resample(frame, Y)
    assert len(X) == len(y) == 6
    assert "BrokenSampler failed: KeyError('bug of theirs')" in caplog.text


def test_missing_package_says_how_to_get_it(frame):
    with pytest.raises(ImportError, match=r"pip install -r protocols/generators.txt"):
        AbsentSampler(sampling_strategy=TOTALS).fit_resample(frame, Y)


def test_global_generator_is_seeded_and_put_back():
    """That it is put back is what the fixture of every test asks."""
    drawn = []
    for seed in (7, 7, 8):
        with generators.seeded(seed):
            drawn.append(np.random.random())
    assert drawn[0] == drawn[1] != drawn[2]


class FakeCTGAN:
    """Make every second row with the label asked for, as a weak condition does."""

    def __init__(self, batch_size, pac, enable_gpu):
        assert batch_size % pac == 0 and batch_size % 2 == 0

    def set_random_state(self, seed):
        """Take a seed."""

    def fit(self, rows, discrete):
        """Keep the rows."""
        assert set(discrete) <= set(rows.columns)
        self.rows = rows

    def sample(self, n, column, value):
        """Return rows of which some have another label."""
        rows = self.rows.iloc[np.zeros(n, dtype=int)].copy()
        rows[column] = [value if i % 2 else "another" for i in range(n)]
        return rows


def test_ctgan_draws_again_what_has_another_label(frame, monkeypatch):
    monkeypatch.setattr(
        generators, "import_generator", lambda _: SimpleNamespace(CTGAN=FakeCTGAN)
    )
    many, labels = pd.concat([frame] * 4, ignore_index=True), np.tile(Y, 4)
    sampler = generators.CTGANSampler(sampling_strategy={0: 16, 1: 40})
    _, y = sampler.fit_resample(many, labels)
    assert np.bincount(y).tolist() == [16, 40]


class FakeForestDiffusion:
    """Look classes up by their labels, as release 1.0.6 does, and repeat rows."""

    def __init__(self, X, label_y, seed, bin_indexes, cat_indexes, int_indexes, **jobs):
        assert set(label_y) == set(range(len(set(label_y))))
        assert (bin_indexes, cat_indexes, int_indexes) == ([3], [2], [1])
        self.X, self.labels, self.y_probs = X, label_y, None

    def generate(self, n):
        """Return rows of the class of probability 1, its label behind them."""
        label = int(np.argmax(self.y_probs))
        rows = self.X[self.labels == label][np.zeros(n, dtype=int)]
        return np.column_stack([rows, np.full(n, label)])


def test_forest_diffusion_sees_the_classes_that_lack_rows_only(frame, monkeypatch):
    module = SimpleNamespace(ForestDiffusionModel=FakeForestDiffusion)
    monkeypatch.setattr(generators, "import_generator", lambda _: module)
    sampler = generators.ForestDiffusionSampler(sampling_strategy=TOTALS)
    X, y = sampler.fit_resample(frame, Y)
    assert y.tolist() == [*Y, 1, 1, 1]
    pd.testing.assert_frame_equal(
        X[6:].reset_index(drop=True),
        frame.iloc[[4, 4, 4]].reset_index(drop=True),
    )


# --- pairing with other results ------------------------------------------------------


def add_cell(path, arm, score, dataset="t@20x3", n_train=60, learner="k-NN"):
    append_row(
        path,
        {
            **{"dataset": dataset, "draw": 0, "classifier": learner, "arm": arm},
            **{"score": score, "n_real": 20, "n_train": n_train},
            "expand_cpu_seconds": 1.5,
        },
    )


@pytest.mark.parametrize(("size", "n"), [("20x3", 60), ("10:200", 400)])
def test_rows_asked_of_a_sampler(size, n):
    assert paired.rows_asked(size, 20) == n


def test_arms_are_paired_on_the_cells_that_both_files_have(tmp_path, capsys):
    ours, known = tmp_path / "new.jsonl", tmp_path / "known.jsonl"
    for table, gain in (("t@20x3", 0.1), ("u@20x3", 0.3)):
        add_cell(known, "none", 0.5, table)
        add_cell(known, "ES", 0.6, table)
        add_cell(ours, "GAN", 0.5 + gain, table)
    add_cell(ours, "GAN", 0.9, "v@20x3", n_train=20)  # unknown to the other file
    paired.main([str(ours), str(known)])
    printed = capsys.readouterr().out
    assert "Every class grown, 20x3:" in printed and "Balanced" not in printed
    row = next(line for line in printed.splitlines() if line.startswith("| GAN | 3"))
    assert row.startswith("| GAN | 3 | 3 | 1 | 0 | +20.00 [")
    assert row.endswith("|  | +10.00 [-117.06, +137.06] | 1.5 |")
