"""Drawing from a trained expansion: balance, provenance, the judge's second chances."""

import numpy as np
import pytest
import torch

from skexpand import ExpansiveSynthesizer
from skexpand._random import RandomStreams
from skexpand.expansion import fill_places, groups_of
from skexpand.image_judge import ImageJudge, worthwhile_candidates


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [12, 7, 5])
    return rng.normal(size=(24, 5)) + y[:, None], y


def fit(data, **parameters):
    settings = {"max_iter": 2, "random_state": 0, **parameters}
    return ExpansiveSynthesizer(**settings).fit(*data)


class Judge:
    """Accept by rule, rename the others, and remember what was shown."""

    def __init__(self, rule, otherwise=-1):
        self.rule, self.otherwise, self.shown = rule, otherwise, []

    def name(self, x, y):
        self.shown.append(len(x))
        return np.where(self.rule(len(x), len(self.shown)), y, self.otherwise)


def drawn_with(judge, data, counts=(20, 0, 10), **parameters):
    fitted = fit(data, **parameters)
    fitted._expansion.judge = judge
    streams = RandomStreams(0)
    return fitted._expansion, fitted._expansion.draw(np.array(counts), streams)


def test_counts_are_exact_and_rows_come_in_class_order(table):
    _, (x_new, y_new, provenance) = drawn_with(None, table)
    assert x_new.shape == (30, 5) and y_new.tolist() == [0] * 20 + [2] * 10
    assert provenance.parents.shape == provenance.weights.shape == (30, 17)


def test_refused_rows_are_drawn_again_and_accepted_ones_are_kept(table):
    judge = Judge(lambda n, call: np.arange(n) % 2 == 0)
    expansion, (x_new, *_) = drawn_with(judge, table, n_candidates=3)
    assert judge.shown == [30, 15, 7]
    assert expansion.acceptance_rate == 0.5
    _, (plain, *_) = drawn_with(Judge(lambda n, call: np.ones(n, bool)), table)
    is_kept = (x_new[:, None] == plain).all(axis=2).any(axis=1)
    assert is_kept.sum() == 15


def test_a_row_of_another_name_fills_a_place_of_that_class(table):
    """Half of class 0 are given to class 2, whose own are all refused."""
    X, y = table
    judge = Judge(lambda n, call: np.arange(n) < 10, otherwise=2)
    expansion, (x_new, y_new, provenance) = drawn_with(judge, table, n_candidates=3)
    assert judge.shown == [30, 10]
    assert y_new.tolist() == [0] * 20 + [2] * 10
    source = y[provenance.parents[:, 0]]
    assert (source[:20] == 0).all() and 0 < (source[20:] == 0).sum() < 10
    assert expansion.acceptance_rate == pytest.approx(1 / 3 + 1 / 3)


def test_without_places_in_other_classes_names_are_refusals(table):
    judge = Judge(lambda n, call: np.arange(n) < 15, otherwise=1)
    _, (x_new, y_new, _) = drawn_with(judge, table, (20, 0, 0), n_candidates=3)
    assert judge.shown == [20, 5] and len(x_new) == 20


@pytest.mark.parametrize("seed", range(3))
def test_places_go_to_candidates_of_their_class_until_either_runs_out(seed):
    generator = np.random.default_rng(seed)
    wanted, names = generator.integers(0, 4, 50), generator.integers(-1, 5, 60)
    places, chosen = fill_places(wanted, names, generator)
    np.testing.assert_array_equal(wanted[places], names[chosen])
    assert len(set(places)) == len(places) and len(set(chosen)) == len(chosen)
    for code in range(4):
        filled = np.count_nonzero(wanted[places] == code)
        assert filled == min((wanted == code).sum(), (names == code).sum())


def test_all_candidates_of_a_class_have_the_same_chance():
    wanted, names = np.zeros(5, dtype=int), np.zeros(10, dtype=int)
    generator = np.random.default_rng(0)
    used = np.zeros(10)
    for _ in range(400):
        used[fill_places(wanted, names, generator)[1]] += 1
    assert used.min() > 150 and used.max() < 250


def test_a_judge_that_is_pleased_is_asked_once(table):
    judge = Judge(lambda n, call: np.ones(n, dtype=bool))
    expansion, _ = drawn_with(judge, table, n_candidates=5)
    assert judge.shown == [30] and expansion.acceptance_rate == 1.0


def test_a_judge_that_refuses_everything_still_gets_exact_counts(table):
    judge = Judge(lambda n, call: np.zeros(n, dtype=bool))
    _, (x_new, y_new, _) = drawn_with(judge, table, n_candidates=3)
    assert judge.shown == [30, 30, 30] and len(x_new) == len(y_new) == 30
    assert np.isfinite(x_new).all()


def test_the_last_resort_goes_a_quarter_of_the_way(table):
    """Its weights say so."""
    refuse = Judge(lambda n, call: np.zeros(n, dtype=bool))
    _, (_, _, short) = drawn_with(refuse, table, n_candidates=2, attention=None)
    _, (_, _, full) = drawn_with(None, table, n_candidates=1, attention=None)
    norms = [np.linalg.norm(p.weights[:, 1::2], axis=1) for p in (short, full)]
    np.testing.assert_allclose(norms[0], norms[1] / 4, rtol=1e-5)


def test_the_rows_of_a_class_are_moved_equally_often(table):
    synthesizer = fit(table, n_candidates=1)
    synthesizer.sample({0: 60, 1: 70, 2: 3})
    used = np.bincount(synthesizer.parents_[:, 0], minlength=24)
    assert (used[:12] == 5).all() and (used[12:19] == 10).all()
    assert used[19:].sum() == 3 and used[19:].max() == 1


def test_pairs_join_rows_of_one_class_with_opposite_weights(table):
    X, y = table
    synthesizer = fit(table, n_candidates=1)
    _, y_new = synthesizer.sample(50)
    parents, weights = synthesizer.parents_, synthesizer.mixing_weights_
    np.testing.assert_array_equal(y[parents[:, 0]], y_new)
    np.testing.assert_array_equal(weights[:, 0], 1)
    np.testing.assert_array_equal(y[parents[:, 1::2]], y[parents[:, 2::2]])
    np.testing.assert_array_equal(weights[:, 1::2], -weights[:, 2::2])
    assert (parents[:, 1::2] != parents[:, 2::2]).all()


def test_rows_of_a_table_meet_every_pair_of_their_own_class_only(table):
    X, y = table
    synthesizer = fit(table, n_candidates=1)
    _, y_new = synthesizer.sample(60)
    parents = synthesizer.parents_
    assert (y[parents] == y_new[:, None]).all()
    for code, n_pairs in enumerate((12 * 11 // 2, 7 * 6 // 2, 5 * 4 // 2)):
        ends = parents[y_new == code, 1:].reshape(-1, 2)
        assert len(np.unique(ends, axis=0)) == n_pairs


def test_a_class_of_one_row_meets_the_pairs_of_the_others(table):
    X, y = table[0][:20], np.r_[table[1][:19], 2]
    with pytest.warns(UserWarning, match="one sample each"):
        synthesizer = fit((X, y))
    X_new, _ = synthesizer.sample({2: 60})
    assert set(y[synthesizer.parents_[:, 1:]].ravel()) == {0, 1}
    assert len(np.unique(X_new, axis=0)) == 60


def test_pairs_of_all_classes_reach_an_image():
    x = np.random.default_rng(0).random((9, 8, 8))
    y = np.repeat([0, 1, 2], 3)
    synthesizer = fit((x, y))
    synthesizer.sample({2: 20})
    assert set(y[synthesizer.parents_[:, 1:]].ravel()) == {0, 1, 2}


def test_without_an_expander_a_row_is_the_weighted_sum_of_its_parents(table):
    """In encoded space, to float32: the provenance is the recipe."""
    X, y = table
    synthesizer = fit(table, expander=False, attention=None)
    X_new, _ = synthesizer.sample(40)
    parents, weights = synthesizer.parents_, synthesizer.mixing_weights_
    encode = synthesizer._codec.encode
    mixed = (weights[..., None] * encode(X)[parents]).sum(axis=1)
    np.testing.assert_allclose(encode(X_new), mixed, atol=1e-4)


@pytest.mark.parametrize("attention", [None, "spatial"])
def test_without_an_expander_a_row_lies_between_two_of_its_class(table, attention):
    X, y = table
    synthesizer = fit(table, expander=False, attention=attention)
    X_new, y_new = synthesizer.sample(40)
    for row, label in zip(X_new, y_new, strict=True):
        own = X[y == label]
        # Between two points: the distances to them add up to theirs.
        distance = np.linalg.norm(own - row, axis=1)
        detour = (
            distance[:, None] + distance - np.linalg.norm(own[:, None] - own, axis=2)
        )
        detour += np.diag(np.full(len(own), np.inf))
        assert detour.min() < 1e-4


def test_the_graph_behind_a_draw_is_certified(table):
    synthesizer = fit(table)
    synthesizer.sample(200)
    assert 0 < synthesizer.sample_graph_.spectral_gap <= 1
    plain = fit(table, expander=False)
    plain.sample(20)
    assert plain.sample_graph_ is None


def test_nothing_is_drawn_when_nothing_is_asked(table):
    X_new, y_new = fit(table).sample(0)
    assert X_new.shape == (0, 5) and len(y_new) == 0


class Angles(torch.nn.Module):
    """Two pixels are the features, and the logits of two classes."""

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))
        self.features, self.to_logits = torch.nn.Flatten(), torch.nn.Identity()


def two_pixels(*pairs):
    return torch.tensor(pairs, dtype=torch.float32).view(-1, 1, 1, 2)


def test_the_image_judge_keeps_what_it_labels_as_intended_and_has_not_seen():
    """Class 1 is where the second pixel is the larger one."""
    known = two_pixels([1, 0], [0, 1])
    judge = ImageJudge(Angles(), known, torch.tensor([0, 1]))
    near, far, wrong, wrong_and_sure = [0.1, 1], [0.9, 1], [1, 0.9], [1, 0]
    candidates = two_pixels(wrong_and_sure, near, wrong, far)
    for n_keep, expected in [(1, [3]), (2, [1, 3]), (4, [0, 1, 2, 3])]:
        asked = np.array([1]), np.array([4]), np.array([n_keep])
        rows, is_accepted = judge.choose(candidates, *asked)
        assert rows.tolist() == expected
        assert is_accepted.tolist() == [False, True, False, True]


def test_the_image_judge_chooses_in_each_group():
    judge = ImageJudge(Angles(), two_pixels([1, 0], [0, 1]), torch.tensor([0, 1]))
    near, far, near_1, far_1 = [1, 0.1], [1, 0.9], [0.1, 1], [0.9, 1]
    x = two_pixels(near, far, near_1, near_1, far_1, far_1)
    rows, _ = judge.choose(x, *np.array([[0, 1], [2, 4], [1, 2]]))
    assert rows[0] == 1 and rows[1] in (2, 3) and rows[2] in (4, 5)


@pytest.mark.parametrize(
    "counts, most", [((90, 0, 300), 1000), ((1, 129, 1), 50), ((0, 0), 9), ((7,), 0)]
)
def test_groups_cover_exactly_what_is_asked(counts, most):
    rounds = list(groups_of(np.array(counts), most))
    totals = np.zeros(len(counts), dtype=int)
    for codes, sizes in rounds:
        np.add.at(totals, codes, sizes)
        assert sizes.min() > 0 and sizes.max() <= 128
        assert sizes.sum() <= most + 128
    assert tuple(totals) == tuple(counts)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 6)
    return rng.random((12, 8, 8)) * 0.5 + y[:, None, None] * 0.5, y


def test_images_are_chosen_from_a_surplus(images):
    """They are labeled as intended, and lie farther apart than what comes first."""
    X, y = images
    fitted = ExpansiveSynthesizer(max_iter=60, n_candidates=8, random_state=0)
    judge = fitted.fit(X, y)._expansion.judge
    fitted._expansion.judge = None
    surplus, codes, _ = fitted._expansion.draw(np.array([40, 40]), RandomStreams(0))
    fitted._expansion.judge = judge
    chosen, _, _ = fitted._expansion.draw(np.array([40, 40]), RandomStreams(0))
    assert fitted._expansion.acceptance_rate > 0.5

    def spread(x):
        features, belief = (t.cpu() for t in judge._look(torch.from_numpy(x)))
        distance = 1 - features[codes == 0] @ features[codes == 0].T
        nearest = distance.fill_diagonal_(2).amin(dim=1).median()
        return nearest, (belief.argmax(dim=1).numpy() == codes).mean()

    (wide, agreed), (narrow, _) = spread(chosen), spread(surplus)
    assert wide > 1.2 * narrow and agreed == 1


def test_the_larger_a_class_the_fewer_candidates_are_worth_making():
    counts = np.array([0, 2, 10, 12, 15, 20, 23, 24, 100, 5000])
    assert worthwhile_candidates(counts).tolist() == [8, 8, 8, 6, 4, 2, 2, 1, 1, 1]


def test_of_moves_that_were_not_learned_one_candidate_is_made():
    counts = np.array([1, 10, 15])
    assert worthwhile_candidates(counts, 0.6).tolist() == [8, 8, 4]
    assert worthwhile_candidates(counts, 0.4).tolist() == [1, 1, 1]


def strokes():
    """Draw six short and six long strokes at random places: they explain each other."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 6)
    row, column = np.mgrid[:12, :12]
    center = rng.uniform(4.5, 6.5, (12, 2, 1, 1))
    down, across = row - center[:, 0], column - center[:, 1]
    length = np.where(y, 3.5, 1.2)[:, None, None]
    return np.exp(-((down / length) ** 2) - (across / 1.2) ** 2), y


def test_every_class_has_its_own_number_of_candidates():
    """Of a class with one candidate for each place all are kept, liked or not."""
    X, y = strokes()
    small, large = X[y == 0], np.tile(X[y == 1], (5, 1, 1))
    unequal = np.concatenate([small, large]), np.repeat([0, 1], [6, 30])
    expansion = fit(unequal, max_iter=100)._expansion
    assert expansion.n_candidates.tolist() == [8, 1]
    n_made = []

    def choose(x, codes, sizes, n_keep):
        n_made.append((codes.tolist(), sizes.tolist(), n_keep.tolist()))
        return choose_among(x, codes, sizes, n_keep)

    choose_among, expansion.judge.choose = expansion.judge.choose, choose
    x_new, y_new, _ = expansion.draw(np.array([10, 20]), RandomStreams(0))
    assert n_made == [([0, 1], [80, 20], [10, 20])]
    assert np.bincount(y_new).tolist() == [10, 20] and np.isfinite(x_new).all()
    smaller = fit((large, np.arange(30) % 2), max_iter=100)
    assert smaller._expansion.n_candidates.tolist() == [4, 4]


def test_large_classes_need_no_judge(images):
    X, y = images
    many = np.tile(X, (5, 1, 1)), np.tile(y, 5)
    assert fit(many, max_iter=100)._expansion.judge is None
    assert fit(many, n_candidates=2)._expansion.judge is not None


def test_who_was_hardly_trained_does_not_judge_unless_asked_to():
    """Such a judge refuses at random, and what is far in its eyes is only odd."""
    assert fit(strokes(), max_iter=99)._expansion.judge is None
    assert fit(strokes(), max_iter=99, n_candidates=2)._expansion.judge is not None
    judged = fit(strokes(), max_iter=100)._expansion
    assert judged.judge is not None and judged.n_candidates.tolist() == [8, 8]


def test_chosen_images_keep_their_provenance(images):
    """Repeating the recipe of a kept row gives the row: nothing was mixed up."""
    X, y = images
    synthesizer = fit(images, attention=None)
    _, y_new = synthesizer.sample(30)
    parents, weights = synthesizer.parents_, synthesizer.mixing_weights_
    np.testing.assert_array_equal(y[parents[:, 0]], y_new)
    norms = np.linalg.norm(weights[:, 1::2], axis=1)
    np.testing.assert_allclose(norms, 1, rtol=1e-5)


def test_rounds_change_nothing_but_memory(images, monkeypatch):
    fitted = fit(images)
    counts = np.array([150, 20])
    whole = fitted._expansion.draw(counts, RandomStreams(0))
    monkeypatch.setattr("skexpand.expansion._SURPLUS_CELLS", 1)
    parts = fitted._expansion.draw(counts, RandomStreams(0))
    assert parts[0].shape == whole[0].shape
    np.testing.assert_array_equal(parts[1], whole[1])
