"""Audit strategies that judge by the predictions of many epochs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from noisy_keras.data.sources.source import Source
from noisy_keras.labels import detection
from noisy_keras.labels import loss_rules
from noisy_keras.labels import noise_rate
from noisy_keras.labels import out_of_distribution
from noisy_keras.labels.division import LossDivision
from noisy_keras.labels.division import describe
from noisy_keras.labels.strategies import LastPredictions

# A mixture of two components needs as many samples.
_LEAST_SEEN = 2
# How far the share of labels called wrong may be off the estimated noise rate,
# relative to it.
_OFF = 0.2


class CrossEpochHistory(LastPredictions):
    """Judges by what was predicted for each sample before each step on it.

    Such predictions are averaged over epochs. A network that memorises all
    labels in the end has not done so in its early epochs, and never before the
    first step on a sample.

    The model keeps them: call `NoisyLabelModel.keep_history` in its
    constructor and `NoisyLabelModel.remember` in its steps.

    Args:
        by_class: bool, whether losses are compared within each given class,
            a label is also doubted where another class is likelier, and as
            many labels are called wrong as the estimated noise rate allows:
            see `loss_rules.above_easiest`, `credibility` and `within_share`.
        complete: bool, whether the history is used only once it has every
            sample. If False, at least two samples suffice, and samples that no
            step has seen count as clean.
        division: `LossDivision`; default: by a Gaussian mixture.

    Example:
        >>> class Method(nk.NoisyLabelModel):
        ...     audit_strategy = nk.labels.CrossEpochHistory(complete=False)
    """

    def __init__(
        self,
        by_class: bool = True,
        complete: bool = True,
        division: LossDivision | None = None,
    ) -> None:
        super().__init__(division)
        self.by_class = by_class
        self.complete = complete

    def evidence(self, model: Any) -> str:
        if self._seen(model) is None:
            return super().evidence(model)
        return "cross_epoch_history"

    def clean_probability(
        self, model: Any, source: Source, measurement: Any = None
    ) -> np.ndarray | None:
        seen = self._seen(model)
        if seen is None:
            if measurement is None:
                return None
            return self.divide(model, measurement.loss[:, 0], slice(None))
        loss, labels = self._losses(model, source), source.labels
        found = self.divide(model, loss[seen], seen)
        if self.by_class:
            margin = model.prediction_history.margin(labels)[seen]
            found = loss_rules.credibility(found, margin)
            known = noise_rate.estimate_rate(
                model.prediction_history, labels, model.num_classes
            )
            rate = known.rate - known.foreign
            clean = np.ones(len(labels), np.float32)
            clean[seen] = found
            # Images of no class are wrong beyond what is contradicted.
            unstable = out_of_distribution.unstable_predictions(
                model.prediction_history, labels, clean
            )
            foreign = float(np.mean(unstable[seen]))
            found = loss_rules.within_share(
                found, (1.0 - _OFF) * rate, (1.0 + _OFF) * rate + foreign
            )
        clean = np.ones(len(labels), np.float32)
        clean[seen] = found
        return clean

    def end_epoch(self, model: Any, source: Source) -> None:
        history = getattr(model, "prediction_history", None)
        if self.by_class and history is not None:
            noise_rate.note_progress(history, source.labels, model.num_classes)

    def divide(
        self, model: Any, loss: np.ndarray, rows: np.ndarray | slice
    ) -> np.ndarray:
        """Divides losses.

        Args:
            model: `NoisyLabelModel`.
            loss: float `[n]`.
            rows: bool `[N]` or a slice, which samples these are.

        Returns:
            float32 `[n]` in `[0, 1]`, clean probabilities.
        """
        loss = loss_rules.normalized(loss[:, None])
        previous = getattr(model, "clean_probability", None)
        kept = np.ones_like(loss)
        if previous is not None:
            kept = previous.numpy()[rows]
        return self.division(loss, kept)[:, 0]

    def fitted(
        self, model: Any, loss: np.ndarray
    ) -> tuple[np.ndarray, dict | None]:
        """The losses as they are divided, and the mixture that divides them.

        Args:
            model: `NoisyLabelModel`.
            loss: float `[n]`.

        Returns:
            float `[n]` in `[0, 1]`, and a dict as of `division.describe`.
        """
        [found] = self.division.fitted(loss_rules.normalized(loss[:, None]))
        return found

    def suggestion(
        self, model: Any, measurement: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        measured = super().suggestion(model, measurement)
        history = model.prediction_history
        seen = history.seen()
        if self.complete and not seen.all():
            return measured
        # The likeliest class of the mean prediction.
        pairs = zip(history.best(), measured, strict=True)
        suggested, confidence = (
            np.where(seen, known, other) for known, other in pairs
        )
        return suggested, confidence

    def unstable(
        self, model: Any, source: Source, clean_probability: np.ndarray
    ) -> np.ndarray | None:
        if self._seen(model) is None:
            return None
        return out_of_distribution.unstable_predictions(
            model.prediction_history, source.labels, clean_probability
        )

    def loss_divisions(
        self, model: Any, source: Source
    ) -> Sequence[tuple[np.ndarray, dict | None]]:
        seen = self._seen(model)
        if seen is None:
            return []
        loss = self._losses(model, source)
        loss[seen], mixture = self.fitted(model, loss[seen])
        return [(loss, mixture)]

    def _seen(self, model):
        """bool `[N]`, or None where the history does not suffice."""
        seen = model.prediction_history.seen()
        enough = seen.all() if self.complete else seen.sum() >= _LEAST_SEEN
        return seen if enough else None

    def _losses(self, model, source):
        """Losses of the mean predictions `[N]`, NaN where not seen."""
        loss = model.prediction_history.loss(source.labels)
        if self.by_class:
            seen = ~np.isnan(loss)
            loss[seen] = loss_rules.above_easiest(
                loss[seen], source.labels[seen]
            )
        return loss


class CrossEpochDetection(CrossEpochHistory):
    """As `CrossEpochHistory`, by the detection of DRPL: a Beta mixture.

    Samples that no step has seen count as clean. The model may have an
    attribute `official_detection`, see `noisy_keras.labels.detection.detect`.
    """

    def __init__(self) -> None:
        super().__init__(by_class=False, complete=False)

    def divide(
        self, model: Any, loss: np.ndarray, rows: np.ndarray | slice
    ) -> np.ndarray:
        return self._detect(model, loss).clean_probability

    def fitted(
        self, model: Any, loss: np.ndarray
    ) -> tuple[np.ndarray, dict | None]:
        found = self._detect(model, loss)
        return found.measure, found.mixture and describe(found.mixture)

    def _detect(self, model, loss):
        return detection.detect(
            loss, getattr(model, "official_detection", False)
        )
