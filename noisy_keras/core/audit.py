"""The labels found wrong: what a training run knows about each sample."""

import csv
import dataclasses

import numpy as np

from noisy_keras.core import files

#: A sample is suspect when its clean probability is below this.
SUSPECT_BELOW = 0.5
#: A suspect label is replaced when another class is predicted this surely.
RELABEL_FROM = 0.8

VERDICTS = ("ok", "suspect", "relabelled")


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
        true_label: int32 `[N]` where the source knows it, or None.
    """

    ids: np.ndarray
    given_label: np.ndarray
    suggested_label: np.ndarray
    clean_probability: np.ndarray
    confidence: np.ndarray
    class_names: tuple
    paths: np.ndarray | None = None
    true_label: np.ndarray | None = None

    def __len__(self):
        return len(self.ids)

    @property
    def verdict(self):
        """Strings `[N]`: `"ok"`, `"suspect"` or `"relabelled"`.

        `"suspect"`: the given label is more likely wrong than right.
        `"relabelled"`: moreover, another class is predicted with confidence of
        at least 0.8.
        """
        suspect = self.clean_probability < SUSPECT_BELOW
        sure = (self.suggested_label != self.given_label) & (
            self.confidence >= RELABEL_FROM
        )
        verdict = np.where(suspect, "suspect", "ok")
        return np.where(suspect & sure, "relabelled", verdict)

    def counts(self):
        """How many samples got each verdict: dict of ints."""
        verdict = self.verdict
        return {name: int(np.sum(verdict == name)) for name in VERDICTS}

    def rows(self):
        """One dict per sample, class names for labels, in index order."""
        names = np.asarray(self.class_names, object)
        verdict = self.verdict
        for i in range(len(self)):
            row = {
                "id": self.ids[i],
                "path": "" if self.paths is None else self.paths[i],
                "given_label": names[self.given_label[i]],
                "suggested_label": names[self.suggested_label[i]],
                "clean_probability": f"{self.clean_probability[i]:.6f}",
                "confidence": f"{self.confidence[i]:.6f}",
                "verdict": str(verdict[i]),
            }
            if self.true_label is not None:
                true = self.true_label[i]
                row["true_label"] = names[true] if true >= 0 else ""
            yield row

    def to_csv(self, path):
        """Writes all rows to a CSV file, whole or not at all.

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
