"""The label audit: what a training run found out about each given label."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from noisy_keras.data.io import csv_rows
from noisy_keras.data.sources.source import Source
from noisy_keras.labels import class_sizes
from noisy_keras.labels import notebook
from noisy_keras.utils import deprecation
from noisy_keras.utils import files
from noisy_keras.utils.errors import ConfigurationError

#: A label is suspect where its clean probability is below this.
SUSPECT_BELOW = 0.5
#: A suspect label is replaced where another class has at least this confidence.
RELABEL_FROM = 0.8

VERDICTS = ("ok", "suspect", "relabelled", "out_of_distribution", "unreadable")
#: Those that call no label wrong.
NOT_WRONG = ("ok", "unreadable")

#: Columns that every file of an audit has.
COLUMNS = (
    "id",
    "given_label",
    "suggested_label",
    "clean_probability",
    "confidence",
    "verdict",
)

#: Parts of the data that an audit may cover.
SPLITS = ("train", "validation")

#: What an audit can be based on. Networks memorise wrong labels in the end. The
#: early epochs of a history have not; and all other evidence but
#: `last_predictions` was not trained on the very label that it judges.
EVIDENCE = {
    "cross_epoch_history": "what was predicted for each sample before each "
    "step on it, averaged over epochs",
    "peer_networks": "the losses of two networks, each of them trained on what "
    "the other believes",
    "earlier_phase": "what an earlier phase of the recipe found, by the "
    "history of its predictions",
    "trusted_labels": "labels purified so that classifiers trained on them are "
    "right about trusted samples, on features trained without labels",
    "nearest_neighbors": "the labels of the nearest other samples, by features "
    "trained without labels",
    "out_of_fold_predictions": "classifiers on features, which predicted each "
    "label from those of other samples",
    "last_predictions": "the trained network itself, which may have memorised "
    "wrong labels",
    "held_out_predictions": "the predictions of a model that was not trained "
    "on these samples",
}
#: What rows about held-out samples are based on.
HELD_OUT = "held_out_predictions"

#: The true label of an image that belongs to no class, in a file.
FOREIGN = "(foreign)"


@dataclasses.dataclass(frozen=True, eq=False)
class LabelAudit:
    """Per sample: is the given label right, and which one is likely right?

    `NoisyLabelModel.label_audit` makes one.

    Attributes:
        ids: strings `[N]`, ids of the samples in their source.
        given_label: int32 `[N]`, the labels that the samples came with.
        suggested_label: int32 `[N]`, the likeliest classes.
        clean_probability: float32 `[N]` in `[0, 1]`, probability that the given
            label is right.
        confidence: float32 `[N]` in `[0, 1]`, probability of the suggested
            label.
        class_names: K strings.
        paths: strings `[N]`, or None.
        texts: strings `[N]`, what a person reads of each sample, or None.
        true_label: int32 `[N]` where the source knows some, or None; -1 where
            it is unknown, and of foreign images.
        foreign: bool `[N]`, images known to belong to no class, or None.
        evidence: str, what the audit of training samples is based on: a key of
            `EVIDENCE`, or None.
        given_share: float32 `[N]` in `[0, 1]`, share of the epochs in which
            the given label was the predicted class, NaN without any; or None.
        epochs: int32 `[N]`, number of these epochs; or None.
        unstable: bool `[N]`, samples whose predicted class was not stable over
            epochs, see `noisy_keras.labels.out_of_distribution`; or None.
        unreadable: bool `[N]`, samples whose image could not be read while
            training, so that nothing is known of their labels; or None.
        protected: bool `[N]`, samples whose class has too few to replace its
            labels, see `noisy_keras.labels.class_sizes`; or None.

    Example:
        >>> audit = nk.LabelAudit(
        ...     ids=np.array(["a", "b"]),
        ...     given_label=np.array([0, 1]),
        ...     suggested_label=np.array([0, 0]),
        ...     clean_probability=np.array([0.9, 0.1]),
        ...     confidence=np.array([0.95, 0.85]),
        ...     class_names=("cat", "dog"),
        ... )
        >>> audit.verdict.tolist()
        ['ok', 'relabelled']
        >>> audit.most_suspect(1)
        array([1])
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
    unstable: np.ndarray | None = None
    unreadable: np.ndarray | None = None
    protected: np.ndarray | None = None
    split: np.ndarray | None = None
    texts: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def _repr_html_(self) -> str:
        return notebook.page(self)

    def to_pandas(self) -> Any:
        """All rows as a table of pandas, which must be installed.

        Returns:
            `pandas.DataFrame` with the columns of `to_csv`; probabilities and
            shares are floats, NaN where there is none.

        Raises:
            ImportError: pandas is not installed.
        """
        return notebook.to_pandas(self)

    @property
    def unsettled(self) -> np.ndarray | None:
        """Deprecated name of `unstable`."""
        deprecation.warn("LabelAudit.unsettled", "LabelAudit.unstable")
        return self.unstable

    @property
    def verdict(self) -> np.ndarray:
        """Strings `[N]`, each one of `VERDICTS`.

        `"suspect"`: the given label is more likely wrong than right.
        `"relabelled"`: it is suspect, and another class has a confidence of at
        least 0.8; never of a protected sample.
        `"out_of_distribution"`: it is suspect, and the predicted class was not
        stable, so that the image may belong to no class.
        `"unreadable"`: the image could not be read, whatever was found.
        """
        suspect = self.clean_probability < SUSPECT_BELOW
        sure = (self.suggested_label != self.given_label) & (
            self.confidence >= RELABEL_FROM
        )
        if self.protected is not None:
            sure &= ~self.protected
        verdict = np.where(suspect, "suspect", "ok").astype(object)
        if self.unstable is not None:
            verdict[suspect & self.unstable] = "out_of_distribution"
        verdict[suspect & sure] = "relabelled"
        if self.unreadable is not None:
            verdict[self.unreadable] = "unreadable"
        return verdict.astype(str)

    @property
    def mostly_wrong(self) -> tuple[str, ...]:
        """Names of the classes most of whose given labels are called wrong."""
        found = class_sizes.mostly_wrong(
            self.clean_probability, self.given_label
        )
        return tuple(str(self.class_names[k]) for k in found)

    def most_suspect(self, count: int | None = None) -> np.ndarray:
        """Positions of the labels most likely wrong, in that order.

        They are ordered by clean probability; equal ones by the share of epochs
        in which the given label was predicted, then by the confidence in
        another class.

        Args:
            count: int, number of positions at most; default: all.

        Returns:
            int `[n]`.
        """
        same = self.suggested_label == self.given_label
        order = suspicion_order(
            self.clean_probability, self.given_share, self.confidence, same
        )
        if self.unreadable is not None:  # Nothing is known of them.
            order = order[np.argsort(self.unreadable[order], kind="stable")]
        return order[:count]

    def counts(self) -> dict[str, int]:
        """Number of samples with each verdict.

        `"unreadable"` is only there if there are any.
        """
        verdict = self.verdict
        counts = {name: int(np.sum(verdict == name)) for name in VERDICTS}
        if not counts["unreadable"]:
            del counts["unreadable"]
        return counts

    def rows(self) -> Iterator[dict[str, str]]:
        """One dict of strings per sample, with the names of classes, in order.

        Its keys are the columns of `to_csv`.
        """
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
            held_out = self.split is not None and self.split[i] != SPLITS[0]
            if self.evidence is not None:
                row["evidence"] = HELD_OUT if held_out else self.evidence
            if self.epochs is not None:
                # An audit has both of a history, or neither.
                share = self.given_share[i]  # type: ignore[index]
                row["given_share"] = "" if np.isnan(share) else f"{share:.4g}"
                row["epochs"] = str(int(self.epochs[i]))
            if self.split is not None:
                row["split"] = str(self.split[i])
            if self.texts is not None:
                row["text"] = str(self.texts[i])
            yield row

    def _truth(self, names, i):
        if self.foreign is not None and self.foreign[i]:
            return FOREIGN
        true = self.true_label[i]
        return names[true] if true >= 0 else ""

    def to_csv(self, path: Any) -> None:
        """Writes all rows to a CSV file, whole or not at all.

        The columns are `id`, `path`, `given_label`, `suggested_label`,
        `clean_probability`, `confidence` and `verdict`; `true_label` where
        some is known (empty where not, `"(foreign)"` where the image belongs
        to no class); `evidence`; of a history of predictions, `given_share`
        and `epochs`; `split` where held-out samples are among them; and `text`
        where samples have one. See
        the attributes. Text that a spreadsheet would run as a formula is
        written with an apostrophe before it, which `read_audit` takes away.

        Args:
            path: str or path of the file.
        """
        with files.replacing(path) as stream:
            rows = list(self.rows())
            csv_rows.write(stream, list(rows[0]), rows)

    def relabelled(self, source: Source) -> Source:
        """The source with suggested labels where the verdict is relabelled.

        Args:
            source: a `Source` that was audited: the one in training, or the
                held-out one.

        Returns:
            A new `Source`.

        Raises:
            ConfigurationError: a source whose samples were not audited.
        """
        rows = self._rows_of(source)
        label = np.where(
            self.verdict == "relabelled",
            self.suggested_label,
            self.given_label,
        )
        return source.relabel(label[rows])

    def of_split(self, name: str) -> "LabelAudit":
        """The audit of a part of the data.

        Args:
            name: str, `"train"` or `"validation"`.

        Returns:
            A `LabelAudit`, which may be of no samples.
        """
        if name not in SPLITS:
            raise ConfigurationError(
                f"Expected a split, one of {SPLITS}. Received: {name!r}"
            )
        split = np.full(len(self), SPLITS[0])
        if self.split is not None:
            split = self.split
        [rows] = np.nonzero(split == name)
        given = {name: getattr(self, name) for name in _PER_SAMPLE}
        return dataclasses.replace(
            self, **{k: v[rows] for k, v in given.items() if v is not None}
        )

    def with_held_out(self, other: "LabelAudit") -> "LabelAudit":
        """This audit of training samples, and that of held-out ones after it.

        Args:
            other: `LabelAudit` of held-out samples of the same classes.

        Returns:
            A `LabelAudit` with `split`.
        """
        empty: dict[str, Any] = {
            "paths": "",
            "texts": "",
            "true_label": -1,
            "foreign": False,
            "given_share": np.nan,
            "epochs": 0,
            "unstable": False,
            "unreadable": False,
            "protected": False,
        }
        joined: dict[str, Any] = {
            "split": np.repeat(SPLITS, [len(self), len(other)])
        }
        for name in _PER_SAMPLE[:-1]:
            parts = [getattr(self, name), getattr(other, name)]
            if all(part is None for part in parts):
                continue
            joined[name] = np.concatenate(
                [
                    np.full(len(audit), empty[name]) if part is None else part
                    for audit, part in zip((self, other), parts, strict=True)
                ]
            )
        return dataclasses.replace(self, **joined)

    def _rows_of(self, source):
        """Positions of a source's samples in this audit."""
        parts = {name: self.of_split(name) for name in SPLITS}
        first = 0
        for part in parts.values():
            if np.array_equal(part.ids, source.ids):
                return np.arange(first, first + len(part))
            first += len(part)
        if self.split is None and len(source) == len(self):
            return np.arange(len(self))
        place = {str(text): row for row, text in enumerate(self.ids)}
        missing = [text for text in source.ids if str(text) not in place]
        if missing or len(place) < len(self):
            raise ConfigurationError(
                "Expected a source whose samples were audited. Received: "
                f"{source}"
                + (f", without {missing[0]!r} in the audit" if missing else "")
            )
        return np.asarray([place[str(text)] for text in source.ids])


#: Fields with a value for each sample.
_PER_SAMPLE = (
    "ids",
    "given_label",
    "suggested_label",
    "clean_probability",
    "confidence",
    "paths",
    "texts",
    "true_label",
    "foreign",
    "given_share",
    "epochs",
    "unstable",
    "unreadable",
    "protected",
    "split",
)


def unreadable_samples(source: Source) -> np.ndarray | None:
    """Samples of a source that could not be read: bool `[N]`; None if all can.

    Args:
        source: `Source`.
    """
    found = getattr(source, "unreadable_samples", None)
    return None if found is None or not found.any() else found


def audit_of(source: Source, **found: Any) -> LabelAudit:
    """The audit of a source, with what the source says about its samples.

    Args:
        source: `Source` of N samples.
        **found: fields of `LabelAudit` that were found out: `suggested_label`,
            `clean_probability` and `confidence`, and any others.

    Returns:
        A `LabelAudit`.
    """
    return LabelAudit(
        ids=source.ids,
        given_label=source.labels,
        class_names=source.class_names,
        paths=source.paths,
        texts=source.texts,
        true_label=source.true_labels,
        foreign=source.foreign,
        unreadable=unreadable_samples(source),
        **found,
    )


def _accepting_unsettled(init):
    """Lets a constructor take `unstable` under its deprecated name, too."""

    @functools.wraps(init)
    def accepting(self, *args, **given):
        if "unsettled" in given:
            deprecation.warn("unsettled", "unstable")
            given["unstable"] = given.pop("unsettled")
        init(self, *args, **given)

    return accepting


LabelAudit.__init__ = _accepting_unsettled(  # type: ignore[method-assign]
    LabelAudit.__init__
)


def suspicion_order(
    clean_probability: np.ndarray,
    given_share: np.ndarray | None,
    confidence: np.ndarray,
    same: np.ndarray,
) -> np.ndarray:
    """Positions of samples, the labels most likely wrong first.

    Args:
        clean_probability: float `[N]`.
        given_share: float `[N]`, NaN where there is none; or None.
        confidence: float `[N]`, probability of the suggested label.
        same: bool `[N]`, whether the suggested label is the given one.

    Returns:
        int `[N]`.
    """
    share = np.zeros(len(confidence))
    if given_share is not None:
        share = np.nan_to_num(given_share, nan=1.0)
    other = np.where(same, -confidence, confidence)
    return np.lexsort((-other, share, clean_probability))
