"""The labels found wrong: what a training run knows about each sample."""

import csv
import dataclasses

import numpy as np

from noisy_keras.utils import files

#: A sample is suspect when its clean probability is below this.
SUSPECT_BELOW = 0.5
#: A suspect label is replaced when another class is predicted this surely.
RELABEL_FROM = 0.8

VERDICTS = ("ok", "suspect", "relabelled", "out_of_distribution")

#: What an audit can rest on. A history learns labels by heart too, in the end,
#: but its early epochs have not; other evidence, but the last, never had the
#: very label that it judges.
EVIDENCE = {
    "cross_epoch_history": "what was predicted for each sample before each "
    "step on it, averaged over epochs",
    "peer_networks": "the losses of two networks, each of them trained on what "
    "the other believes",
    "earlier_phase": "what an earlier phase of the recipe found, by the "
    "history of its predictions",
    "trusted_labels": "labels purified by what classifiers made of them say of "
    "trusted samples, on features that no label had part in",
    "nearest_neighbors": "the labels of the nearest other samples, by features "
    "that no label had part in",
    "last_predictions": "the trained network itself, which may have learnt "
    "wrong labels by heart",
}

#: The true label of a picture that belongs to no class, in a file.
FOREIGN = "(foreign)"


@dataclasses.dataclass(frozen=True, eq=False)
class LabelAudit:
    """Per sample: is the given label right, and which one is likely right?

    Attributes:
        ids: strings `[N]`, of the source.
        given_label: int32 `[N]`.
        suggested_label: int32 `[N]`: the predicted class.
        clean_probability: float32 `[N]` in `[0, 1]`: of the given label.
        confidence: float32 `[N]` in `[0, 1]`: of the suggested label.
        class_names: K strings.
        paths: strings `[N]`, or None.
        true_label: int32 `[N]` where the source knows it, or None; -1 where it
            is unknown, and of foreign pictures.
        foreign: bool `[N]`, pictures known to belong to no class, or None.
        evidence: what the audit rests on, a key of `EVIDENCE`, or None.
        given_share: float32 `[N]` in `[0, 1]`: share of the epochs in which
            the given label was the predicted class, NaN without any; or None.
        epochs: int32 `[N]`, how many these were; or None.
        unsettled: bool `[N]`, samples for which no class was predicted
            steadily over epochs, see
            `noisy_keras.labels.out_of_distribution`; or None.
    """

    ids: np.ndarray
    given_label: np.ndarray
    suggested_label: np.ndarray
    clean_probability: np.ndarray
    confidence: np.ndarray
    class_names: tuple
    paths: np.ndarray | None = None
    true_label: np.ndarray | None = None
    foreign: np.ndarray | None = None
    evidence: str | None = None
    given_share: np.ndarray | None = None
    epochs: np.ndarray | None = None
    unsettled: np.ndarray | None = None

    def __len__(self):
        return len(self.ids)

    @property
    def verdict(self):
        """Strings `[N]`, of `VERDICTS`.

        `"suspect"`: the given label is more likely wrong than right.
        `"relabelled"`: moreover, another class is predicted with confidence of
        at least 0.8.
        `"out_of_distribution"`: moreover, no class was predicted steadily, so
        that the picture may belong to none.
        """
        suspect = self.clean_probability < SUSPECT_BELOW
        sure = (self.suggested_label != self.given_label) & (
            self.confidence >= RELABEL_FROM
        )
        verdict = np.where(suspect, "suspect", "ok").astype(object)
        if self.unsettled is not None:
            verdict[suspect & self.unsettled] = "out_of_distribution"
        verdict[suspect & sure] = "relabelled"
        return verdict.astype(str)

    def most_suspect(self, count=None):
        """Positions of the labels most likely wrong, int `[n]`.

        By clean probability; among equal ones, first where the given label
        was predicted in fewer epochs, then where another is surer.

        Args:
            count: at most so many; default: all.
        """
        same = self.suggested_label == self.given_label
        return suspicion_order(
            self.clean_probability, self.given_share, self.confidence, same
        )[:count]

    def counts(self):
        """How many samples got each verdict: dict of ints."""
        verdict = self.verdict
        return {name: int(np.sum(verdict == name)) for name in VERDICTS}

    def rows(self):
        """One dict of strings per sample, class names for labels, in order."""
        names = np.asarray(self.class_names, object)
        verdict = self.verdict
        for i in range(len(self)):
            row = {
                "id": str(self.ids[i]),
                "path": "" if self.paths is None else str(self.paths[i]),
                "given_label": names[self.given_label[i]],
                "suggested_label": names[self.suggested_label[i]],
                "clean_probability": f"{self.clean_probability[i]:.6g}",
                "confidence": f"{self.confidence[i]:.6g}",
                "verdict": str(verdict[i]),
            }
            if self.true_label is not None:
                row["true_label"] = self._truth(names, i)
            if self.evidence is not None:
                row["evidence"] = self.evidence
            if self.epochs is not None:
                share = self.given_share[i]
                row["given_share"] = "" if np.isnan(share) else f"{share:.4g}"
                row["epochs"] = str(int(self.epochs[i]))
            yield row

    def _truth(self, names, i):
        if self.foreign is not None and self.foreign[i]:
            return FOREIGN
        true = self.true_label[i]
        return names[true] if true >= 0 else ""

    def to_csv(self, path):
        """Writes all rows to a CSV file, whole or not at all.

        The columns `id`, `path`, `given_label`, `suggested_label`,
        `clean_probability`, `confidence` and `verdict`; `true_label` where
        some is known (empty where not, `"(foreign)"` where the picture belongs
        to no class); `evidence`; and of the history of predictions
        `given_share` and `epochs`. See the attributes.

        Args:
            path: of the file.
        """
        with files.replacing(path) as stream:
            rows = list(self.rows())
            writer = csv.DictWriter(
                stream, fieldnames=list(rows[0]), lineterminator="\n"
            )
            writer.writeheader()
            writer.writerows(rows)

    def relabelled(self, source):
        """The source with suggested labels where the verdict is relabelled.

        Args:
            source: the `Source` that was audited.

        Returns:
            A new `Source`.
        """
        change = self.verdict == "relabelled"
        return source.relabel(
            np.where(change, self.suggested_label, self.given_label)
        )


def suspicion_order(clean_probability, given_share, confidence, same):
    """Positions `[N]`, the labels most likely wrong first.

    Args:
        clean_probability: `[N]`.
        given_share: `[N]`, NaN where there is none; or None.
        confidence: `[N]`, of the suggested label.
        same: bool `[N]`, whether that is the given one.
    """
    share = np.zeros(len(confidence))
    if given_share is not None:
        share = np.nan_to_num(given_share, nan=1.0)
    other = np.where(same, -confidence, confidence)
    return np.lexsort((-other, share, clean_probability))
