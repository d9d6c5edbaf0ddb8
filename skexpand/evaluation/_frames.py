"""Frames of a report: one row per arm, in the metric's own unit."""

import numpy as np

from skexpand.evaluation._scores import arm_of

_COLUMNS = ["sampler", "classifier", "n_per_class", "n_draws", "score", "score_low"]
_COLUMNS += ["score_high", "gain", "gain_low", "gain_high", "data_multiplier"]
_COLUMNS += ["data_multiplier_low", "data_multiplier_high", "seconds"]


def score_frame(lines):
    """Return a row for each line; the data set comes first where there are several."""
    pandas = _import_pandas("Report.to_frame")
    frame = pandas.DataFrame([_flatten(line) for line in lines])
    datasets = dict.fromkeys(line.dataset for line in lines)
    return frame[_with_dataset(_COLUMNS, datasets)]


def mean_frame(rows, field, keys):
    """Return the means over draws of everything measured in one field of the rows."""
    pandas = _import_pandas(f"Report.{field}_frame")
    groups = {}
    for row in rows:
        if row.get(field) and not row.get("skipped"):
            key = {"dataset": row["dataset"], "sampler": arm_of(row)}
            key |= {name: row[name] for name in keys if name != "sampler"}
            groups.setdefault(tuple(key.items()), []).append(row)
    records = []
    for key, members in groups.items():
        names = dict.fromkeys(name for row in members for name in row[field])
        means = {name: _mean(row[field].get(name) for row in members) for name in names}
        n_draws = len({row["draw"] for row in members})
        records.append({**dict(key), "n_draws": n_draws, **means})
    columns = _with_dataset([*keys, "n_draws"], {row["dataset"] for row in rows})
    measured = dict.fromkeys(name for record in records for name in record)
    columns += [name for name in measured if name not in {*columns, "dataset"}]
    return pandas.DataFrame(records, columns=columns)


def _with_dataset(columns, datasets):
    return [*(["dataset"] if len(datasets) > 1 else []), *columns]


def _flatten(line):
    multiplier, gain = line.multiplier, line.gain
    if isinstance(multiplier, float):
        worth = [multiplier] * 3  # so by definition: no uncertainty
    elif multiplier is None:
        worth = [np.nan] * 3
    else:
        worth = [multiplier.value, multiplier.low, multiplier.high]
    gains = [gain.mean, gain.low, gain.high] if gain else [np.nan] * 3
    start = [line.sampler, line.classifier, line.n_per_class, line.n_draws]
    values = [*start, *line.score, *gains, *worth, line.seconds]
    return {"dataset": line.dataset, **dict(zip(_COLUMNS, values, strict=True))}


def _mean(values):
    values = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(values)) if values else np.nan


def _import_pandas(caller):
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f'{caller} returns a pandas frame: pip install "skexpand[eval]".'
        ) from error
    return pandas
