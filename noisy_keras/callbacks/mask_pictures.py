"""Pictures of SANM at work: original, activation, mask and reconstruction."""

import os

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.callbacks import drawing
from noisy_keras.core.plugin import Views
from noisy_keras.networks import head
from noisy_keras.plugins.sanm import AdversarialNoisyMasking
from noisy_keras.utils import distribution
from noisy_keras.utils import files

_COLUMNS = ("original", "activation", "masked", "reconstruction")
#: File of the latest panels as arrays, beside the pictures.
PANELS = "masks.npz"


class MaskPictures(keras.callbacks.Callback):
    """Draws SANM's masks and reconstructions of clean and noisy samples.

    At the end of training, and every `every` epochs, one PNG file is written.
    It has a row per sample with its given label and clean probability. Where
    true labels are known, half of the samples have clean labels and half noisy
    ones; elsewhere they are those of the highest and the lowest clean
    probability. The latest panels are also stored as arrays in `masks.npz`.
    Models without the plug-in are ignored.

    Args:
        source: `Source` in training.
        directory: str or path-like, folder of the pictures, created if
            necessary.
        every: int, epochs between pictures; None draws at the end only.
        samples: int, number of rows of a picture.
        tensorboard: str, folder of event files to which the pictures are added,
            or None.
    """

    def __init__(
        self, source, directory, every=None, samples=12, tensorboard=None
    ):
        super().__init__()
        self.tensorboard = tensorboard
        self.source = source
        self.directory = os.fspath(directory)
        self.every = every
        self.samples = samples

    def on_epoch_end(self, epoch, logs=None):
        last = epoch + 1 == self.params["epochs"]
        if last or (self.every and (epoch + 1) % self.every == 0):
            self._draw(epoch + 1)

    def _draw(self, epoch):
        plugin = next(
            (
                p
                for p in self.model.plugins
                if isinstance(p, AdversarialNoisyMasking)
            ),
            None,
        )
        chief = distribution.is_chief(self.model.distribute_strategy)
        if plugin is None or not chief:
            return
        os.makedirs(self.directory, exist_ok=True)
        clean = self.model.clean_probability.numpy().mean(axis=1)
        index = self._choose(clean)
        panels = panels_of(self.model, plugin, self.source, index, clean[index])
        titles = [self._title(i, clean[i]) for i in index]
        path = os.path.join(self.directory, f"masks_epoch_{epoch:04d}.png")
        drawing.write_grid(path, _COLUMNS, panels, titles)
        latest = os.path.join(self.directory, PANELS)
        with files.replacing(latest, "wb") as stream:
            np.savez_compressed(
                stream,
                epoch=epoch,
                columns=np.array(_COLUMNS),
                panels=np.uint8(np.round(255.0 * np.clip(panels, 0.0, 1.0))),
                title=np.array(titles),
            )
        if self.tensorboard is not None:
            drawing.to_tensorboard(
                self.tensorboard, {"masks": drawing.read(path)}, epoch
            )

    def _choose(self, clean):
        half = self.samples // 2
        source = self.source
        known = source.truth_known
        if known.any():
            right = source.labels == source.true_labels
            # Spread over the source, and the same samples in every picture.
            groups = [np.flatnonzero(known & r) for r in (right, ~right)]
            chosen = [g[:: max(1, len(g) // half)][:half] for g in groups]
        else:
            order = np.argsort(clean)
            chosen = [order[::-1][:half], order[:half]]
        return np.concatenate(chosen)

    def _title(self, i, clean):
        names = self.source.class_names
        title = f"given {names[self.source.labels[i]]}"
        if self.source.true_labels is not None:
            true = self.source.true_labels[i]
            if true >= 0 and true != self.source.labels[i]:
                title += f"\ntrue {names[true]}"
        return f"{title}\nclean {clean:.2f}"


def panels_of(model, plugin, source, index, clean_probability):
    """Masks and reconstructions of some samples, in inference mode.

    Args:
        model: `NoisyLabelModel` with the plug-in.
        plugin: `AdversarialNoisyMasking`, the plug-in.
        source: `Source`.
        index: int array `[n]`, positions of the samples.
        clean_probability: float array `[n]` in `[0, 1]`.

    Returns:
        Float32 array `[n, 4, H, W, 3]` in `[0, 1]`: the original, the
            activation map over it, the masked image and its reconstruction,
            which is black without a decoder.
    """
    network = model.networks[0]
    white = float(source.pixel_scale)
    images = tf.cast(source.fetch(index), tf.float32)
    targets = source.fetch_targets(index)
    outputs = network(images, training=False)
    clean = tf.convert_to_tensor(clean_probability, tf.float32)
    views = Views(images, targets, clean, outputs)
    masked = plugin.views(network, views, tf.constant([0, 0]))
    masked = masked[0].images if masked else images
    restored = tf.zeros_like(images)
    if plugin.decoders:
        features = network(masked, training=False)["features"]
        restored = head.pixel_units(network).inverse(
            plugin.decoders[0](features)
        )
    pictures = [
        drawing.in_colour(x / white) for x in (images, masked, restored)
    ]
    activation = drawing.over(
        pictures[0], plugin.activation_map(network, outputs, images)
    )
    panels = [pictures[0], activation, pictures[1], pictures[2]]
    return np.stack(panels, axis=1)
