"""Symmetries of the square: what they do to an image, and who has them."""

import pytest
import torch

from skexpand.nn.probe import ImageProbe
from skexpand.nn.symmetry import Symmetries, apply_symmetry, negative


def bars(n, generator, is_turned):
    """Draw one bar or two of them close together, all upright or in any position."""
    y = torch.arange(n) % 2
    x = 0.1 * torch.rand(n, 1, 16, 16, generator=generator)
    for row in range(n):
        left = int(torch.randint(1, 9, (), generator=generator))
        x[row, 0, 2:9, left : left + 2] += 0.9
        if y[row]:
            x[row, 0, 2:9, left + 4 : left + 6] += 0.9
    if is_turned:
        x = apply_symmetry(x, torch.rand(n, 3, generator=generator) < 0.5)
    return x, y


@pytest.mark.parametrize("row", range(8))
def test_every_element_is_one_of_the_eight_positions(row, generator):
    x = torch.rand(1, 2, 6, 6, generator=generator)
    element = torch.tensor([bool(row & 1), bool(row & 2), bool(row & 4)])
    turned = apply_symmetry(x, element)
    positions = [y.rot90(k, (2, 3)) for y in (x, x.flip(3)) for k in range(4)]
    assert sum(torch.equal(turned, each) for each in positions) == 1
    others = torch.tensor([[bool(i & 1), bool(i & 2), bool(i & 4)] for i in range(8)])
    alike = [torch.equal(apply_symmetry(x, each), turned) for each in others]
    assert sum(alike) == 1 and alike[row]


def test_each_image_has_its_own_element(generator):
    x = torch.rand(3, 1, 5, 7, generator=generator)
    is_on = torch.tensor([[1, 0, 0], [0, 0, 0], [1, 1, 0]], dtype=torch.bool)
    turned = apply_symmetry(x, is_on)
    assert torch.equal(turned[0], x[0].flip(2))
    assert torch.equal(turned[1], x[1])
    assert torch.equal(turned[2], x[2].flip(2).flip(1))


def test_what_was_taken_in_any_position_has_all_of_them(generator):
    x, y = bars(80, generator, is_turned=True)
    found = Symmetries.from_probe(ImageProbe(x, y, generator), is_square=True)
    assert found == Symmetries(is_free=(True, True, True))
    oblong = Symmetries.from_probe(ImageProbe(x, y, generator), is_square=False)
    assert oblong.is_free == (True, True, False)


def test_ink_and_paper_change_places_in_a_negative(generator):
    letter = torch.tensor([[0.0, 1], [0, 0]]).view(1, 1, 2, 2)
    ink, paper = torch.tensor([0.9, 0.2, 0.5]), torch.tensor([0.1, 0.7, 0.5])
    ink, paper = ink.view(1, 3, 1, 1), paper.view(1, 3, 1, 1)
    written, turned = (a + (b - a) * letter for a, b in ((paper, ink), (ink, paper)))
    torch.testing.assert_close(negative(written), turned)
    x = torch.rand(4, 2, 5, 7, generator=generator)
    torch.testing.assert_close(negative(negative(x)), x)
    is_on = torch.tensor([[0, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0]])
    made = apply_symmetry(x, is_on.bool())
    expected = [negative(x)[0], negative(x)[1].flip(2), x[2].flip(2), x[3]]
    torch.testing.assert_close(made, torch.stack(expected))


def test_negatives_are_for_what_is_dark_on_bright_and_bright_on_dark(generator):
    x, y = bars(80, generator, is_turned=False)
    probe = ImageProbe(x, y, generator)
    assert probe.share_dark_on_bright == 0
    assert not Symmetries.from_probe(probe, is_square=True).may_invert
    is_dark = torch.rand(80, generator=generator) < 0.5
    x[is_dark] = negative(x[is_dark])
    probe = ImageProbe(x, y, generator)
    assert 0.3 < probe.share_dark_on_bright < 0.7
    found = Symmetries.from_probe(probe, is_square=True)
    assert found.may_invert
    assert 30 < found.draw(80, generator)[:, 3].sum() < 50
    # One class is bright on dark and the other one dark on bright.
    x, y = bars(80, generator, is_turned=False)
    x[y == 1] = negative(x[y == 1])
    probe = ImageProbe(x, y, generator)
    assert not Symmetries.from_probe(probe, is_square=True).may_invert


def test_what_stands_upright_is_not_turned(generator):
    x, y = bars(80, generator, is_turned=False)
    found = Symmetries.from_probe(ImageProbe(x, y, generator), is_square=True)
    assert found.is_free == (True, False, False)


class ToldMargins:
    """A probe that is as sure of each change as told, and surely not of the others.

    What images are told apart from has to be named, and what is named is asked for.
    """

    def __init__(self, margins, told_apart):
        self._margins = margins
        self._told_apart = dict(told_apart)
        self.share_dark_on_bright = 0.5 if "negative" in margins else 0.0

    def margin(self, changes, share):
        assert share == 0.75
        return self._margins.get(self._name(changes), -9)

    def told_apart(self, changes):
        return self._told_apart.pop(self._name(changes)), 0.05

    @staticmethod
    def _name(changes):
        if len(changes) == 6:
            return "turns"
        (change,) = changes
        x = torch.arange(9.0).view(1, 1, 3, 3)
        known = {"mirror": x.flip(3), "upside down": x.flip(2), "transposed": x.mT}
        known["negative"] = 8 - x
        (name,) = (k for k, made in known.items() if torch.equal(made, change(x)))
        return name


def symmetries_of(margins, told_apart):
    probe = ToldMargins(margins, told_apart)
    found = Symmetries.from_probe(probe, is_square=True)
    assert not probe._told_apart, "not asked for"
    return found


@pytest.mark.parametrize(
    ("kind", "margin", "told_apart", "is_found"),
    [
        ("turns", 1.5, None, True),
        ("turns", 0.5, 0.55, True),
        ("turns", 0.5, 0.62, False),
        ("turns", -0.2, None, False),
        ("negative", 1.5, None, True),
        ("negative", 0.5, 0.65, True),
        ("negative", 0.5, 0.72, False),
        ("negative", -0.2, None, False),
        ("mirror", -1.5, None, False),
        ("mirror", 1.5, None, True),
        ("mirror", -0.5, 0.5, True),
        ("mirror", 1, 0.65, True),
        ("mirror", 1, 0.72, False),
        ("mirror", 0, 0.9, False),
    ],
)
def test_where_the_probe_is_not_sure_changed_images_must_look_like_images(
    kind, margin, told_apart, is_found
):
    told = {} if told_apart is None else {kind: told_apart}
    expected = {
        "turns": Symmetries(is_free=(True, True, True)),
        "negative": Symmetries(may_invert=True),
        "mirror": Symmetries(is_free=(True, False, False)),
    }
    found = symmetries_of({kind: margin}, told)
    assert found == (expected[kind] if is_found else Symmetries())


def test_an_image_upside_down_alone_has_to_be_surer_than_a_mirror_image():
    margins = dict.fromkeys(("mirror", "upside down", "transposed"), 1.5)
    assert symmetries_of(margins, {}) == Symmetries(is_free=(True, False, False))
    margins = {"upside down": 2.5, "transposed": 2.5}
    found = symmetries_of(margins, {"upside down": 0.5, "transposed": 0.5})
    assert found == Symmetries(is_free=(False, True, True))
    found = symmetries_of(margins, {"upside down": 0.5, "transposed": 0.65})
    assert found == Symmetries(is_free=(False, True, False))


@pytest.mark.parametrize("is_turned", [False, True])
def test_of_unknown_classes_mirrors_are_free_unless_seen(is_turned, generator):
    """Labels are noise. Every image is brighter to the right, or half of them are."""
    x = torch.rand(60, 1, 12, 12, generator=generator)
    x += torch.linspace(0, 0.5, 12)
    if is_turned:
        x[::2] = x[::2].flip(3)
    y = torch.randint(3, (60,), generator=generator)
    found = Symmetries.from_probe(ImageProbe(x, y, generator), is_square=True)
    assert found.is_free[0] == is_turned


def test_of_images_all_alike_nothing_is_free(generator):
    x, y = torch.full((12, 1, 8, 8), 0.5), torch.arange(12) % 2
    probe = ImageProbe(x, y, generator)
    assert Symmetries.from_probe(probe, is_square=True) == Symmetries()


def test_elements_are_drawn_evenly_and_only_free_ones(generator):
    drawn = Symmetries(is_free=(True, False, True)).draw(4000, generator)
    assert not drawn[:, 1].any()
    pairs = drawn[:, 0].long() + 2 * drawn[:, 2].long()
    assert (pairs.bincount(minlength=4) > 900).all()
    state = generator.get_state()
    assert not Symmetries().draw(5, generator).any()
    assert torch.equal(generator.get_state(), state)  # draws nothing


def test_orient_finds_the_position_of_the_target(generator):
    x = torch.rand(8, 1, 6, 6, generator=generator)
    free = Symmetries(is_free=(True, True, True))
    turned = apply_symmetry(x, free.draw(8, generator))
    assert torch.equal(free.orient(turned, x), x)
    only_mirror = Symmetries(is_free=(True, False, False))
    assert torch.equal(only_mirror.orient(x.flip(3), x), x)
    assert torch.equal(Symmetries().orient(x.flip(3), x), x.flip(3))
    both = Symmetries(is_free=(True, False, False), may_invert=True)
    torch.testing.assert_close(both.orient(negative(x).flip(3), x), x)
