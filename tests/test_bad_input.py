"""The table of bad and odd inputs: what is refused, how, and what is taken.

The inputs are in ``bad_inputs.py``. ``docs/bad_input.md`` is this table; after a
change, write it with ``python -m tests.test_bad_input``.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from skexpand import ExpansiveSynthesizer, KoopmanEncoder
from skexpand._base import BaseExpander, Provenance
from skexpand.baselines import GaussianJitter, Mixup
from tests.bad_inputs import IMAGES, REFUSED, REFUSED_BY_ES, TABLE, TAKEN, Y, poked

PAGE = Path(__file__).resolve().parents[1] / "docs" / "bad_input.md"


class Witness(BaseExpander):
    """Take tables and images; tell whether anything was learned."""

    def _learn(self, x, y, streams):
        self.learned_ = x, y

    def _draw(self, counts, streams):
        x, y = self.learned_
        order = np.argsort(y, kind="stable")
        source = np.repeat(order[np.searchsorted(y[order], range(len(counts)))], counts)
        parents = source[:, None]
        return x[source], y[source], Provenance(parents, np.ones(parents.shape))


def quick(**parameters):
    """Make the main estimator, hardly trained."""
    return ExpansiveSynthesizer(max_iter=1, **parameters)


def ids(cases):
    return [case.situation for case in cases]


@pytest.mark.parametrize("case", REFUSED, ids=ids(REFUSED))
def test_bad_input_is_refused_before_anything_is_learned(case):
    sampler = Witness(**case.parameters)
    for call in (sampler.fit, sampler.fit_resample):
        with pytest.raises(case.error) as caught:
            call(case.X(), case.y)
        assert case.answer in str(caught.value)
    assert not hasattr(sampler, "learned_") and not hasattr(sampler, "classes_")


@pytest.fixture(scope="module")
def pretrained():
    return {
        kind: KoopmanEncoder(max_iter=0, random_state=0).pretrain(X).pretrained
        for kind, X in (("table", TABLE), ("image", IMAGES))
    }


@pytest.mark.parametrize("case", REFUSED_BY_ES, ids=ids(REFUSED_BY_ES))
def test_the_synthesizer_refuses_before_anything_is_learned(case, pretrained):
    if case.parameters.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    parameters = dict(case.parameters)
    if parameters.get("pretrained") in pretrained:
        parameters["pretrained"] = pretrained[parameters["pretrained"]]
    synthesizer = ExpansiveSynthesizer(**parameters)
    with pytest.raises(case.error) as caught:
        synthesizer.fit_resample(case.X(), case.y)
    assert case.answer in str(caught.value)
    assert not hasattr(synthesizer, "classes_")


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        pytest.param(kind, case, id=f"{kind.__name__}-{case.situation}")
        for kind in (Witness, GaussianJitter, Mixup, quick)
        for case in TAKEN
        if kind in (Witness, quick) or case.X().ndim == 2
    ],
)
def test_odd_input_is_taken_and_given_back(case, kind):
    X = case.X()
    X_res, y_res = kind(ratio=3, random_state=0).fit_resample(X, case.y)
    assert type(X_res) is type(X) and type(y_res) is type(case.y)
    assert X_res.dtype == X.dtype and X_res.shape == (24, *X.shape[1:])
    counts = Counter(map(str, np.asarray(y_res).tolist()))
    assert counts == {
        label: 3 * n
        for label, n in Counter(map(str, np.asarray(case.y).tolist())).items()
    }


@pytest.mark.parametrize("kind", [Witness, GaussianJitter, Mixup, quick])
def test_duplicates_and_constants_are_repeated_exactly(kind):
    X_res, _ = kind(random_state=0).fit_resample(np.full((8, 3), 0.1), Y)
    assert (X_res == 0.1).all()


@pytest.mark.parametrize("kind", [Witness, GaussianJitter, Mixup, quick])
def test_one_sample_in_a_class_is_expanded_with_a_warning(kind):
    with pytest.warns(UserWarning, match=r"Classes \[1\] have one sample each"):
        _, y_res = kind(ratio=4, random_state=0).fit_resample(TABLE, [0] * 7 + [1])
    assert Counter(y_res) == {0: 28, 1: 4}


def test_a_lazy_polars_frame_is_refused():
    pl = pytest.importorskip("polars")
    with pytest.raises(TypeError, match="got LazyFrame"):
        Witness().fit(pl.DataFrame({"size": range(8)}).lazy(), Y)


def test_a_failed_fit_leaves_the_fitted_sampler_as_it_was():
    sampler = GaussianJitter(random_state=0).fit(TABLE, Y)
    before = sampler.sample(5)[0]
    with pytest.raises(ValueError, match="contains infinity"):
        sampler.fit(poked(TABLE, np.inf), Y)
    np.testing.assert_array_equal(sampler.sample(5)[0], before)


def page():
    """Write the table as Markdown."""
    lines = [
        "# Bad and odd input",
        "",
        "Everything is checked before anything is learned. This page is written from",
        "`tests/test_bad_input.py` by `python -m tests.test_bad_input`; a test",
        "compares the two.",
        "",
        "## Refused",
        "",
        "| input | error | message contains |",
        "|---|---|---|",
    ]
    lines += [
        f"| {case.situation} | `{case.error.__name__}` | {case.answer} |"
        for case in REFUSED + REFUSED_BY_ES
    ]
    lines += [
        "| a lazy polars frame | `TypeError` | got LazyFrame |",
        "| sampling before fitting | `NotFittedError` | is not fitted yet |",
        "",
        "## Taken",
        "",
        "| input | what is done |",
        "|---|---|",
        "| one sample in a class | a `UserWarning`; its variation is borrowed from the "
        "other classes |",
        "| pandas frames | columns, order and dtypes kept; a fresh `RangeIndex` |",
        "| dates, times, periods, durations in a frame | numbers of their coarsest "
        "unit; dtype and time zone kept |",
        "| polars frames, torch tensors | converted, and given back |",
        "| names, free text, identifiers: 20 labels and more, and nearly as many as "
        "rows | a `UserWarning`; taken as categories |",
        "| an order or a sum that 20 rows and more keep, `start <= end` | synthetic "
        "rows are repaired; `violations_` counts those that still break it |",
    ]
    lines += [f"| {case.situation} | {case.answer} |" for case in TAKEN]
    return "\n".join(lines) + "\n"


def test_the_page_in_the_docs_is_this_table():
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
