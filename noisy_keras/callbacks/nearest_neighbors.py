"""Accuracy of nearest neighbours in feature space during training."""

import keras
import numpy as np

from noisy_keras import features
from noisy_keras.features import neighbors
from noisy_keras.utils.errors import ConfigurationError


class NearestNeighbors(keras.callbacks.Callback):
    """Adds the accuracy of a nearest-neighbour classifier to the logs.

    `knn_given` is the share of training images whose given label agrees with
    the vote of their nearest neighbours among the other training images. It
    stays below 1 where labels are noisy. `knn_<name>` is the share of the
    images of another source whose label agrees with the vote of their nearest
    neighbours among the training images.

    The callback trains nothing and leaves the random state of training
    unchanged. It runs after the first epoch, after every `every` epochs and
    after the last, on the embeddings of the first network by cosine similarity.

    Args:
        source: `Source` in training.
        judged: dict from name to `Source` to evaluate, such as `{"validation":
            ...}`.
        every: int >= 1, epochs between measurements.
        samples: int >= 2, largest number of images of a source to use, evenly
            spread.
        neighbors: int, number of neighbours k; None takes 50, or half of the
            mean class size if that is less.

    Raises:
        ValueError: If `every` or `samples` is too small, or k is not below the
            number of samples.

    Example:
        >>> source = nk.data.load("digits")
        >>> test = nk.data.load("digits", split="test")
        >>> knn = NearestNeighbors(source, {"test": test}, every=10)
        >>> model = nk.SimCLR(nk.networks.build("tiny", source), len(source))
        >>> model.compile()
        >>> history = model.fit(
        ...     source, epochs=20, batch_size=64, callbacks=[knn], verbose=0
        ... )
        >>> history.history["knn_test"]
        [...]
    """

    def __init__(
        self, source, judged=None, every=5, samples=10_000, neighbors=None
    ):
        super().__init__()
        for name, value, least in (
            ("every", every, 1),
            ("samples", samples, 2),
        ):
            if value < least:
                raise ConfigurationError(
                    f"Expected `{name}` to be at least {least}. "
                    f"Received: {name}={value}"
                )
        self.source = _part(source, samples)
        self.judged = {
            name: _part(other, samples)
            for name, other in (judged or {}).items()
        }
        self.every = every
        self.neighbors = neighbors
        self._extractor = None

    def on_epoch_end(self, epoch, logs=None):
        number = epoch + 1
        last = number == self.params["epochs"]
        due = number == 1 or number % self.every == 0 or last
        if due and logs is not None:
            logs.update(self.measure(self.model.networks[0]))

    def measure(self, network):
        """Measures the accuracies of a network.

        Args:
            network: `keras.Model` whose embeddings are used.

        Returns:
            Dict from name to float in `[0, 1]`.
        """
        if self._extractor is None or self._extractor.encoder is not network:
            self._extractor = features.Extractor(network)
        voters = self._extractor(self.source)
        labels, classes = self.source.labels, self.source.num_classes

        def accuracy(right, **queries):
            share = neighbors.vote(
                voters, labels, classes, neighbors=self.neighbors, **queries
            )
            return float(np.mean(share.argmax(axis=1) == right))

        found = {"knn_given": accuracy(labels)}
        for name, other in self.judged.items():
            queries = self._extractor(other)
            found[f"knn_{name}"] = accuracy(other.labels, queries=queries)
        return found


def _part(source, samples):
    """At most `samples` samples of a source, evenly spread."""
    if source.num_samples <= samples:
        return source
    return source.subset(neighbors.spread(source.num_samples, samples))
