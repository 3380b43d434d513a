"""The audit strategy of methods that learn features without labels."""

from typing import NamedTuple

import numpy as np

from noisy_keras import features
from noisy_keras.core import inputs
from noisy_keras.features import neighbors
from noisy_keras.labels.held_out import HeldOutJudgement
from noisy_keras.labels.strategies import AuditStrategy


class Votes(NamedTuple):
    """What the nearest neighbours of each sample vote for.

    Attributes:
        clean_probability: float32 `[N]` in `[0, 1]`, votes for the given label
            over those for the most voted class.
        suggested: int32 `[N]`, the most voted classes.
        confidence: float32 `[N]` in `[0, 1]`, their shares of all votes.
    """

    clean_probability: np.ndarray
    suggested: np.ndarray
    confidence: np.ndarray


class NearestNeighbors(AuditStrategy):
    """Judges by the labels of the nearest other samples.

    The nearest samples by cosine similarity of embeddings vote for their given
    labels, out of at most 20,000 evenly spread ones. No sample votes for
    itself, and the features were trained without labels.
    """

    def evidence(self, model):
        return "nearest_neighbors"

    def measure(self, model, source, batch_size=None):
        batch_size = batch_size or inputs.EVALUATION_BATCH_SIZE
        rows = features.compute(source, model.encoder, batch_size=batch_size)
        voters = neighbors.spread(source.num_samples, neighbors.MOST)
        own = np.full(source.num_samples, -1)
        own[voters] = np.arange(len(voters))
        share = neighbors.vote(
            rows[voters],
            source.labels[voters],
            source.num_classes,
            queries=rows,
            own=own,
        )
        return _votes(share, source.labels)

    def held_out(self, model, source, held_out, transition, batch_size=None):
        """Training samples vote for held-out ones as for each other."""
        del transition
        batch_size = batch_size or inputs.EVALUATION_BATCH_SIZE
        voters = neighbors.spread(source.num_samples, neighbors.MOST)
        rows, queries = (
            features.compute(part, model.encoder, batch_size=batch_size)
            for part in (source.subset(voters), held_out)
        )
        share = neighbors.vote(
            rows, source.labels[voters], source.num_classes, queries=queries
        )
        return HeldOutJudgement(*_votes(share, held_out.labels))

    def clean_probability(self, model, source, measurement=None):
        if measurement is None:
            return None
        if not isinstance(measurement, Votes):
            # A pass that measured the losses of the untrained classifier.
            measurement = self.measure(model, source)
        return measurement.clean_probability


def _votes(share, labels):
    """`Votes` of shares `[N, K]` of the neighbours' votes."""
    given = np.take_along_axis(share, labels[:, None], axis=1)
    most = share.max(axis=1)
    return Votes(
        clean_probability=given[:, 0] / most,
        suggested=share.argmax(axis=1).astype(np.int32),
        confidence=most,
    )
