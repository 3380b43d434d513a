"""From a detection of wrong labels to the samples to learn from."""

from typing import NamedTuple

import numpy as np

from noisy_keras.callbacks.label_quality import label_quality
from noisy_keras.labels import detection

# Of each class, where a detection leaves no label at all to start from.
_LAST_RESORT = 0.1


class Division(NamedTuple):
    """What a detection leaves to learn from.

    Attributes:
        labeled: bool `[N]`, whose labels are believed.
        clean_probability: float32 `[N]`.
        told: the division in a line, for people.
        found: dict of arrays: the fields of the `Detection`, its `loss`, and
            the mixture's `weights`, `concentration1` and `concentration0`.
        fallback: what was done because the detection alone is no use, or "".
    """

    labeled: np.ndarray
    clean_probability: np.ndarray
    told: str
    found: dict
    fallback: str


def detected(loss, official):
    """A detection as arrays that can be kept: see `Division.found`."""
    found = detection.detect(loss, official)
    arrays = found._asdict() | {"loss": loss}
    mixture = arrays.pop("mixture")
    if mixture is not None:
        arrays |= {
            "weights": mixture.weights,
            "concentration1": mixture.concentration1,
            "concentration0": mixture.concentration0,
        }
    return {name: np.asarray(value) for name, value in arrays.items()}


def divide(found, threshold, class_share, source):
    """Believes the labels that are wrong with at most some probability.

    Where all labels are believed, it is said. Where a class keeps less than
    its share (or none keeps any), it gets back the labels of lowest loss.

    Args:
        found: as of `detected`.
        threshold: in (0, 1).
        class_share: of each class that is believed at least, in [0, 1).
        source: the `Source` whose labels they are.

    Returns:
        A `Division`.
    """
    noisy = found["noisy_probability"]
    labeled = noisy <= threshold
    told = f"{labeled.sum()} of {len(labeled)} labels are believed"
    outcome = str(found["outcome"])
    if outcome != "fitted":
        told += f" ({detection.OUTCOMES[outcome]})"
    quality = label_quality(source, 1.0 - noisy)
    if "label_auc" in quality:
        told += f", label AUC {quality['label_auc']:.3f}"
    fallback = ""
    if labeled.all():
        fallback = "none is left to guess: mixup on the given labels follows"
    else:
        share = class_share if labeled.any() else class_share or _LAST_RESORT
        labeled, fallback = _with_share(labeled, found["loss"], share, source)
    told = "; ".join(part for part in (told, fallback) if part)
    return Division(labeled, 1.0 - noisy, told, found, fallback)


def _with_share(labeled, loss, share, source):
    """Gives back labels of lowest loss to classes that have too few."""
    labeled, poor = np.array(labeled), []
    for c in np.unique(source.labels) if share else ():
        members = np.flatnonzero(source.labels == c)
        least = max(1, round(share * len(members)))
        if labeled[members].sum() < least:
            labeled[members[np.argsort(loss[members])[:least]]] = True
            poor.append(source.class_names[c])
    if not poor:
        return labeled, ""
    named = ", ".join(poor[:5]) + (", ..." if len(poor) > 5 else "")
    return labeled, (
        f"{len(poor)} of {source.num_classes} classes ({named}) kept less than "
        f"{share:.0%} of their labels and get back those of lowest loss"
    )
