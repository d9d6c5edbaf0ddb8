"""What pre-training leaves behind: arrays, and the record of where they come from."""

from dataclasses import dataclass

import torch

from skexpand.artifacts import load_arrays, save_arrays
from skexpand.material import Material
from skexpand.nn.adaptation import adapt_filters
from skexpand.nn.autoencoder import ConvAutoencoder, TableAutoencoder
from skexpand.nn.features import FeatureNetwork, MirrorFeatures


@dataclass
class PretrainedEncoder:
    """Weights learned on X'', and the record of where they come from.

    Holds arrays and plain values only, so that scikit-learn can clone it, joblib can
    hash it and safetensors can store it.

    Parameters
    ----------
    kind : {"image", "table"}
        What it encodes.
    sample_shape : tuple of int
        (C, H, W), or (q,) encoded columns.
    weights : dict of str to ndarray
        State of the autoencoder.
    lineage : dict
        Rows, shape, labels and content hash of X'', steps and last loss.
    codec : TableCodec or None, default=None
        Of X''; a table must be encoded as its pre-training data were.
    features : dict of str to ndarray, or None, default=None
        Images: state of the network in whose features the judge looks.
    material : Material or None, default=None
        Images of X'' that are kept; `fit` may use those that it takes for its classes.
    """

    kind: str
    sample_shape: tuple
    weights: dict
    lineage: dict
    codec: object = None
    features: dict | None = None
    material: Material | None = None

    def __deepcopy__(self, memo):
        # Nothing changes a record, so clones share it: no weights are copied, and
        # Pipeline(memory=...) sees one hash, which copies of the codec would change.
        return self

    def __repr__(self):
        """Name what was learned from what, not every weight: results store it."""
        known = ("n_samples", "labeled", "sha256", "n_steps")
        facts = {name: self.lineage[name] for name in known if name in self.lineage}
        return (
            f"PretrainedEncoder(kind={self.kind!r}, sample_shape={self.sample_shape}, "
            f"lineage={facts})"
        )

    def build(self, *, finetune):
        """Rebuild the autoencoder, ready to be adapted (eq. 1).

        Parameters
        ----------
        finetune : {"filters", "all", "none"}
            What may train: one scale and one shift per filter, everything, or nothing.

        Returns
        -------
        Module
        """
        generator = torch.Generator().manual_seed(0)  # every weight is overwritten
        state = {name: torch.from_numpy(w.copy()) for name, w in self.weights.items()}
        if self.kind == "image":
            channels = len(state["to_mean.bias"])
            width = len(state["encoder.0.bias"])
            autoencoder = ConvAutoencoder(
                self.sample_shape,
                generator=generator,
                latent_channels=channels,
                width=width,
            )
        else:
            autoencoder = TableAutoencoder(
                state["mean"],
                state["whitening"],
                state["coloring"],
                generator=generator,
                n_groups=int(self.lineage["n_groups"]),
            )
        autoencoder.load_state_dict(state)
        if finetune == "filters":
            adapt_filters(autoencoder)
        elif finetune == "none":
            autoencoder.requires_grad_(False)
        return autoencoder

    def save(self, path, *, with_material=True):
        """Write weights as safetensors and the lineage as JSON; see `load`.

        Parameters
        ----------
        path : str or path-like
            Without a suffix: ``path.safetensors``, ``path.json`` and, with material,
            ``path.material.safetensors`` are written.
        with_material : bool, default=True
            Whether to write the images of X'' that were kept. Leave them out where
            the license of X'' lets weights be shared, but not images.

        Returns
        -------
        list of pathlib.Path
            The files.

        Raises
        ------
        ValueError
            For encoders of tables, whose columns no JSON describes: pickle these.
        """
        if self.kind != "image":
            raise ValueError(
                "Expected an encoder of images to save, got one of tables. Pickle it."
            )
        groups = {"autoencoder": self.weights, "features": self.features or {}}
        record = {
            "kind": self.kind,
            "sample_shape": list(self.sample_shape),
            "lineage": self.lineage,
        }
        material = None
        if with_material and self.material is not None:
            material = vars(self.material)
        return save_arrays(path, groups, record, material)

    @classmethod
    def load(cls, path):
        """Read an encoder that `save` or ``skexpand pretrain`` wrote.

        Parameters
        ----------
        path : str or path-like
            As in `save`, with or without a suffix.

        Returns
        -------
        PretrainedEncoder
            Without material where its file is missing.

        Raises
        ------
        FileNotFoundError
            If weights or record are missing.
        ValueError
            If a file is not the one that the record describes.
        """
        groups, record, material = load_arrays(path)
        return cls(
            kind=record["kind"],
            sample_shape=tuple(record["sample_shape"]),
            weights=groups["autoencoder"],
            lineage=record["lineage"],
            features=groups.get("features"),
            material=None if material is None else Material(**material),
        )

    def build_features(self):
        """Rebuild the feature network of images, frozen.

        Returns
        -------
        FeatureNetwork or MirrorFeatures
            The latter where mirror images of X'' are like images of it. In evaluation
            mode, on the CPU.
        """
        state = {name: torch.from_numpy(w.copy()) for name, w in self.features.items()}
        width, n_channels = state["stem.convolution.weight"].shape[:2]
        generator = torch.Generator().manual_seed(0)  # every weight is overwritten
        network = FeatureNetwork(n_channels, width, generator=generator)
        network.load_state_dict(state)
        if self.lineage["mirrored"]:
            network = MirrorFeatures(network)
        return network.requires_grad_(False).eval()
