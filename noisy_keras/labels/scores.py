"""What a model says of the given label of every sample."""

import dataclasses
from typing import Any

import numpy as np

from noisy_keras.labels import detection
from noisy_keras.labels import measuring


@dataclasses.dataclass(frozen=True, eq=False)
class SampleScores:
    """One pass over a source in training.

    Attributes:
        loss: float32 `[N]`, cross-entropy to the given label in nats, mean
            over the networks.
        clean_probability: float32 `[N]` in `[0, 1]`, as in the label audit.
        detection: `noisy_keras.labels.detection.Detection` on `loss`.
    """

    loss: np.ndarray
    clean_probability: np.ndarray
    detection: Any


def sample_scores(model, source, batch_size=None):
    """Measures a source and detects its wrong labels in two ways.

    By what the model itself says, which may remember all of training, and by
    a Beta mixture on the losses of now.

    Args:
        model: a trained `NoisyLabelModel`.
        source: the `Source` that it was fitted on.
        batch_size: of the pass.

    Returns:
        `SampleScores`.

    Raises:
        ValueError: a source that does not fit the model.
        FloatingPointError: a loss is NaN or infinite.
    """
    model.check_source(source)
    measurement = measuring.measure(model, source, batch_size)
    loss = measurement.loss.mean(axis=1)
    return SampleScores(
        loss=loss,
        clean_probability=model.clean_probabilities(measurement, source),
        detection=detection.detect(loss),
    )
