"""The result of a purification."""

import dataclasses
import json
import zipfile

import numpy as np
import tensorflow as tf

from noisy_keras import features as features_module
from noisy_keras.data.estimate import NoiseEstimate
from noisy_keras.labels.audit import LabelAudit
from noisy_keras.ops import ridge
from noisy_keras.utils import files
from noisy_keras.utils.errors import ConfigurationError


@dataclasses.dataclass(frozen=True, eq=False)
class PurifiedLabels:
    """The labels that a `LabelPurifier` recommends.

    Any method can be trained on them: on distributions with
    `source.relabel(result.labels)`, on classes with
    `source.relabel(result.label)`.

    Attributes:
        ids: strings `[N]`, ids of the samples in the source.
        given_label: int32 `[N]`, the given labels.
        labels: float32 `[N, K]`, purified labels; rows are distributions.
        class_names: K strings.
        candidate: str, where the labels come from, one of
            `noisy_keras.methods.dmlp.choice.CANDIDATES`.
        epoch: int, epoch of these labels, counted from 0; -1 for the initial
            labels.
        held_out_accuracy: dict from candidates to floats in [0, 1], their best
            accuracy on held-out samples; empty if no sample was held out.
        noise: `NoiseEstimate` of the given labels.
        condition_number: float, highest condition number of a batch, including
            the ridge.
        ridge: float, the relative ridge that was used.
        history: dict of lists of floats, a value per epoch.
        classifiers: list of linear classifiers, one per view: float32 `[D, K]`,
            or `[D + 1, K]` with the bias as last row. See `predict`.
        regresses: bool, whether the outputs of the classifiers approximate
            probabilities; if False, they are logits.
        twin_views: bool, whether a single view was used as two.
    """

    ids: np.ndarray
    given_label: np.ndarray
    labels: np.ndarray
    class_names: tuple
    candidate: str
    epoch: int
    held_out_accuracy: dict
    noise: NoiseEstimate
    condition_number: float
    ridge: float
    history: dict
    classifiers: list
    regresses: bool
    twin_views: bool = False

    def __len__(self):
        return len(self.labels)

    @property
    def label(self):
        """int32 `[N]`, the most probable classes."""
        return self.labels.argmax(axis=1).astype(np.int32)

    @property
    def confidence(self):
        """float32 `[N]` in `[0, 1]`, probabilities of these classes."""
        return self.labels.max(axis=1)

    @property
    def replaced(self):
        """bool `[N]`, whether the most probable class is not the given one."""
        return self.label != self.given_label

    def predict(self, features):
        """Predicts class probabilities for frozen features.

        The closed-form or the auxiliary classifier is used, whichever has the
        higher held-out accuracy; the auxiliary one if no sample was held out.

        Args:
            features: float `[n, D]`, or a list of as many views as the labels
                were purified with.

        Returns:
            float32 `[n, K]`, probabilities, averaged over views.

        Raises:
            ValueError: If the number of views or their shapes do not fit, or a
                value is NaN.
        """
        views = features if isinstance(features, (list, tuple)) else [features]
        views = [
            features_module.checked(view, len(views[0]), "`features`")
            for view in views
        ]
        if len(views) == 1 and self.twin_views:
            views *= 2
        shapes = [view.shape[1:] for view in views]
        biases = 0 if self.regresses else 1
        wanted = [(len(c) - biases,) for c in self.classifiers]
        if shapes != wanted:
            raise ConfigurationError(
                f"Expected features of {len(wanted)} views with "
                f"{', '.join(str(w[0]) for w in wanted)} columns. Received: "
                f"shapes {', '.join(str(v.shape) for v in views)}"
            )
        return predictions(self.classifiers, views, self.regresses)

    def audit(self, source):
        """Converts the result to a label audit, which can be written as CSV.

        Args:
            source: the `Source` whose labels were purified.

        Returns:
            A `LabelAudit`. The clean probability is `p / (p + q)`, where `p` is
            the purified probability of the given label and `q` that of the
            most probable other class. It is therefore below 0.5 where the
            label was replaced.

        Raises:
            ValueError: If the ids of the source are not those of the result.
        """
        if not np.array_equal(self.ids, source.ids):
            raise ConfigurationError(
                "Expected the source whose labels were purified. Received: "
                f"{source}, whose ids differ from those of {len(self)} samples"
            )
        rows = np.arange(len(self))
        given, others = self.labels[rows, self.given_label], self.labels.copy()
        others[rows, self.given_label] = 0.0
        clean = given / np.maximum(given + others.max(axis=1), 1e-12)
        return LabelAudit(
            ids=self.ids,
            given_label=self.given_label,
            suggested_label=self.label,
            clean_probability=clean,
            confidence=self.confidence,
            class_names=self.class_names,
            paths=source.paths,
            texts=source.texts,
            true_label=source.true_labels,
            foreign=source.foreign,
            evidence="trusted_labels",
        )

    def save(self, path):
        """Writes the result to an NPZ file, atomically.

        Args:
            path: str or path of the file.
        """
        with files.replacing(path, "wb") as stream:
            np.savez(stream, **self.as_arrays())

    def as_arrays(self):
        """Converts the result to a dict of arrays; see `of_arrays`.

        Fields that are no arrays are stored as JSON under the key `told`.
        """
        fields = {
            "class_names": self.class_names,
            "candidate": self.candidate,
            "epoch": self.epoch,
            "held_out_accuracy": self.held_out_accuracy,
            "condition_number": self.condition_number,
            "ridge": self.ridge,
            "history": self.history,
            "regresses": self.regresses,
            "twin_views": self.twin_views,
            "views": len(self.classifiers),
        }
        classifiers = {
            f"classifier_{v}": c for v, c in enumerate(self.classifiers)
        }
        return {
            "told": np.asarray(json.dumps(fields)),
            "ids": np.asarray([str(i) for i in self.ids]),
            "given_label": self.given_label,
            "label": self.label,
            "confidence": self.confidence,
            "labels": self.labels,
            "noise": self.noise.joint,
            **classifiers,
        }

    @classmethod
    def load(cls, path):
        """Reads what `save` wrote.

        Args:
            path: str or path of the file.

        Returns:
            A `PurifiedLabels`.

        Raises:
            OSError: If the file cannot be opened.
            ValueError: If the file holds something else.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls.of_arrays(stored)
        except (ValueError, EOFError, KeyError, TypeError) as error:
            raise _unreadable(path, error) from error
        except zipfile.BadZipFile as error:
            raise _unreadable(path, error) from error

    @classmethod
    def of_arrays(cls, stored):
        """Restores a result from the arrays of `as_arrays`.

        Args:
            stored: dict of arrays, or an open NPZ file.

        Returns:
            A `PurifiedLabels`.
        """
        fields = json.loads(str(stored["told"]))
        views = range(fields.pop("views"))
        fields["class_names"] = tuple(fields["class_names"])
        return cls(
            ids=stored["ids"].astype(object),
            given_label=stored["given_label"],
            labels=stored["labels"],
            noise=NoiseEstimate.of_joint(stored["noise"]),
            classifiers=[stored[f"classifier_{v}"] for v in views],
            **fields,
        )


def _unreadable(path, error):
    return ConfigurationError(
        f"Expected purified labels in {path}. Received: a file that cannot be "
        f"read as such ({error})"
    )


def predictions(classifiers, views, regresses):
    """Class probabilities of linear classifiers, averaged over views.

    Args:
        classifiers: list of float32 `[D + 1, K]` with the bias as last row, or
            `[D, K]` without bias; one per view.
        views: list of float `[n, D]`, in memory or memory-mapped.
        regresses: bool, whether the outputs approximate probabilities and are
            only projected to distributions (`ridge.as_distributions`); if
            False, they are logits.

    Returns:
        float32 `[n, K]`.
    """
    count, parts = len(views[0]), []
    for start in range(0, max(1, count), 10_000):
        total = 0.0
        for classifier, view in zip(classifiers, views, strict=True):
            rows = np.asarray(view[start : start + 10_000], np.float32)
            outputs = tf.matmul(rows, classifier[: rows.shape[1]])
            if len(classifier) > rows.shape[1]:
                outputs += classifier[-1]
            of = ridge.as_distributions if regresses else tf.nn.softmax
            total += of(outputs).numpy()
        parts.append(total / len(views))
    return np.concatenate(parts)
