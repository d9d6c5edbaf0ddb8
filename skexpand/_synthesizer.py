"""ExpansiveSynthesizer: the main path, from a few samples to many."""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, StrOptions

from skexpand._base import BaseExpander
from skexpand._device import find_device, reproducible
from skexpand._encoder import koopman_matrix
from skexpand.assembly import appoint_image_judge, build_network, find_symmetries
from skexpand.bandwidth import LEFT_ALONE, rule_of_thumb
from skexpand.expansion import Expansion
from skexpand.judge import TableJudge
from skexpand.latents import LatentView
from skexpand.levels import SeenLevels
from skexpand.nn.adaptation import trainable_parameters
from skexpand.nn.mixing import averaging_matrices, head_codewords, same_class_pairs
from skexpand.nn.probe import ImageProbe
from skexpand.pretrainable import Pretrainable
from skexpand.pretraining import PretrainedEncoder
from skexpand.strength import choose_for_images, choose_for_table, choose_light
from skexpand.training import Budget, LossWeights, train_expansion

_MAX_PAIRS = 512  # pooled over classes, a few hundred differences say it all
_BATCH_PAIRS = 32
_LEARNING_RATE = 2e-3
# Chosen on EMNIST letters and on 14 development tables (docs/*_research.md).
_DEFAULTS = {
    "image": {"degree": 4, "max_iter": 200},
    # Training moves no score of a table: ten steps say how its losses begin.
    "table": {"degree": 8, "n_candidates": 4, "max_iter": 10},
}


class ExpansiveSynthesizer(Pretrainable, LatentView, BaseExpander):
    r"""Grow a labeled data set by moving its samples along each other's differences.

    A new sample is a real one, moved by a unit-norm signed mix of the differences
    between *other* pairs of samples of one class,

    .. math:: y' = y_i + h \sum_k w_k (y_{t(k)} - y_{s(k)}), \quad \sum_k w_k^2 = 1,

    where an expander graph says which pairs meet which sample, attention over the
    latents of a Koopman autoencoder says how much each pair counts where, and a judge
    keeps what still looks like its class [1]_. For images a difference is a flow that
    warps one image onto another, and pairs of all classes meet; the less images explain
    each other, the more of it is a random affine move, as far as a classifier of the
    images still knows them. Light and contrast move too, and half of the images are
    mirrored where left and right mean nothing to that classifier. For tables the
    difference is a vector in whitened space between rows of the class; normal noise is
    added, and the row shrunk back to its class mean, so that a class keeps its
    covariance.

    For classes of about 5 to 500 samples; not for free text or sequences.

    Parameters
    ----------
    ratio : float, default=10.0
        Every class grows to ``round(ratio * n_class)``. Used when `sampling_strategy`
        is None. (Not the `ratio` of imbalanced-learn before 0.6.)
    sampling_strategy : None, float, str, dict or callable, default=None
        Anything but None means what it means in imbalanced-learn, and wins over
        `ratio`: values of a dict are totals after resampling, strings equalise.
    image_shape : tuple of int or None, default=None
        (H, W), (H, W, C) or (C, H, W) of one image, when rows of `X` are pixels.
    decoder : {"flow", "autoencoder"}, default="flow"
        "flow" moves the source; "autoencoder" repaints it from its mixed latent, as in
        the paper: blurrier, and less useful in every measurement so far.
    attention : {"spatial", "row"} or None, default="spatial"
        What the heads look at: all channels of a place, or one channel at a time. None
        mixes pairs with random weights, the same at all places.
    n_heads : int, default=4
        Attention heads; the vertices of each class's head graph.
    skip : bool, default=True
        Whether attended latents keep the latent itself.
    crop : float, default=0.5
        Fraction of its most attended places that a head keeps.
    expander : bool, default=True
        Whether an expander graph joins every sample to pairs (images: of all classes).
        False moves a sample part of the way to another one of its class, where
        attention has nothing to weigh.
    degree : int or None, default=None
        Pairs mixed into a new sample, None for 4 (images) or 8 (tables); also neighbors
        of a head in its class's graph.
    strength : float or None, default=None
        Length ``h`` of the mixed difference. More is more diverse and less faithful.
        None takes 1; for images 0.5 or 0.25 where, by cross-validation, 1 gains less
        than a third of what a shorter one does; for tables 2 where the largest class
        does not grow, and with 5 rows in every class and an expander 0.3 times that, or
        0.05, where cross-validation is sure (it is not asked where the class that does
        not grow is 50 times another): see `advice_`. Then, and wherever it is given, a
        class of n > 10 rows of a table moves by ``h * sqrt(10 / n)``.
    n_candidates : int or None, default=None
        Images made for each one asked for: of those that the judge accepts, the ones
        farthest from all others stay; None takes 8 in classes of up to ten, fewer in
        larger ones, 1 from 24 images on, where the images tell too little about their
        classes to judge or do not show how to move them, and after less than 100 steps
        of training. Tables: how often a row that it refuses is drawn again, at last at
        a quarter of the length; None takes 4. What it clearly gives to another class
        that grows too is put there. With 1 there is no judge.
    symmetries : tuple or list of str, or None, default=None
        What moved images may be and keep their label: mirrored, "left-right" or
        "up-down", with rows for columns, "transpose" (square ones), or "negative"; ()
        for nothing. None asks a classifier of the images, see `symmetries_`.
    loss_weights : dict or None, default=None
        Weights of the terms "reconstruction", "classification", "transport" and
        "covariance" that differ from those of `LossWeights`. Without "classification"
        images have no judge.
    max_iter : int or None, default=None
        Training steps at most. None takes 200 for images and 10 for tables.
    pretrained : PretrainedEncoder or None, default=None
        Encoder learned on a larger data set; set by :meth:`pretrain`.
    finetune : {"filters", "all", "none"}, default="filters"
        What may change in a pre-trained encoder: one scale and one shift per filter
        (eq. 1 of the paper), everything, or nothing.
    device : str, default="auto"
        "cpu", "cuda", or any torch device; "auto" takes CUDA where there is one.
    random_state : None, int, RandomState or Generator, default=None
        Seed of every draw.
    verbose : bool, default=False
        Whether to show progress bars.
    max_seconds : float or None, default=None
        Time after which training stops where it is; registering images, some seconds,
        is not cut short. Results then depend on the machine.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    loss_curve_ : dict of str to list of float
        Every loss term, the Koopman consistency and the total, one value per step.
    n_iter_ : int
        Steps taken.
    graphs_ : dict of label to ExpanderGraph
        Each class's graph over the heads, with its certificate.
    sample_graph_ : ExpanderCertificate or None
        Of the graph between new samples and pairs, after sampling.
    strength_ : float
        The length ``h`` in use, given or chosen.
    advice_ : str
        What cross-validation says about augmenting this data, also logged; for tables,
        whether the rows are better left alone. Empty where nothing was chosen.
    symmetries_ : tuple of str
        The `symmetries` of new images, given, or found because unseen images are still
        known then. Empty for tables.
    koopman_operator_ : ndarray of shape (d, d)
        Least-squares map between latents of related samples (eq. 10).
    acceptance_rate_ : float
        Share of candidates, for tables of the first ones, that the judge accepted.
    judge_accuracy_ : float
        Of few-shot recognition in pre-trained features, on images of `X` left out; only
        with images and `pretrained`. Below what a rule on patches of `X` alone knows,
        or the nearest neighbor in pixels, neither features nor material are used.
    n_trainable_ : int
        Trained parameters of the autoencoder.
    synthetic_mask_, parents_, mixing_weights_ : ndarray
        Provenance of the rows returned last. Column 0 of `parents_` is the sample that
        was moved; then target and source of each pair, weighted ``+w`` and ``-w`` (mean
        over places). With an expander, rows of a table are made as in ``TableMover``.
    violations_ : dict of str to int
        Orders and sums between columns that all real rows of a table keep, such as
        ``"start <= end"``, and how many of the synthetic rows returned last break each,
        where repairing them did not help.

    Raises
    ------
    ValueError
        For bad parameters or input, before anything is trained.

    References
    ----------
    .. [1] Jebraeeli et al., "Expansive Synthesis: Generating Large-Scale Datasets from
       Minimal Samples", arXiv:2406.17238.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skexpand import ExpansiveSynthesizer
    >>> X, y = load_iris(return_X_y=True)
    >>> synthesizer = ExpansiveSynthesizer(ratio=3, max_iter=10, random_state=0)
    >>> X_big, y_big = synthesizer.fit_resample(X[::10], y[::10])
    >>> X_big.shape
    (45, 4)
    """

    _parameter_constraints: dict = {
        **BaseExpander._parameter_constraints,
        "decoder": [StrOptions({"flow", "autoencoder"})],
        "attention": [StrOptions({"spatial", "row"}), None],
        "n_heads": [Interval(Integral, 1, 64, closed="both")],
        "skip": ["boolean"],
        "crop": [Interval(Real, 0, 1, closed="right")],
        "expander": ["boolean"],
        "degree": [Interval(Integral, 1, None, closed="left"), None],
        "strength": [Interval(Real, 0, None, closed="left"), None],
        "n_candidates": [Interval(Integral, 1, None, closed="left"), None],
        "symmetries": [tuple, list, None],
        "loss_weights": [dict, None],
        "max_iter": [Interval(Integral, 0, None, closed="left"), None],
        "pretrained": [PretrainedEncoder, None],
        "finetune": [StrOptions({"filters", "all", "none"})],
        "device": [str],
        "verbose": ["boolean"],
        "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        *,
        ratio=10.0,
        sampling_strategy=None,
        image_shape=None,
        decoder="flow",
        attention="spatial",
        n_heads=4,
        skip=True,
        crop=0.5,
        expander=True,
        degree=None,
        strength=None,
        n_candidates=None,
        symmetries=None,
        loss_weights=None,
        max_iter=None,
        pretrained=None,
        finetune="filters",
        device="auto",
        random_state=None,
        verbose=False,
        max_seconds=None,
    ):
        super().__init__(
            ratio=ratio,
            sampling_strategy=sampling_strategy,
            image_shape=image_shape,
            random_state=random_state,
        )
        self.decoder = decoder
        self.attention = attention
        self.n_heads = n_heads
        self.skip = skip
        self.crop = crop
        self.expander = expander
        self.degree = degree
        self.strength = strength
        self.n_candidates = n_candidates
        self.symmetries = symmetries
        self.loss_weights = loss_weights
        self.max_iter = max_iter
        self.pretrained = pretrained
        self.finetune = finetune
        self.device = device
        self.verbose = verbose
        self.max_seconds = max_seconds

    def _check_learnable(self, x, y):
        find_device(self.device)
        LossWeights.from_parameter(self.loss_weights)
        if self.symmetries is not None:
            find_symmetries(self.symmetries, x.shape)
        if np.bincount(y).max() < 2:
            raise ValueError(
                "Every class has one sample, so nothing is known about how samples of "
                "a class differ. Give at least one class two samples."
            )

    @reproducible()
    def _learn(self, x, y, streams):
        device = find_device(self.device)
        budget = Budget(self.max_seconds, self.verbose)
        samples = torch.from_numpy(x.astype(np.float32)).to(device)
        labels = torch.from_numpy(y)
        bank = same_class_pairs(labels, _MAX_PAIRS, streams.torch("pairs")).to(device)
        steps = self._choose_head_graphs(streams.torch("heads"))
        probe = None
        if self._codec.kind == "image" and self.decoder == "flow":
            probe = ImageProbe(samples, labels, streams.torch("probe"))
        network, bank = build_network(
            self,
            samples,
            labels.to(device),
            bank,
            probe=probe,
            generator=streams.torch("weights"),
            budget=budget,
        )
        self.symmetries_ = () if probe is None else network.mover.symmetries
        self.strength_, self.advice_ = self._choose_strength(
            x, samples, y, probe, network.mover, bank, streams
        )
        network.strength = self.strength_
        if probe is not None:
            chosen = 1.0 if self.strength is not None else self.strength_
            choose_light(probe, network.mover, samples, bank, chosen, streams)
        self.n_trainable_ = trainable_parameters(network.autoencoder).n_trainable
        mixing = self._mixing()
        self.loss_curve_ = train_expansion(
            network,
            samples,
            labels.to(device),
            bank,
            steps,
            loss_weights=LossWeights.from_parameter(self.loss_weights),
            mixing=mixing,
            max_iter=self._setting("max_iter"),
            batch_size=_BATCH_PAIRS,
            learning_rate=_LEARNING_RATE,
            streams=streams,
            budget=budget,
        )
        self.n_iter_ = len(self.loss_curve_["total"])
        judging = self._appoint_judge(network, x, y, probe, streams)
        self._expansion = Expansion(
            network, samples, labels, bank, steps, mixing, **judging
        )
        latents = self._expansion.encoded.mean.flatten(1)
        self.koopman_operator_ = koopman_matrix(latents.cpu().numpy(), y)

    def _setting(self, name):
        """Return a parameter, or its default for this kind of data."""
        value = getattr(self, name)
        return _DEFAULTS[self._codec.kind][name] if value is None else value

    def _mixing(self):
        """Say how residuals are mixed, as ``plan_mixing`` wants to be told."""
        is_image = self._codec.kind == "image"
        lengths = torch.from_numpy(rule_of_thumb(self.class_counts_)).float()
        return {
            "degree": self._setting("degree"),
            "expander": self.expander,
            "class_length": None if is_image else lengths,
            "is_pooled": is_image,
        }

    def _choose_strength(self, x, samples, y, probe, mover, bank, streams):
        """Take the length asked for, or let cross-validation choose, and say why."""
        if self.strength is not None:
            return float(self.strength), ""
        if not self.expander or len(bank) == 0:
            return 1.0, ""  # without an expander 1 reaches the other sample
        if self._codec.kind == "table":
            asked = self._resolve_counts(None)
            return choose_for_table(x, y, self.class_counts_, asked, streams)
        if probe is None:
            return 1.0, ""
        return choose_for_images(
            probe,
            mover,
            samples,
            torch.from_numpy(y),
            bank,
            degree=self._setting("degree"),
            streams=streams.child("strength"),
        )

    def _choose_head_graphs(self, generator):
        """Choose each class's codeword graph over the heads."""
        degree = self._setting("degree")
        n_heads = self.n_heads if self.attention is not None else 1
        graphs = head_codewords(len(self.classes_), n_heads, degree, generator)
        self.graphs_ = dict(zip(self.classes_.tolist(), graphs, strict=True))
        return averaging_matrices(graphs)

    def _appoint_judge(self, network, x, y, probe, streams):
        """Let somebody say which candidates look like their class, if anybody can."""
        if self._codec.kind == "table":
            return self._appoint_table_judge(x, y, streams)
        judging, accuracy = appoint_image_judge(
            self, network, x, y, probe=probe, n_steps=self.n_iter_, streams=streams
        )
        if accuracy is not None:
            self.judge_accuracy_ = accuracy
        return judging

    def _appoint_table_judge(self, x, y, streams):
        levels, judge = SeenLevels().fit(x, self._codec.is_continuous_), None
        n_tries = self._setting("n_candidates")
        # What is left alone keeps its labels: there is nothing to judge.
        if self.strength is None and self.strength_ == LEFT_ALONE:
            n_tries = 1
        if n_tries > 1:
            judge = TableJudge().fit(x, y, random_state=streams.seed("judge"))
        return {"judge": judge, "n_candidates": n_tries, "levels": levels}

    @reproducible()
    def _draw(self, counts, streams):
        x_new, y_new, provenance = self._expansion.draw(counts, streams)
        self.sample_graph_ = self._expansion.certificate
        self.acceptance_rate_ = self._expansion.acceptance_rate
        return x_new, y_new, provenance
