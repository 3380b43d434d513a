"""How well a detection separates right from wrong labels, given the truth."""

import numpy as np

from noisy_keras.data.sources.source import Source
from noisy_keras.labels.audit import LabelAudit


def label_quality(
    source: Source, clean_probability: np.ndarray
) -> dict[str, float]:
    """Compares a detection of wrong labels with the true labels.

    Args:
        source: `Source` of N samples.
        clean_probability: float `[N]` in `[0, 1]`, of the given labels;
            those below 0.5 are called wrong.

    Returns:
        dict of `label_auc`, the area under the ROC curve of the clean
        probability for right labels; and of `label_precision` and
        `label_recall` of wrong labels. All are in `[0, 1]`. Precision is left
        out where no label is called wrong. The dict is empty where the truth is
        unknown, or all labels are right, or all are wrong.
    """
    known = source.truth_known
    if not known.any():
        return {}
    wrong = (source.labels != source.true_labels)[known]
    return _of_wrong(wrong, np.asarray(clean_probability)[known])


def audit_quality(audit: LabelAudit) -> dict[str, float]:
    """As `label_quality`, of an audit that has the true labels it knows.

    Args:
        audit: `LabelAudit`.

    Returns:
        dict, as of `label_quality`.
    """
    if audit.true_label is None:
        return {}
    known = audit.true_label >= 0
    if audit.foreign is not None:
        known = known | audit.foreign
    wrong = (audit.given_label != audit.true_label)[known]
    return _of_wrong(wrong, audit.clean_probability[known])


def _of_wrong(wrong, clean_probability):
    if not wrong.any() or wrong.all():
        return {}
    suspect = clean_probability < 0.5
    found = np.sum(suspect & wrong)
    quality = {
        "label_auc": _auc(~wrong, clean_probability),
        "label_recall": float(found / wrong.sum()),
    }
    if suspect.any():
        quality["label_precision"] = float(found / suspect.sum())
    return quality


def trust_quality(
    source: Source, name: str, table: np.ndarray
) -> dict[str, float]:
    """How a method with a trusted set treats right and wrong labels.

    Args:
        source: `Source` of N samples.
        name: str, name of what the table holds, for the keys.
        table: float `[N, 2]`, the last value of each sample and its mean over
            time; negative where there is none.

    Returns:
        dict of `{name}_clean` and `{name}_noisy`, means of the last values over
        samples with right and with wrong labels, and of `{name}_auc` of the
        means over time; of `{name}` alone, the mean over all, where the truth
        is unknown. The dict is empty where the table is.
    """
    seen = table[:, 0] >= 0.0
    if not seen.any():
        return {}
    known = seen & source.truth_known
    if not known.any():
        return {name: float(table[seen, 0].mean())}
    right = (source.labels == source.true_labels)[known]
    last, mean = table[known].T
    quality = {}
    for kind, rows in (("clean", right), ("noisy", ~right)):
        if rows.any():
            quality[f"{name}_{kind}"] = float(last[rows].mean())
    if len(quality) == 2:
        quality[f"{name}_auc"] = _auc(right, mean)
    return quality


def _auc(positive, score):
    # Imported here, as it takes a second and is not needed without the truth.
    from sklearn import metrics

    return float(metrics.roc_auc_score(positive, score))
