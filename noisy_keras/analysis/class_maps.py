"""Class activation maps of noisy labels.

Networks that have memorised a noisy label ignore the regions that are relevant
for the true class, and look at regions that help to explain the given one.

Reference: Zhou et al., Learning Deep Features for Discriminative Localization,
CVPR 2016; Ortego et al. (DRPL), ICPR 2020, on label noise.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from noisy_keras.callbacks import drawing
from noisy_keras.networks import head
from noisy_keras.ops import masking

_HEADING = (
    "Class activation maps of {name}, from blue (low) to red (high), each on "
    "its own scale"
)


@dataclasses.dataclass(frozen=True, eq=False)
class ClassMaps:
    """Class activation maps of some samples, for several classes each.

    Attributes:
        index: int array `[n]`, positions in the source.
        pictures: float32 array `[n, H, W, 3]` in `[0, 1]`, the images.
        probability: float32 array `[n, K]`, predicted class probabilities.
        classes: dict from `"predicted"`, `"given"` and, if one of the samples
            has a known true label, `"true"` to int arrays `[n]` of classes; -1
            where the class is unknown or there is none.
        maps: dict with the same keys to float32 arrays `[n, h, w]`, the
            activation maps; NaN where the class is unknown.
    """

    index: np.ndarray
    pictures: np.ndarray
    probability: np.ndarray
    classes: dict
    maps: dict


def mislabelled(source, clean_probability, samples=12):
    """Samples with noisy labels.

    Args:
        source: `Source` of N samples.
        clean_probability: float array `[N]` in `[0, 1]`, which selects the
            samples where true labels are unknown.
        samples: int, largest number of samples.

    Returns:
        Int array `[n]` of positions. Where true labels are known, samples with
        noisy labels, evenly spread over the source; elsewhere those of the
        lowest clean probability, in ascending order.
    """
    known = source.truth_known
    if not known.any():
        return np.argsort(clean_probability, kind="stable")[:samples]
    wrong = np.flatnonzero(known & (source.labels != source.true_labels))
    if len(wrong) <= samples:
        return wrong
    return wrong[np.linspace(0, len(wrong) - 1, samples).round().astype(int)]


def class_maps(network, source, index):
    """Class activation maps of the predicted, the given and the true class.

    Args:
        network: `keras.Model` with the interface of `noisy_keras.networks`.
        source: `Source`.
        index: int array `[n]`, positions of the samples.

    Returns:
        `ClassMaps`, or None for a network whose logits are not a linear
        function of the mean of its last feature map.
    """
    kernel = head.classifier_kernel(network)
    depth = network.output["features"].shape[-1]
    if kernel is None or kernel.shape[0] != depth:
        return None
    images = tf.cast(source.fetch(index), tf.float32)
    outputs = network(images, training=False)
    probability = tf.nn.softmax(outputs["logits"]).numpy()
    classes = {
        "predicted": probability.argmax(axis=1),
        "given": source.labels[index],
    }
    if source.true_labels is not None:
        true = source.true_labels[index]
        if (true >= 0).any():
            classes["true"] = true
    maps = {}
    for name, numbers in classes.items():
        found = masking.class_activation_map(
            outputs["features"], kernel, np.maximum(numbers, 0)
        ).numpy()
        found[numbers < 0] = np.nan
        maps[name] = found
    white = float(source.pixel_scale)
    return ClassMaps(
        index=np.asarray(index),
        pictures=drawing.in_colour(images / white),
        probability=probability,
        classes=classes,
        maps=maps,
    )


def draw_class_maps(path, source, found, name="the network"):
    """Draws images and their class activation maps side by side.

    Args:
        path: str or path-like, the PNG file.
        source: `Source` of the samples.
        found: `ClassMaps`.
        name: str, name of the network in the heading.
    """
    columns = ["original", *found.maps]
    panels = [found.pictures]
    for kind, maps in found.maps.items():
        unknown = found.classes[kind] < 0
        shown = drawing.over(found.pictures, tf.constant(np.nan_to_num(maps)))
        panels.append(np.where(unknown[:, None, None, None], np.nan, shown))
    drawing.write_grid(
        path,
        columns,
        np.stack(panels, axis=1),
        [_title(source, found, n) for n in range(len(found.index))],
        heading=_HEADING.format(name=name),
    )


def _title(source, found, n):
    lines = []
    for kind, numbers in found.classes.items():
        number = numbers[n]
        if number >= 0:
            chance = found.probability[n, number]
            lines.append(f"{kind} {source.class_names[number]} ({chance:.0%})")
    if source.foreign is not None and source.foreign[found.index[n]]:
        lines.append("out of distribution")
    return "\n".join(lines)
