"""How a model scores the given label of every sample."""

import dataclasses
from typing import Any

import numpy as np

from noisy_keras.data.sources.source import Source
from noisy_keras.labels import detection
from noisy_keras.labels import measuring


@dataclasses.dataclass(frozen=True, eq=False)
class SampleScores:
    """Scores from one pass over a source.

    Attributes:
        loss: float32 `[N]`, cross-entropy to the given label in nats, mean
            over the networks.
        clean_probability: float32 `[N]` in `[0, 1]`, as in the label audit.
        detection: `noisy_keras.labels.detection.Detection` by `loss` alone.
    """

    loss: np.ndarray
    clean_probability: np.ndarray
    detection: detection.Detection


def sample_scores(
    model: Any, source: Source, batch_size: int | None = None
) -> SampleScores:
    """Measures a source and detects its wrong labels in two ways.

    One is the model's own, which may use its tables of the whole training; the
    other is a Beta mixture on the losses of the trained networks.

    Args:
        model: trained `NoisyLabelModel`.
        source: the `Source` that it was fitted on.
        batch_size: int, number of samples in a batch; default: 500.

    Returns:
        `SampleScores`.

    Raises:
        ConfigurationError: a source that does not fit the model.
        FloatingPointError: a loss is NaN or infinite.
    """
    model.check_source(source)
    measurement = measuring.measure(model, source, batch_size)
    loss = measurement.loss.mean(axis=1)
    return SampleScores(
        loss=loss,
        clean_probability=model.estimate_clean_probability(source, measurement),
        detection=detection.detect(loss),
    )
