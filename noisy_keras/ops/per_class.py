"""How well each class is predicted: figures that do not hide rare classes.

Accuracy counts samples, so a class of a few hardly matters to it. *Balanced
accuracy* is the mean of the recalls of the classes and counts each class alike
(Brodersen et al., The Balanced Accuracy and Its Posterior Distribution, ICPR
2010). Classes without a sample are left out of all means.
"""

import dataclasses

import numpy as np
from numpy import typing as npt

from noisy_keras.utils.errors import ConfigurationError

#: Largest number of classes of which a confusion matrix is kept.
MOST_OF_MATRIX = 30


@dataclasses.dataclass(frozen=True, eq=False)
class ClassFigures:
    """Figures per class, of N predictions for K classes.

    Attributes:
        samples: int `[K]`, number of samples with each label.
        recall: float `[K]` in `[0, 1]`, the share of the samples with a label
            that are predicted to be of it; NaN where there is no sample.
        precision: float `[K]` in `[0, 1]`, the share of the samples predicted
            to be of a class that have its label; NaN where there is none.
        f1: float `[K]` in `[0, 1]`, harmonic mean of both; 0 where nothing is
            right, NaN where there is no sample.
        confusion: int `[K, K]`, numbers of samples by label (row) and predicted
            class (column); None above `MOST_OF_MATRIX` classes.
    """

    samples: np.ndarray
    recall: np.ndarray
    precision: np.ndarray
    f1: np.ndarray
    confusion: np.ndarray | None

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that have samples, in `[0, 1]`."""
        return float(np.nanmean(self.recall))

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that have samples, in `[0, 1]`."""
        return float(np.nanmean(self.f1))


def class_figures(
    predicted: npt.ArrayLike, labels: npt.ArrayLike, num_classes: int
) -> ClassFigures:
    """Compares predicted classes with labels, class by class.

    Args:
        predicted: int `[N]`, the predicted classes, in `[0, K)`.
        labels: int `[N]`, the labels, in `[0, K)`.
        num_classes: int, number of classes K.

    Returns:
        `ClassFigures`.

    Raises:
        ConfigurationError: no samples, or arrays of different lengths.

    Example:
        >>> found = class_figures([0, 0, 0, 1], [0, 0, 1, 1], num_classes=2)
        >>> found.recall
        array([1. , 0.5])
        >>> found.balanced_accuracy
        0.75
    """
    predicted, labels = np.asarray(predicted), np.asarray(labels)
    if predicted.shape != labels.shape or labels.ndim != 1 or not len(labels):
        raise ConfigurationError(
            "Expected as many predicted classes as labels, at least one. "
            f"Received: shapes {predicted.shape} and {labels.shape}"
        )
    samples = np.bincount(labels, minlength=num_classes)
    called = np.bincount(predicted, minlength=num_classes)
    right = np.bincount(labels[predicted == labels], minlength=num_classes)
    confusion = None
    if num_classes <= MOST_OF_MATRIX:
        pairs = labels.astype(np.int64) * num_classes + predicted
        confusion = np.bincount(pairs, minlength=num_classes**2)
        confusion = confusion.reshape(num_classes, num_classes)
    return ClassFigures(
        samples=samples,
        recall=_share(right, samples),
        precision=_share(right, called),
        f1=np.where(samples > 0, _share(2 * right, samples + called), np.nan),
        confusion=confusion,
    )


def balanced_accuracy(
    predicted: npt.ArrayLike, labels: npt.ArrayLike, num_classes: int
) -> float:
    """Mean of the recalls of all classes that have samples.

    Args:
        predicted: int `[N]`, the predicted classes.
        labels: int `[N]`, the labels.
        num_classes: int, number of classes K.

    Returns:
        float in `[0, 1]`.
    """
    return class_figures(predicted, labels, num_classes).balanced_accuracy


def _share(part, whole):
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
