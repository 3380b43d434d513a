"""How well wrong labels are found: in all, and by kind of noise."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Quality:
    """Detection of one kind of wrong labels.

    Attributes:
        kind: `"all"`: every wrong label; `"in_distribution"`: of pictures of
            another class of the set; `"out_of_distribution"`: of foreign
            pictures, which belong to no class; `"pair"`: of one class's
            pictures given the label of one other.
        true, given: names of the classes of a pair, else None.
        wrong: wrong labels of this kind.
        right: right labels that they are told from: all of the set; for a
            pair those with the same given label.
        found: of `wrong`, those called wrong.
        false_alarms: of `right`, those called wrong.
        precision: `found / (found + false_alarms)`; None where both are 0.
        recall: `found / wrong`.
        auc: area under the ROC curve of the score; None without right ones.
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

    Precision of one kind leaves the other kinds' wrong labels out of account:
    they are neither found nor false alarms.

    Args:
        source: a `Source`; samples of unknown truth are left out.
        score: `[N]`, the higher the more likely is the label wrong.
        called_wrong: bool `[N]`.
        pairs: of true and given class at most, the most frequent first.

    Returns:
        A list of `Quality`; empty where no label is known to be wrong.
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
    """Judges one detection against right labels."""

    def __init__(self, right, score, called_wrong):
        self.right = right
        self.score = score
        self.called_wrong = np.asarray(called_wrong, bool)

    def __call__(self, kind, wrong, names=(None, None), among=True):
        # Imported here: it takes a second, and unknown truth needs none.
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
