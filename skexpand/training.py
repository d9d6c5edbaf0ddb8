"""Algorithm 1: one loop over all losses, readable line by line."""

import logging
import math
import time
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
import torch
import torch.nn.functional as F
from tqdm.auto import tqdm

from skexpand.nn.layers import shrunk
from skexpand.nn.losses import covariance_loss, reconstruction_loss
from skexpand.nn.mixing import MixingPlan, PairBank, plan_mixing
from skexpand.nn.optimizer import Adam
from skexpand.nn.transport import sliced_wasserstein

logger = logging.getLogger(__name__)

KL_WEIGHT = 1e-3  # per latent; larger blurs what the attention has to look at
_KOOPMAN_RIDGE = 1e-1  # half a batch of pairs determines the other half only roughly
_N_PROJECTIONS = 64
_PATIENCE = 60  # steps without a better smoothed loss
# Values repainted in a step where samples are moved, and samples at least: painting all
# of a batch took a third and more of a fit of large images, and only steers attention.
_MOST_PAINTED, _LEAST_PAINTED = 2**18, 8

LOSS_TERMS = ("reconstruction", "classification", "transport", "covariance")


@dataclass(frozen=True)
class LossWeights:
    """Weights of eq. 4; 0 switches a term off.

    Attributes
    ----------
    reconstruction : float, default=1.0
        Weight of eq. 5 and of the Koopman consistency, eq. 10.
    classification : float, default=0.1
        Weight of eq. 7.
    transport : float, default=0.1
        Weight of eq. 6, per latent dimension.
    covariance : float, default=0.01
        Weight of eq. 8, per latent dimension.
    """

    reconstruction: float = 1.0
    classification: float = 0.1
    transport: float = 0.1
    covariance: float = 0.01

    def __post_init__(self):
        for name, weight in vars(self).items():
            if not (isinstance(weight, Real) and 0 <= weight < np.inf):
                raise ValueError(
                    f"The weight of the {name} loss must be a finite number from 0 on, "
                    f"got {weight!r}."
                )

    @classmethod
    def from_parameter(cls, loss_weights):
        """Read the estimator's parameter: None, or a dict of term to weight."""
        loss_weights = {} if loss_weights is None else dict(loss_weights)
        unknown = sorted(set(loss_weights) - set(LOSS_TERMS))
        if unknown:
            raise ValueError(
                f"loss_weights names {unknown}; the terms are {list(LOSS_TERMS)}."
            )
        return cls(**loss_weights)


class Budget:
    """Seconds that learning may take, and the bar that shows them passing.

    Parameters
    ----------
    max_seconds : float or None
        None sets no limit.
    verbose : bool
        Whether to show progress bars.
    """

    def __init__(self, max_seconds, verbose):
        self.max_seconds = max_seconds
        self.verbose = verbose
        self._start = time.monotonic()

    @property
    def share_spent(self):
        """How much of the time is over, 0 where there is no limit."""
        if self.max_seconds is None:
            return 0.0
        return min(1.0, (time.monotonic() - self._start) / self.max_seconds)

    @property
    def is_spent(self):
        """Whether the time is over."""
        return self.share_spent == 1

    def show(self, sequence, description):
        """Go through a sequence that is not to be cut short, showing progress."""
        return tqdm(sequence, desc=description, disable=not self.verbose)

    def steps(self, n, description):
        """Count to `n`, showing progress, and stop when the time is over."""
        for step in self.show(range(n), description):
            if self.is_spent:
                logger.warning(
                    "%s stopped after %d of %d steps: max_seconds=%s is over.",
                    description,
                    step,
                    n,
                    self.max_seconds,
                )
                return
            yield step


def train_expansion(
    network,
    x,
    y,
    bank,
    steps,
    *,
    loss_weights,
    mixing,
    max_iter,
    batch_size,
    learning_rate,
    streams,
    budget,
):
    """Train the network in place (paper, Algorithm 1).

    Every step draws pairs of the bank; the rows at their ends are the batch. New points
    are mixed from one half of the rows and compared with the *other* half: exact
    transport to their own sources would be won by copying them.

    Parameters
    ----------
    network : ExpansionNetwork
        Trained in place; only parameters that require gradients change.
    x : Tensor of shape (n, ...)
        Encoded samples.
    y : LongTensor of shape (n,)
        Class codes.
    bank : PairBank
        Residuals to mix.
    steps : Tensor of shape (n_classes, L, L)
        Head graphs, see ``averaging_matrices``.
    loss_weights : LossWeights
        The alphas.
    mixing : dict
        ``degree`` and ``expander`` of ``plan_mixing``.
    max_iter : int
        Largest number of steps; training stops early when the loss is flat.
    batch_size : int
        Pairs in a step.
    learning_rate : float
        Of Adam.
    streams : RandomStreams
        Source of randomness.
    budget : Budget
        Limit of time, and progress.

    Returns
    -------
    dict of str to list of float
        ``loss_curve_``: every term and their weighted total, one value a step.
    """
    generator = streams.torch("train")
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimizer = Adam(parameters, learning_rate, max_norm=1.0)
    curve = {name: [] for name in (*LOSS_TERMS, "koopman", "total")}
    if len(bank) == 0:
        return curve
    monitor = _Plateau(_PATIENCE)
    # Large images are moved at the size at which the classifier looks at them.
    small = shrunk(x)
    network.train()
    for _ in budget.steps(max_iter, "training"):
        batch = _draw_batch(y, bank, steps, batch_size, mixing, generator)
        losses = _losses(network, x, small, y[batch.rows], batch, generator)
        total = sum(getattr(loss_weights, t) * losses[t] for t in LOSS_TERMS)
        total = total + loss_weights.reconstruction * losses["koopman"]
        optimizer.minimize(total)
        for name, value in {**losses, "total": total}.items():
            curve[name].append(value.item())
        if monitor.is_flat(curve["total"][-1]):
            break
    network.eval()
    return curve


@dataclass
class _Batch:
    """Rows of one step; pairs and plan are numbered within them."""

    rows: torch.Tensor
    bank: PairBank
    pair_numbers: torch.Tensor
    plan: MixingPlan
    is_target: torch.Tensor

    def global_plan(self):
        """Renumber samples and pairs of the plan as the whole data set does."""
        return replace(
            self.plan,
            anchor=self.rows[self.plan.anchor],
            pair=self.pair_numbers[self.plan.pair],
        )


def _draw_batch(y, bank, steps, batch_size, mixing, generator):
    chosen = torch.randperm(len(bank), generator=generator)[:batch_size].to(y.device)
    ends = torch.cat([bank.source[chosen], bank.target[chosen]])
    rows, place = ends.unique(return_inverse=True)
    source, target = place.view(2, -1)
    local = replace(bank.part(chosen), source=source, target=target)
    shuffled = torch.randperm(len(rows), generator=generator).to(y.device)
    anchor, is_target = shuffled[::2], torch.ones(len(rows), dtype=torch.bool)
    is_target[anchor] = len(rows) < 2  # alone, a row is compared with itself
    on_cpu = torch.device("cpu")
    plan = plan_mixing(
        anchor.to(on_cpu),
        y[rows[anchor]].to(on_cpu),
        local.to(on_cpu),
        steps,
        n_candidates=1,  # of a thousand throw-away graphs none needs to be the best
        generator=generator,
        **mixing,
    )
    return _Batch(rows, local, chosen, plan.to(y.device), is_target)


def _losses(network, x_all, small, y, batch, generator):
    x = x_all[batch.rows]
    encoded = network.encode(x, generator)  # Y <- phi(X), Y_SA <- MHSSA(Y)
    plan, bank = batch.plan, batch.bank
    weights = network.weigh(encoded, plan, bank)
    z_new = network.mix(encoded, plan, bank, weights)  # Y' <- EGM(Y_SA)
    painted = slice(None)
    if network.mover is None:
        x_new = network.autoencoder.decode(z_new)  # X' <- phi^-1(Y')
    else:
        x_new = network.mover(small, batch.global_plan(), weights, generator)
        painted = _some_to_paint(batch, x)

    x_hat = network.autoencoder.decode(encoded.features[painted])
    both = torch.cat([small[batch.rows], shrunk(x_new)])
    labels = torch.cat([y, y[plan.anchor]])
    flat, flat_new = encoded.latent.flatten(1), z_new.flatten(1)
    held_out = flat[batch.is_target.to(flat.device)]
    return {
        "reconstruction": reconstruction_loss(
            x_hat,
            x[painted],
            encoded.mean,
            encoded.log_variance,
            kl_weight=KL_WEIGHT / flat.shape[1],
        ),
        "classification": F.cross_entropy(network.classifier(both), labels),
        "transport": sliced_wasserstein(
            flat_new, held_out, n_projections=_N_PROJECTIONS, generator=generator
        )
        / flat.shape[1],
        "covariance": covariance_loss(flat_new)
        if len(flat_new) > 1
        else flat.sum() * 0,
        "koopman": koopman_consistency(flat[bank.source], flat[bank.target]),
    }


def _some_to_paint(batch, x):
    """Choose rows of a step to repaint: all, or of large samples a few at random."""
    n_painted = max(_LEAST_PAINTED, _MOST_PAINTED // math.prod(x.shape[1:]))
    if n_painted >= len(x):
        return slice(None)
    return batch.plan.anchor[:n_painted]  # half of the rows, in random order


def koopman_consistency(source, target):
    r"""How badly one linear map carries latents to those of related samples (eq. 10).

    The map is the ridge least squares of one half of the pairs; its error is measured
    on the other half, relative to predicting their mean. In the dual form, so the cost
    is that of the batch and not of the latent width:

    .. math::
        \hat Y_2 = S_2 S_1^T (S_1 S_1^T + \lambda I)^{-1} Y_1.

    Shapes: ``source (b, d)``, ``target (b, d)`` -> ``()``.
    """
    if len(source) < 4:
        return source.sum() * 0
    center = source.mean(dim=0)
    source, target = source - center, target - center
    half = len(source) // 2
    gram = source[:half] @ source[:half].T  # (half, half)
    ridge = _KOOPMAN_RIDGE * gram.diagonal().mean() + 1e-6
    system = gram + ridge * torch.eye(half, device=gram.device, dtype=gram.dtype)
    predicted = (
        source[half:] @ source[:half].T @ torch.linalg.solve(system, target[:half])
    )
    scale = target[half:].square().mean() + 1e-6
    return (predicted - target[half:]).square().mean() / scale


class _Plateau:
    """Notice when an exponentially smoothed loss has stopped falling."""

    def __init__(self, patience):
        self.patience = patience
        self._smooth = self._best = None
        self._since = 0

    def is_flat(self, loss):
        self._smooth = loss if self._smooth is None else 0.9 * self._smooth + 0.1 * loss
        if self._best is None or self._smooth < 0.999 * self._best:
            self._best, self._since = self._smooth, 0
        else:
            self._since += 1
        return self._since >= self.patience
