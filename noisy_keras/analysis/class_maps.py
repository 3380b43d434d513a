"""Where networks look to explain a wrong label.

Networks that have learnt a wrong label skip what is relevant for the true
class, and look at what helps to explain the given one.

Reference: Zhou et al., Learning Deep Features for Discriminative
Localization, CVPR 2016; Ortego et al. (DRPL), ICPR 2020, on label noise.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from noisy_keras.callbacks import drawing
from noisy_keras.networks import head
from noisy_keras.ops import masking

_HEADING = (
    "Evidence that {name} sees for a class, from blue (least) to red (most), "
    "each map by itself"
)


@dataclasses.dataclass(frozen=True, eq=False)
class ClassMaps:
    """Activation maps of some samples, one for each class asked for.

    Attributes:
        index: int `[n]`, positions in the source.
        pictures: float32 `[n, H, W, 3]` in `[0, 1]`.
        probability: float32 `[n, K]`, predicted.
        classes: dict from `"predicted"`, `"given"` and, where one of the
            samples has one that is known, `"true"` to int `[n]`; -1 where it
            is unknown or there is none.
        maps: dict likewise to float32 `[n, h, w]`; NaN where unknown.
    """

    index: np.ndarray
    pictures: np.ndarray
    probability: np.ndarray
    classes: dict
    maps: dict


def mislabelled(source, clean_probability, samples=12):
    """Samples whose labels are wrong, to look at.

    Args:
        source: a `Source`.
        clean_probability: `[N]`, by which the most suspect are found where
            the truth is not known.
        samples: at most.

    Returns:
        int `[n]`: positions spread evenly over the set where the truth is
        known, else the most suspect first.
    """
    known = source.truth_known
    if not known.any():
        return np.argsort(clean_probability, kind="stable")[:samples]
    wrong = np.flatnonzero(known & (source.labels != source.true_labels))
    if len(wrong) <= samples:
        return wrong
    return wrong[np.linspace(0, len(wrong) - 1, samples).round().astype(int)]


def class_maps(network, source, index):
    """Activation maps of the predicted, the given and the true class.

    Args:
        network: one that keeps the contract of `noisy_keras.networks`.
        source: a `Source`.
        index: int `[n]`.

    Returns:
        `ClassMaps`, or None for a network whose logits are not a linear layer
        on the mean of its last feature map.
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
    """Draws pictures and their activation maps side by side.

    Args:
        path: of the PNG file.
        source: the `Source` of the samples.
        found: `ClassMaps`.
        name: of the network, for the heading.
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
        lines.append("foreign picture")
    return "\n".join(lines)
