"""From the parameters of the estimator to the network they describe."""

from functools import partial

from skexpand._encoder import start_autoencoder
from skexpand.nn.attention import LatentAttention
from skexpand.nn.classifier import Classifier
from skexpand.nn.movers import ImageMover, TableMover
from skexpand.nn.network import ExpansionNetwork
from skexpand.nn.prior import AffinePrior
from skexpand.nn.symmetry import Symmetries


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
        Pairs whose differences are mixed; images are registered here.
    probe : ImageProbe or None
        Says how images may be moved; None for tables and without moves.
    generator : torch.Generator
        Source of the first weights, on the CPU.
    budget : Budget
        Shows the progress of registering images, which is not cut short.

    Returns
    -------
    ExpansionNetwork
        On the device of `samples`, of strength 1.
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
            symmetries=Symmetries.from_probe(
                probe, is_square=samples.shape[2] == samples.shape[3]
            ),
        )
    elif parameters.decoder == "flow":
        mover = TableMover.from_pairs(autoencoder, samples, labels, bank)
    network = ExpansionNetwork(autoencoder, classifier, attention, mover, strength=1.0)
    return network.to(samples.device)
