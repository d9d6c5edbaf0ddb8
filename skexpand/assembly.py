"""From the parameters of the estimator to the network and judge they describe."""

from dataclasses import replace
from functools import partial

import numpy as np
import torch

from skexpand._device import find_device
from skexpand._encoder import start_autoencoder
from skexpand.image_judge import ImageJudge, count_candidates
from skexpand.nn.attention import LatentAttention
from skexpand.nn.classifier import Classifier
from skexpand.nn.movers import ImageMover, TableMover
from skexpand.nn.network import ExpansionNetwork
from skexpand.nn.prior import AffinePrior
from skexpand.nn.symmetry import Symmetries
from skexpand.recognition import consult
from skexpand.training import LossWeights


def build_network(parameters, samples, labels, bank, *, probe, generator, budget):
    """Build the expansion network, untrained but for what pre-training brought.

    Parameters
    ----------
    parameters : ExpansiveSynthesizer
        Read for its constructor parameters only.
    samples : Tensor of shape (n, C, H, W) or (n, q)
        Encoded images or rows, on the device to use.
    labels : LongTensor of shape (n,)
        Class codes, on the same device.
    bank : PairBank
        Pairs whose differences may be mixed; images are registered here.
    probe : ImageProbe or None
        Says how images may be moved; None for tables and without moves.
    generator : torch.Generator
        Source of the first weights, on the CPU.
    budget : Budget
        Shows the progress of registering images, which is not cut short.

    Returns
    -------
    network : ExpansionNetwork
        On the device of `samples`, of strength 1.
    bank : PairBank
        The same pairs; for moved images the mover says which are mixed.
    """
    autoencoder = start_autoencoder(
        samples,
        labels,
        parameters.pretrained,
        finetune=parameters.finetune,
        n_groups=parameters.n_heads,
        generator=generator,
    ).to(samples.device)
    attention = None
    if parameters.attention is not None:
        attention = LatentAttention(
            autoencoder.latent_shape,
            generator=generator,
            kind=parameters.attention,
            n_heads=parameters.n_heads,
            skip=parameters.skip,
            crop=parameters.crop,
        )
    classifier = Classifier(
        tuple(samples.shape[1:]), int(labels.max()) + 1, generator=generator
    )
    mover = None
    if parameters.decoder == "flow" and samples.dim() == 4:
        mover = ImageMover.from_pairs(
            samples,
            bank,
            partial(budget.show, description="registering"),
            prior=partial(AffinePrior.from_probe, probe, generator),
            generator=generator,
            symmetries=find_symmetries(parameters.symmetries, samples.shape, probe),
        )
        bank = replace(bank, is_mixed=mover.fits)
    elif parameters.decoder == "flow":
        mover = TableMover.from_pairs(autoencoder, samples, labels, bank)
    network = ExpansionNetwork(autoencoder, classifier, attention, mover, strength=1.0)
    return network.to(samples.device), bank


def find_symmetries(names, shape, probe=None):
    """Take the symmetries named, or ask the probe.

    Parameters
    ----------
    names : sequence of str or None
        The parameter `symmetries` of the estimator.
    shape : tuple of int
        Of the encoded samples, ``(n, C, H, W)``.
    probe : ImageProbe or None, default=None
        Asked where nothing is named.

    Returns
    -------
    Symmetries

    Raises
    ------
    ValueError
        If samples are rows of a table, or see `Symmetries.from_names`.
    """
    if len(shape) != 4:
        raise ValueError(
            f"symmetries={names!r} says how images may be turned, but X holds rows of "
            "a table. Leave it out, or pass image_shape."
        )
    is_square = shape[2] == shape[3]
    if names is None:
        return Symmetries.from_probe(probe, is_square)
    return Symmetries.from_names(names, is_square)


def appoint_image_judge(parameters, network, x, y, *, probe, n_steps, streams):
    """Let the classifier say which candidates look like their class, if it can.

    Parameters
    ----------
    parameters : ExpansiveSynthesizer
        Read for its constructor parameters only.
    network : ExpansionNetwork
        Trained.
    x : ndarray of shape (n, C, H, W)
        Encoded images.
    y : ndarray of int, shape (n,)
        Class codes.
    probe : ImageProbe or None
        Who knows the classes; None does not object.
    n_steps : int
        That the network was trained for.
    streams : RandomStreams
        Source of randomness.

    Returns
    -------
    dict
        ``judge``, ``n_candidates`` and ``material`` of an `Expansion`.
    accuracy : float or None
        Of few-shot recognition in pre-trained features, where there are any.
    """
    counts = np.bincount(y)
    if parameters.n_candidates is not None:
        n_tries = np.full(len(counts), parameters.n_candidates)
    else:
        learned = 1.0 if probe is None else network.mover.explained
        n_tries = count_candidates(counts, probe, learned, n_steps)
    samples, codes, judge = torch.from_numpy(x), torch.from_numpy(y), None
    known_anyway = 0.0 if probe is None else probe.accuracy
    device = find_device(parameters.device)
    recognizer, accuracy, material = consult(
        parameters.pretrained, samples, y, streams, device, known_anyway
    )
    weight = LossWeights.from_parameter(parameters.loss_weights).classification
    if n_tries.max() > 1 and weight > 0 and n_steps > 0:
        judge = ImageJudge(network.classifier, samples, codes, recognizer)
    judging = {"judge": judge, "n_candidates": n_tries, "material": material}
    return judging, accuracy
