"""Pictures of what SANM does: original, activation, mask, reconstruction."""

import os

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.core import distribution
from noisy_keras.core import files
from noisy_keras.core.plugin import Views
from noisy_keras.networks import head
from noisy_keras.plugins.sanm import AdversarialNoisyMasking

_COLUMNS = ("original", "activation", "masked", "reconstruction")


class MaskPictures(keras.callbacks.Callback):
    """Draws clean and mislabelled samples on their way through SANM.

    At the end of training, and every so many epochs, one PNG file is written:
    a row per sample with its given label and clean probability, half of the
    samples labelled right and half wrong where the truth is known, else those
    of highest and lowest clean probability. Does nothing for a model without
    the plug-in.

    Args:
        source: the `Source` in training.
        directory: of the pictures; made if need be.
        every: epochs between pictures; None draws at the end alone.
        samples: rows of a picture.
    """

    def __init__(self, source, directory, every=None, samples=12):
        super().__init__()
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
        write_grid(path, panels, titles)

    def _choose(self, clean):
        half = self.samples // 2
        source = self.source
        known = source.truth_known
        if known.any():
            right = source.labels == source.true_labels
            # Spread over the set; the same samples in every picture.
            groups = [np.flatnonzero(known & r) for r in (right, ~right)]
            picked = [g[:: max(1, len(g) // half)][:half] for g in groups]
        else:
            order = np.argsort(clean)
            picked = [order[::-1][:half], order[:half]]
        return np.concatenate(picked)

    def _title(self, i, clean):
        names = self.source.class_names
        title = f"given {names[self.source.labels[i]]}"
        if self.source.true_labels is not None:
            true = self.source.true_labels[i]
            if true >= 0 and true != self.source.labels[i]:
                title += f"\ntrue {names[true]}"
        return f"{title}\nclean {clean:.2f}"


def panels_of(model, plugin, source, index, clean_probability):
    """What the plug-in makes of some samples, in inference mode.

    Args:
        model: a host with the plug-in.
        plugin: an `AdversarialNoisyMasking`.
        source: a `Source`.
        index: int `[n]`.
        clean_probability: `[n]`.

    Returns:
        float32 `[n, 4, H, W, 3]` in `[0, 1]`: original, activation over the
        image, masked copy, reconstruction (black without a decoder).
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
    heat = plugin.activation_map(network, outputs)[..., None]
    heat = tf.image.resize(heat, images.shape[1:3])
    low = tf.reduce_min(heat, axis=(1, 2), keepdims=True)
    high = tf.reduce_max(heat, axis=(1, 2), keepdims=True)
    heat = (heat - low) / tf.maximum(high - low, 1e-9)
    pictures = [_in_colour(x / white) for x in (images, masked, restored)]
    activation = 0.5 * pictures[0] + 0.5 * _colour_map(heat[..., 0].numpy())
    panels = [pictures[0], activation, pictures[1], pictures[2]]
    return np.stack(panels, axis=1)


# Width of a letter of the text, in panels.
_LETTER = 0.075


def write_grid(path, panels, titles):
    """Draws rows of panels into a PNG file.

    Args:
        path: of the file.
        panels: `[n, 4, H, W, 3]` in `[0, 1]`.
        titles: n strings.
    """
    from matplotlib import figure

    # Two blocks side by side, right labels and wrong ones; each block is a
    # column of text and four panels.
    rows = -(-len(panels) // 2)
    block = 1 + len(_COLUMNS)
    letters = max(len(t) for title in titles for t in title.split("\n"))
    widths = [max(1.0, _LETTER * letters), *[1.0] * len(_COLUMNS)]
    canvas = figure.Figure(
        figsize=(2.4 * sum(widths), 1.25 * rows + 0.3), dpi=100
    )
    axes = canvas.subplots(
        rows,
        2 * block,
        squeeze=False,
        gridspec_kw={
            "wspace": 0.06,
            "hspace": 0.08,
            "width_ratios": 2 * widths,
        },
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (row, title) in enumerate(zip(panels, titles, strict=True)):
        side, line = divmod(number, rows)
        text, *cells = axes[line, side * block : (side + 1) * block]
        text.text(1.0, 0.5, title, fontsize=8, ha="right", va="center")
        for axis, panel, name in zip(cells, row, _COLUMNS, strict=True):
            axis.imshow(panel, interpolation="nearest")
            if line == 0:
                axis.set_title(name, fontsize=9)
    with files.replacing(path, "wb") as stream:
        canvas.savefig(stream, format="png", bbox_inches="tight")


def _in_colour(images):
    images = np.clip(images.numpy(), 0.0, 1.0)
    return np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images


def _colour_map(heat):
    from matplotlib import colormaps

    return colormaps["jet"](heat)[..., :3].astype(np.float32)
