"""What the tables do not say: missing cells, skipped arms, few draws, no reference."""

from collections import defaultdict

from skexpand.bandwidth import NO_OBJECTION
from skexpand.evaluation import _analysis as analysis
from skexpand.evaluation import _text as text
from skexpand.evaluation._scores import REFERENCE, arm_of, missing_cells, skipped_arms


def notes_of(scores, settings):
    """Return the notes of a report, most important first."""
    n_draws = settings.get("n_draws")
    missing = missing_cells(scores.rows, n_draws if isinstance(n_draws, int) else None)
    n_arms = len({arm_of(row) for row in scores.rows})
    notes = [
        _missing(key, ["every arm"] if len(arms) == n_arms else arms)
        for key, arms in missing.items()
    ]
    notes += [
        f"{arm} was left out with {text.join(classifiers)}: {reason}"
        + ("" if reason.endswith(".") else ".")
        for (arm, reason), classifiers in skipped_arms(scores.rows).items()
    ]
    return [
        *notes,
        *_advice(scores.rows),
        *_invalid_scores(scores),
        *_thin_comparisons(scores),
    ]


def _advice(rows):
    """Say where a sampler found that growing the data as usual does not pay."""
    given, grown = defaultdict(set), defaultdict(set)
    for row in rows:
        place = arm_of(row), row["dataset"], row["n_per_class"]
        grown[place].add(row["draw"])
        if row.get("advice") and not row["advice"].startswith(NO_OBJECTION):
            given[place, row["advice"]].add(row["draw"])
    for (place, advice), draws in given.items():
        arm, *where = place
        yield (
            f"{arm} said of {len(draws)} of {len(grown[place])} draws of "
            f"{_place(*where)}: {advice}"
        )


def _place(dataset, n_per_class):
    return dataset if n_per_class is None else f"{dataset}, {n_per_class} per class"


def _missing(key, arms):
    place, classifier, draws = key
    verb = "lacks" if len(arms) == 1 else "lack"
    word = "draw" if len(draws) == 1 else "draws"
    return (
        f"The run is not complete: on {_place(*place)}, with {classifier}, "
        f"{text.join(arms)} {verb} {word} {text.ranges(draws)}."
    )


def _invalid_scores(scores):
    rows = [row for row in scores.rows if not row.get("skipped")]
    bad = sum(not scores.has(row) for row in rows)
    if bad:
        yield (
            f"{bad} of {len(rows)} cells have no finite {text.readable(scores.metric)} "
            "and are left out."
        )


def _thin_comparisons(scores):
    """Say what cannot be told at a place, in the mean over its classifiers."""
    for place in scores.places.values():
        where = analysis.title_of([place[0]]).rpartition(", ")[0]
        arms = scores.arms(place)
        if REFERENCE not in arms:
            yield (
                f"On {where} there is no arm named none: gains and multipliers are "
                "empty."
            )
            continue
        if len(scores.draws(scores.shared(place, [REFERENCE]), [REFERENCE])) == 1:
            yield (
                f"On {where} there is one draw: no interval can be given. Run at least "
                "two, better five."
            )
        others = [arm for arm in arms if arm not in scores.multiples]
        reasons = {analysis.multiplier_of(scores, place, arm)[1] for arm in others}
        for reason in sorted(reasons - {""}):
            yield f"On {where} no data multiplier can be given: {reason}."
        yield from _unpaired(scores, place, arms)


def _unpaired(scores, place, arms):
    for setting in place:
        for arm in arms:
            own = scores.draws(scores.shared([setting], [arm]), [arm])
            both = scores.shared([setting], [arm, REFERENCE])
            paired = scores.draws(both, [arm, REFERENCE])
            if len(paired) < len(own):
                yield (
                    f"With {setting.classifier} the gain of {arm} rests on "
                    f"{len(paired)} of its {len(own)} draws: none lacks the others."
                )
