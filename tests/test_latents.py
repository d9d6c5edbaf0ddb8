"""A fitted synthesizer shows its latents and where its heads look."""

import numpy as np
import pytest

from skexpand import ExpansiveSynthesizer


def fitted(**parameters):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (6, 12, 12), dtype=np.uint8)
    y = np.array([0, 0, 0, 1, 1, 1])
    return X, ExpansiveSynthesizer(random_state=0, max_iter=2, **parameters).fit(X, y)


@pytest.mark.parametrize("attention", ["spatial", "row"])
def test_every_map_shares_out_one_unit_of_attention(attention):
    X, synthesizer = fitted(attention=attention, n_heads=3)
    maps = synthesizer.attention_maps(X[:4])
    assert maps.shape[:2] == (4, 3)
    assert maps.min() >= 0
    np.testing.assert_allclose(maps.sum(axis=(2, 3)), 1, rtol=1e-5)


def test_heads_keep_the_fraction_of_places_asked_for():
    X, synthesizer = fitted(crop=0.5)
    share = (synthesizer.attention_maps(X) > 0).mean(axis=(2, 3))
    np.testing.assert_allclose(share, 0.5, atol=0.1)


def test_maps_belong_to_their_images_and_not_to_the_batch():
    X, synthesizer = fitted()
    alone = [synthesizer.attention_maps(X[[i]]) for i in range(3)]
    together = synthesizer.attention_maps(X[:3])
    np.testing.assert_allclose(together, np.concatenate(alone), atol=1e-6)
    assert np.abs(together[0] - together[1]).max() > 1e-4


def test_rows_of_a_table_have_maps_too():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((8, 5)), np.repeat([0, 1], 4)
    maps = ExpansiveSynthesizer(random_state=0, max_iter=2).fit(X, y).attention_maps(X)
    np.testing.assert_allclose(maps.sum(axis=(2, 3)), 1, rtol=1e-5)


def test_without_attention_there_is_nothing_to_show():
    X, synthesizer = fitted(attention=None)
    with pytest.raises(ValueError, match="no attention maps with attention=None"):
        synthesizer.attention_maps(X)
