"""From a detection of wrong labels to the samples to learn from."""

from typing import NamedTuple

import numpy as np

from noisy_keras.labels import detection
from noisy_keras.labels.quality import label_quality
from noisy_keras.utils import deprecation

# Share of each class, where a detection leaves no label to start from.
_LAST_RESORT = 0.1


class Division(NamedTuple):
    """The samples that keep their labels after a detection.

    Attributes:
        labeled: bool `[N]`, samples that keep their given label.
        clean_probability: float32 `[N]` in `[0, 1]`, of the given labels.
        summary: str, the division in one line.
        found: dict of arrays: `noisy_probability`, `measure`, `low`, `high` and
            `outcome` of the `Detection`, its `loss`, and the mixture's
            `weights`, `concentration1` and `concentration0`.
        fallback: str, what was done because the detection alone does not
            suffice, or "".
    """

    labeled: np.ndarray
    clean_probability: np.ndarray
    summary: str
    found: dict
    fallback: str

    @property
    def told(self):
        """Deprecated name of `summary`."""
        deprecation.warn("Division.told", "Division.summary")
        return self.summary


def detected(loss, official):
    """A detection as arrays that can be stored.

    Args:
        loss: float `[N]`, as of `detection.detect`.
        official: bool, as there.

    Returns:
        dict of arrays, see `Division.found`.
    """
    found = detection.detect(loss, official)
    arrays = {
        "noisy_probability": 1.0 - found.clean_probability,
        "measure": found.measure,
        "low": found.low,
        "high": found.high,
        "outcome": found.outcome,
        "loss": loss,
    }
    mixture = found.mixture
    if mixture is not None:
        arrays |= {
            "weights": mixture.weights,
            "concentration1": mixture.concentration1,
            "concentration0": mixture.concentration0,
        }
    return {name: np.asarray(value) for name, value in arrays.items()}


def divide(found, threshold, class_share, source):
    """Keeps the labels that are wrong with at most some probability.

    Where a class keeps less than its share (or no class keeps any), it gets
    back the labels of lowest loss. The summary reports that, and also where
    all labels are kept.

    Args:
        found: dict of arrays, as of `detected`.
        threshold: float in (0, 1).
        class_share: float in [0, 1), share of each class that is kept at least.
        source: the `Source` whose labels they are.

    Returns:
        A `Division`.
    """
    noisy = found["noisy_probability"]
    labeled = noisy <= threshold
    text = f"{labeled.sum()} of {len(labeled)} labels are kept"
    outcome = str(found["outcome"])
    if outcome != "fitted":
        text += f" ({detection.OUTCOMES[outcome]})"
    quality = label_quality(source, 1.0 - noisy)
    if "label_auc" in quality:
        text += f", label AUC {quality['label_auc']:.3f}"
    fallback = ""
    if labeled.all():
        fallback = (
            "none is left for pseudo-labels: mixup on the given labels follows"
        )
    else:
        share = class_share if labeled.any() else class_share or _LAST_RESORT
        labeled, fallback = _with_share(labeled, found["loss"], share, source)
    summary = "; ".join(part for part in (text, fallback) if part)
    return Division(labeled, 1.0 - noisy, summary, found, fallback)


def _with_share(labeled, loss, share, source):
    """Gives the labels of lowest loss back to classes that have too few."""
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
