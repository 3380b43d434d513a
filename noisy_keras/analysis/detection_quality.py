"""Quality of the detection of noisy labels, overall and by kind of noise."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Quality:
    """Quality of the detection of one kind of noisy labels.

    Attributes:
        kind: str. `"all"`: all noisy labels; `"in_distribution"`: those of
            images of another known class; `"out_of_distribution"`: those of
            images of no known class; `"pair"`: images of one class that have
            been given the label of one other.
        true: str, name of the true class of a pair, else None.
        given: str, name of the given class of a pair, else None.
        wrong: int, number of noisy labels of this kind.
        right: int, number of clean labels that they are compared with: all of
            the source, or for a pair those of the same given class.
        found: int, number of `wrong` that are detected.
        false_alarms: int, number of `right` that are detected.
        precision: float, `found / (found + false_alarms)`; None where both are
            0.
        recall: float, `found / wrong`.
        auc: float, area under the ROC curve of the score; None without clean
            labels.
    """

    kind: str
    true: str | None
    given: str | None
    wrong: int
    right: int
    found: int
    false_alarms: int
    precision: float | None
    recall: float
    auc: float | None


def detection_quality(source, score, called_wrong, pairs=10):
    """Precision, recall and AUC of a detection, by kind of noise.

    Precision of one kind ignores noisy labels of other kinds: they are neither
    found nor false alarms.

    Args:
        source: `Source` of N samples. Those whose true label is unknown are
            left out.
        score: float array `[N]`; the higher, the more likely a label is noisy.
        called_wrong: bool array `[N]`, whether a label is detected as noisy.
        pairs: int, largest number of pairs of true and given class, the most
            frequent first.

    Returns:
        List of `Quality`; empty if no label is known to be noisy.
    """
    known = source.truth_known
    is_wrong = np.zeros(source.num_samples, bool)
    foreign = np.zeros(source.num_samples, bool)
    if source.foreign is not None:
        foreign = np.asarray(source.foreign)
    if known.any():
        is_wrong = known & (source.labels != source.true_labels)
    if not is_wrong.any():
        return []
    judge = _Judge(known & ~is_wrong, np.asarray(score), called_wrong)
    inside = is_wrong & ~foreign
    kinds = {
        "all": is_wrong,
        "in_distribution": inside,
        "out_of_distribution": foreign,
    }
    found = [judge(kind, which) for kind, which in kinds.items() if which.any()]
    for true, given in _frequent_pairs(source, inside, pairs):
        labelled = source.labels == given
        which = inside & labelled & (source.true_labels == true)
        names = source.class_names[true], source.class_names[given]
        found.append(judge("pair", which, names, labelled))
    return found


class _Judge:
    """Evaluates one detection, by kind of noise."""

    def __init__(self, right, score, called_wrong):
        self.right = right
        self.score = score
        self.called_wrong = np.asarray(called_wrong, bool)

    def __call__(self, kind, wrong, names=(None, None), among=True):
        # Imported here because the import takes a second and is needed only if
        # true labels are known.
        from sklearn import metrics

        right = self.right & among
        found = int(np.sum(wrong & self.called_wrong))
        alarms = int(np.sum(right & self.called_wrong))
        auc = None
        if right.any():
            either = wrong | right
            auc = float(
                metrics.roc_auc_score(wrong[either], self.score[either])
            )
        return Quality(
            kind=kind,
            true=names[0],
            given=names[1],
            wrong=int(wrong.sum()),
            right=int(right.sum()),
            found=found,
            false_alarms=alarms,
            precision=found / (found + alarms) if found + alarms else None,
            recall=found / int(wrong.sum()),
            auc=auc,
        )


def _frequent_pairs(source, which, most):
    """Pairs of true and given class, the most frequent first."""
    if not which.any():
        return []
    pairs = np.stack([source.true_labels[which], source.labels[which]], axis=1)
    pairs, counts = np.unique(pairs, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:most]
    return [tuple(int(v) for v in pairs[k]) for k in order]
