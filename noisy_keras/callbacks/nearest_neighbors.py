"""How well features tell classes apart, as training goes."""

import keras
import numpy as np

from noisy_keras import features
from noisy_keras.features import neighbors
from noisy_keras.utils.errors import ConfigurationError


class NearestNeighbors(keras.callbacks.Callback):
    """Adds the accuracy of nearest neighbours to the epoch's logs.

    `knn_given`: share of training pictures whose label, as given, is the one
    that their nearest neighbours among the other training pictures vote for by
    theirs. With wrong labels it cannot reach 1.
    `knn_<name>`: the same of the labels of another source, as its pictures'
    neighbours among the training pictures vote.

    Nothing is trained by it, and the random state of training stays as it is.
    It is measured after the first epoch, every so many, and after the last, on
    embeddings of the first network by cosine similarity.

    Args:
        source: the `Source` in training.
        judged: dict from name to `Source`, such as `{"validation": ...}`.
        every: epochs between measurements.
        samples: most pictures, evenly spread, that are taken of a source.
        neighbors: k; default: 50, or a half of the mean size of a class if
            that is less.

    Raises:
        ValueError: a number below 1, or k that is not below the number of
            samples.

    Example:
        >>> source = nk.data.load("digits")
        >>> test = nk.data.load("digits", split="test")
        >>> watch = NearestNeighbors(source, {"test": test}, every=10)
        >>> model = nk.SimCLR(nk.networks.build("tiny", source), len(source))
        >>> model.compile()
        >>> history = model.fit(
        ...     source, epochs=20, batch_size=64, callbacks=[watch], verbose=0
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
        """The accuracies now: dict of floats in `[0, 1]`.

        Args:
            network: whose embeddings are taken.
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
    """A source of at most so many of its samples, evenly spread."""
    if source.num_samples <= samples:
        return source
    return source.subset(neighbors.spread(source.num_samples, samples))
