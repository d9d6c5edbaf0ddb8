r"""Fine-tuning by one scale and one shift per filter, eq. 1.

A network pre-trained on a large data set is adapted to a small one by

.. math::
    \mathrm{conv}(x; W) \cdot \gamma + \beta

with one :math:`\gamma` and one :math:`\beta` per output filter, while ``W`` stays as
it was [1]_. A layer of a hundred thousand weights is tuned by a few hundred numbers,
which a few samples can determine.

References
----------
.. [1] Jebraeeli et al., "Expansive Synthesis", arXiv:2406.17238, eq. 1.
.. [2] Noguchi and Harada, "Image generation from small datasets via batch
   statistics adaptation", ICCV 2019.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.utils import parametrize

_ADAPTABLE = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


class FilterAdapter(nn.Module):
    """A frozen layer whose every filter is rescaled and shifted.

    Starts as the identity: ``gamma`` is 1 and ``beta`` is 0. The properties `weight`
    and `bias` are those of the one plain layer that does the same, so that code which
    reads a layer's weight directly (attention's output projection does) is adapted
    too.

    Parameters
    ----------
    layer : Conv2d, ConvTranspose2d or Linear
        Wrapped, not copied. All of its parameters are frozen.

    Attributes
    ----------
    gamma : Parameter of shape (n_filters,)
        Scale of each output channel, or output feature of a linear layer.
    beta : Parameter of shape (n_filters,)
        Shift of each.

    Raises
    ------
    TypeError
        If `layer` is of another kind.
    ValueError
        If the weight of `layer` is itself parametrized.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        if not isinstance(layer, _ADAPTABLE):
            raise TypeError(
                "FilterAdapter wraps a Conv2d, ConvTranspose2d or Linear layer, got "
                f"{type(layer).__name__}; for a whole network use adapt_filters."
            )
        if parametrize.is_parametrized(layer):
            raise ValueError(
                f"the {type(layer).__name__} layer is parametrized (weight or spectral "
                "norm?); call torch.nn.utils.parametrize.remove_parametrizations first."
            )
        self.layer = layer.requires_grad_(False)
        is_linear = isinstance(layer, nn.Linear)
        n_filters = layer.out_features if is_linear else layer.out_channels
        # Channels are the third axis from the end of images, the last of features.
        self._trailing = () if is_linear else (1, 1)
        self.gamma = nn.Parameter(layer.weight.new_ones(n_filters))
        self.beta = nn.Parameter(layer.weight.new_zeros(n_filters))

    def forward(self, x: Tensor, *args, **kwargs) -> Tensor:
        """Run the layer, then scale and shift each filter.

        Shapes: as the wrapped layer.
        """
        gamma = self.gamma.view(-1, *self._trailing)
        beta = self.beta.view(-1, *self._trailing)
        return self.layer(x, *args, **kwargs) * gamma + beta

    @property
    def weight(self) -> Tensor:
        """Weight of the equivalent plain layer, in its shape."""
        weight = self.layer.weight
        if not isinstance(self.layer, nn.ConvTranspose2d):
            return weight * self.gamma.view(-1, *[1] * (weight.ndim - 1))
        # Transposed convolutions hold (in, out / groups, ...): the filters of group g
        # are the columns of the g-th block of rows.
        groups = self.layer.groups
        blocks = weight.unflatten(0, (groups, -1))  # (groups, in / groups, out / ...)
        gamma = self.gamma.view(groups, 1, -1, 1, 1)
        return (blocks * gamma).flatten(0, 1)

    @property
    def bias(self) -> Tensor:
        """Bias of the equivalent plain layer, (n_filters,)."""
        if self.layer.bias is None:
            return self.beta
        return self.layer.bias * self.gamma + self.beta

    def merge(self) -> nn.Module:
        """Write `gamma` and `beta` into the wrapped layer and return it.

        The layer gets new parameters, with a bias if it had none, that train again.
        The adapter must not be used afterwards.

        Returns
        -------
        Module
            The layer that was wrapped.
        """
        weight, bias = self.weight.detach().clone(), self.bias.detach().clone()
        self.layer.weight = nn.Parameter(weight)
        self.layer.bias = nn.Parameter(bias)
        return self.layer


def adapt_filters(network: nn.Module) -> int:
    """Let only the scale and shift of each filter train, in place.

    Every :class:`~torch.nn.Conv2d`, :class:`~torch.nn.ConvTranspose2d` and
    :class:`~torch.nn.Linear` inside is wrapped in a :class:`FilterAdapter`; a layer
    used in several places keeps one adapter. All other parameters are frozen,
    normalization layers included; the *running statistics* of those still move in
    training mode. Make the optimizer after this call: the parameters are new ones.

    Parameters
    ----------
    network : Module
        A pre-trained network that contains such layers.

    Returns
    -------
    int
        Number of trainable scalars: twice the number of filters.

    Raises
    ------
    TypeError
        If `network` is such a layer itself, which cannot be replaced in place.
    ValueError
        If it was adapted before, or has no layer to adapt.
    """
    if isinstance(network, _ADAPTABLE):
        raise TypeError(
            f"a single {type(network).__name__} cannot be replaced in place; use "
            "FilterAdapter(network), or put it into an nn.Sequential."
        )
    if any(isinstance(module, FilterAdapter) for module in network.modules()):
        raise ValueError(
            "network is adapted already; train it as it is, or call merge_filters "
            "before adapting again."
        )
    layers = [m for m in network.modules() if isinstance(m, _ADAPTABLE)]
    if not layers:
        raise ValueError(
            "network must contain a Conv2d, ConvTranspose2d or Linear layer to adapt, "
            "got none."
        )
    # All adapters are made before any is put in place: a layer that is refused
    # leaves the network as it was, but for what is frozen.
    adapters = {layer: FilterAdapter(layer) for layer in layers}
    network.requires_grad_(False)
    _replace_children(network, adapters)
    for adapter in adapters.values():
        adapter.gamma.requires_grad_(True)
        adapter.beta.requires_grad_(True)
    return trainable_parameters(network).n_trainable


def merge_filters(network: nn.Module) -> None:
    """Fold every scale and shift into its layer and remove the adapters, in place.

    The network computes the same function with the layers it had before; layers
    without a bias have one now. It is an ordinary network again: all of its
    parameters train, also those frozen by hand before it was adapted.

    Parameters
    ----------
    network : Module
        Adapted by :func:`adapt_filters`.

    Raises
    ------
    ValueError
        If there is nothing to merge.
    """
    adapters = [m for m in network.modules() if isinstance(m, FilterAdapter)]
    if not adapters or adapters[0] is network:
        raise ValueError(
            "network holds no adapter that could be removed in place; call "
            "adapt_filters first, or .merge() on a FilterAdapter of your own."
        )
    _replace_children(network, {adapter: adapter.merge() for adapter in adapters})
    network.requires_grad_(True)


@dataclass(frozen=True)
class ParameterCount:
    """How many scalars of a network train and how many do not.

    Parameters
    ----------
    n_trainable : int
        Scalars with a gradient.
    n_frozen : int
        Scalars without.
    """

    n_trainable: int
    n_frozen: int

    @property
    def n_total(self) -> int:
        """All scalars."""
        return self.n_trainable + self.n_frozen

    def __str__(self) -> str:
        share = self.n_trainable / max(1, self.n_total)
        return (
            f"{self.n_trainable:,} of {self.n_total:,} parameters train ({share:.1%})"
        )


def trainable_parameters(network: nn.Module) -> ParameterCount:
    """Count trainable and frozen scalars; a shared parameter counts once.

    Parameters
    ----------
    network : Module
        Any network.

    Returns
    -------
    ParameterCount
    """
    n_trainable = n_frozen = 0
    for parameter in network.parameters():
        if parameter.requires_grad:
            n_trainable += parameter.numel()
        else:
            n_frozen += parameter.numel()
    return ParameterCount(n_trainable=n_trainable, n_frozen=n_frozen)


def _replace_children(network: nn.Module, replacements: dict) -> None:
    """Swap modules wherever they occur, in every parent that holds them."""
    for parent in list(network.modules()):
        if isinstance(parent, FilterAdapter):
            continue  # its own layer is not a place to put an adapter
        # Not named_children(): that skips the second name of a shared layer.
        for name, child in list(parent._modules.items()):
            if child in replacements:
                setattr(parent, name, replacements[child])
