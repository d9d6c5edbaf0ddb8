"""The paper's Tables 1 to 3 and Figure 4, by `compare`, its figures beside ours."""

import tomllib
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline

from skexpand.datasets import few_shot, load_images
from skexpand.evaluation._compare import compare
from skexpand.evaluation._paper_table import paper_table
from skexpand.evaluation.arms import REAL
from skexpand.evaluation.results import read_results

_BASELINES = ("SMOTE", REAL)


@cache
def read_protocol():
    """Return what the tables compare, and the figures that the paper prints.

    Returns
    -------
    dict
        The content of ``reproduction.toml``.
    """
    text = files("skexpand.evaluation").joinpath("reproduction.toml")
    return tomllib.loads(text.read_text(encoding="utf-8"))


def reproduce_table(
    table,
    *,
    data_dir=None,
    datasets=("mnist",),
    n_per_class=None,
    arms=None,
    n_draws=None,
    n_test=None,
    quick=False,
    folder="reproduction",
    stored=False,
    n_jobs=None,
    progress=False,
):
    """Run a table of the paper, or what is missing of it, and set it beside ours.

    Every data set has one results file, shared by the tables: an arm that two tables
    have is trained once.

    Parameters
    ----------
    table : {"table1", "table2", "table3", "table3-long", "table3-wide"}
        Which of the paper's tables; the last two train other networks.
    data_dir : str or path-like, default=None
        Folder of the image sets; see `load_images`.
    datasets : sequence of {"mnist", "cifar10", "cifar100"}, default=("mnist",)
        Rows of the table.
    n_per_class : sequence of int or None, default=None
        Images a class; None takes the paper's.
    arms : sequence of str or None, default=None
        Some of the table's arms; ``"none"`` is always run.
    n_draws : int or None, default=None
        Small sets of every size; None takes 5, or 2 if quick.
    n_test : int or None, default=None
        Test images, the same number of every class; None takes all, or 500 if quick.
        Another number is another protocol and asks for another folder.
    quick : bool, default=False
        Few steps and draws in files of their own: shows that everything runs, in a
        minute or two. Its figures mean nothing.
    folder : path-like, default="reproduction"
        Where results files lie, ``mnist.jsonl`` and so on. Runs go on from them.
    stored : bool, default=False
        Print what the results files hold and run nothing.
    n_jobs : int or None, default=None
        Cells at a time, as in joblib.
    progress : bool, default=False
        Show a bar with the time left.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    ValueError
        For an unknown table, data set, size or arm, and for results of another
        protocol.
    FileNotFoundError
        If a data set is neither in the folder nor to be fetched, or results asked for
        are not stored.
    """
    protocol = read_protocol()
    _check_choice("table", table, protocol["tables"])
    for dataset in datasets:
        _check_choice("dataset", dataset, protocol["datasets"])
    plan = _choose_arms(protocol["tables"][table], arms)
    sizes = tuple(n_per_class or protocol["tables"][table]["n_per_class"])
    suffix = "-quick" if quick else ""
    paths = {each: Path(folder) / f"{each}{suffix}.jsonl" for each in datasets}
    if stored:
        _check_stored(paths.values())
    else:
        # All are made ready before the first is run: a missing X'' is told at once.
        runs = [_Run(each, data_dir, n_test, quick, folder) for each in datasets]
        for run in runs:
            for size in sizes:  # a size that no class has, before X'' is learned from
                few_shot(run.data.X_train, run.data.y_train, size, 0)
        comparisons = [run.comparisons(plan) for run in runs]
        for run, todo in zip(runs, comparisons, strict=True):
            path = paths[run.dataset]
            run.run(todo, sizes, n_draws, path, n_jobs=n_jobs, progress=progress)
    parts = []
    for dataset, path in paths.items():
        header, rows = read_results(path)
        parts += paper_table(protocol, plan, dataset, sizes, rows, header, quick=quick)
    return "\n\n".join(parts)


def _check_stored(paths):
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(
                f"Expected stored results in {path}, found none. Run the table first, "
                "or name the folder they are in."
            )


def reproduce_figure(
    *,
    data_dir=None,
    datasets=("mnist",),
    n_per_class=(10,),
    quick=False,
    folder="reproduction",
):
    """Draw the paper's Figure 4: where each head looks, on images of the test set.

    Parameters
    ----------
    data_dir : str or path-like, default=None
        Folder of the image sets; see `load_images`.
    datasets : sequence of {"mnist", "cifar10", "cifar100"}, default=("mnist",)
        A picture of each.
    n_per_class : sequence of int, default=(10,)
        Images a class that the synthesizer is fitted on; a picture for each.
    quick : bool, default=False
        Few training steps.
    folder : path-like, default="reproduction"
        Where ``figure4-mnist-10.png`` and so on are written.

    Returns
    -------
    list of pathlib.Path
        The files.
    """
    from skexpand.evaluation.sample_displays import AttentionDisplay

    protocol = read_protocol()
    for dataset in datasets:
        _check_choice("dataset", dataset, protocol["datasets"])
    Path(folder).mkdir(parents=True, exist_ok=True)
    written = []
    for dataset in datasets:
        run = _Run(dataset, data_dir, None, quick, folder)
        X, y = run.data.X_train, run.data.y_train
        shown = _one_a_class(run.data.y_test)[: protocol["figure_images"]]
        images = run.data.X_test[shown]
        for size in n_per_class:
            rows, _ = few_shot(X, y, size, protocol["random_state"])
            synthesizer = run.build(protocol["figure"])
            synthesizer.set_params(random_state=protocol["random_state"])
            synthesizer.fit(X[rows], y[rows])
            display = AttentionDisplay.from_attention(
                images,
                synthesizer.attention_maps(images),
                labels=run.data.y_test[shown].tolist(),
                title=f"{run.settings['title']}: attention received, by head",
            )
            path = Path(folder) / f"figure4-{dataset}-{size}.png"
            display.figure_.savefig(path, dpi=90, bbox_inches="tight")
            written.append(path)
    return written


def _one_a_class(y):
    """Return the first row of each class."""
    return np.unique(y, return_index=True)[1]


def _check_choice(name, value, known):
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}.")


def _choose_arms(described, arms):
    """Return the arms of each classifier, those asked for only."""
    plan = {key: names for key, names in described.items() if key != "n_per_class"}
    if arms is None:
        return plan
    known = dict.fromkeys(arm for names in plan.values() for arm in names)
    for arm in arms:
        _check_choice("arm", arm, known)
    chosen = {
        classifier: [arm for arm in names if arm in arms]
        for classifier, names in plan.items()
    }
    return {classifier: names for classifier, names in chosen.items() if names}


class _Run:
    """One data set, its X'', and the objects that the protocol names.

    Parameters
    ----------
    dataset : str
    data_dir : path-like or None
    n_test : int or None
    quick : bool
    folder : path-like
        Where the results lie; what was learned from X'' is kept beside them.
    """

    def __init__(self, dataset, data_dir, n_test, quick, folder):
        self.protocol = read_protocol()
        self.dataset = dataset
        self.data_dir = data_dir
        self.settings = self.protocol["datasets"][dataset]
        self.quick = self.protocol["quick"] if quick else {}
        self.folder = Path(folder) / ("pretrained-quick" if quick else "pretrained")
        self.data = load_images(dataset, data_dir)
        self.test = self._choose_test(n_test or self.quick.get("n_test"))
        self._learned = {}

    def _choose_test(self, n_test):
        data = self.data
        if n_test is None:
            return data.X_test, data.y_test
        n_classes = len(set(data.y_test.tolist()))
        if n_test % n_classes:
            raise ValueError(
                f"n_test must be a multiple of the {n_classes} classes of "
                f"{self.dataset}, got {n_test}."
            )
        rows, _ = few_shot(data.X_test, data.y_test, n_test // n_classes, 0)
        return data.X_test[rows], data.y_test[rows]

    def comparisons(self, plan):
        """Return classifiers, samplers and baselines of a table, ready to compare."""
        return [
            {
                "classifiers": {name: self.build(self.protocol["classifiers"][name])},
                "samplers": {
                    arm: self.build(self.protocol["arms"][arm])
                    for arm in arms
                    if arm in self.protocol["arms"]
                },
                "baselines": [arm for arm in arms if arm in _BASELINES],
            }
            for name, arms in plan.items()
        ]

    def run(self, comparisons, sizes, n_draws, path, *, n_jobs, progress):
        """Compute the cells that the results file lacks."""
        for comparison in comparisons:
            compare(
                self.data.X_train,
                self.data.y_train,
                **comparison,
                n_per_class=list(sizes),
                ratio=self.protocol["ratio"],
                n_draws=n_draws or self.quick.get("n_draws", self.protocol["n_draws"]),
                X_test=self.test[0],
                y_test=self.test[1],
                scoring=self.protocol["scoring"],
                quality=False,
                dataset=self.dataset,
                n_jobs=n_jobs,
                random_state=self.protocol["random_state"],
                resume=path,
                progress=progress,
            )

    def build(self, described):
        """Return the object, or the pipeline, that the protocol describes."""
        if "pipeline" in described:
            return make_pipeline(*map(self.build, described["pipeline"]))
        if "network" in described:
            network = self.protocol["classifiers"][described["network"]]
            params = {**network.get("params", {}), **described["params"]}
            return self.build({**network, "params": params})
        quick = self.quick.get("params", {}).get(described["class"], {})
        params = {**described.get("params", {}), **quick}
        return load_class(described["class"])(
            **{name: self._value(value) for name, value in params.items()}
        )

    def _value(self, value):
        if value == "@policy":
            return self.settings["policy"]
        if isinstance(value, str) and value in self.protocol["pretraining"]:
            return self._pretrained(value)
        if isinstance(value, dict):
            return self.build(value)
        return None if value == "null" else value

    def _pretrained(self, name):
        """Return what was learned from X'': now, or by a run that left it in a file."""
        if name not in self._learned:
            pretraining, larger = self.protocol["pretraining"], self.settings["larger"]
            path = self.folder / f"{larger}-{name.removeprefix('@')}"
            if path.with_suffix(".json").is_file():
                record = load_class(pretraining["record"]).load(path)
            else:
                data = load_images(larger, self.data_dir)
                learner = self.build(pretraining[name])
                record = learner.pretrain(data.X_train, data.y_train).pretrained
                record.save(path)
            self._learned[name] = record
        return self._learned[name]


def load_class(path):
    """Return a class by its import path.

    Parameters
    ----------
    path : str
        For example ``"imblearn.over_sampling.SMOTE"``.

    Returns
    -------
    type
    """
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)
