"""Keeps the networks of the epoch that validation shows to be the best."""

import contextlib
import os

import keras
import numpy as np

from noisy_keras.labels import selection
from noisy_keras.utils import distribution
from noisy_keras.utils import files


class KeepBest(keras.callbacks.Callback):
    """Restores an earlier epoch's networks where they are clearly better.

    Noisy validation labels rank epochs by chance: of two networks that are
    equally good, the one that happens to agree with more wrong labels is ahead.
    That is why the last epoch is kept, unless an earlier one is right on so
    many more validation samples that chance does not explain it: the mean of
    the paired differences exceeds two of its standard errors. In 24 runs of 20
    and 66 epochs on two data sets, the epoch of highest validation accuracy was
    2.5 points of test accuracy below the best epoch, the last 0.4, and that of
    this rule 0.5; where a network memorises for long, the rule finds the epoch
    before that.

    Only weights of networks are restored. Tables, and audits by them, are those
    of the whole training. With several workers nothing is restored.

    Args:
        validation: `Source` held out of training.
        path: str or path-like, file for the best epoch so far, so that a run
            that is interrupted does not lose it, in a folder that is created if
            necessary; None keeps it in memory.
        transition: float `[K, K]`, the probability of each given label (column)
            by true label (row), which agreement is corrected for: see
            `noisy_keras.labels.selection`. None corrects nothing.
        restore: bool, whether the best epoch is restored where it is clearly
            better. If not, it is only kept: see `weights_of`.

    Attributes:
        kept_epoch: int, number of the epoch that the networks are of, from 1;
            None before training ends.
        best_epoch: int, number of the epoch that is right most often, the first
            of several; None before there is one.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.4))
        >>> train, validation = source.hold_out(0.1)
        >>> model = nk.CrossEntropy("tiny", train)
        >>> model.compile()
        >>> keep = nk.callbacks.KeepBest(validation)
        >>> history = model.fit(train, epochs=2, callbacks=[keep], verbose=0)
        >>> keep.kept_epoch in (1, 2)
        True
    """

    def __init__(self, validation, path=None, transition=None, restore=True):
        super().__init__()
        self.restore = restore
        self.validation = validation
        self.transition = transition
        self._scores = selection.scores(transition)
        self.path = None if path is None else os.fspath(path)
        self.kept_epoch = None
        self._best = None  # dict of `epoch`, `hits` and the weights.
        self._last = None
        self._final = None  # The weights of the last epoch.

    @property
    def best_epoch(self):
        return None if self._best is None else int(self._best["epoch"])

    @contextlib.contextmanager
    def weights_of(self, which):
        """Lends the model the networks of another epoch, after training.

        Args:
            which: `"best"` or `"last"`.

        Yields:
            The model; afterwards it has its own networks again.
        """
        weights = self._weights()
        own = [keras.ops.convert_to_numpy(w) for w in weights]
        lent = self._final
        if which == "best":
            lent = [self._best[f"weight_{k}"] for k in range(len(weights))]
        for weight, value in zip(weights, lent, strict=True):
            weight.assign(value)
        try:
            yield self.model
        finally:
            for weight, value in zip(weights, own, strict=True):
                weight.assign(value)

    def on_train_begin(self, logs=None):
        if self.path is not None and os.path.exists(self.path):
            with np.load(self.path, allow_pickle=False) as stored:
                self._best = self._checked(dict(stored))

    def on_epoch_end(self, epoch, logs=None):
        hits = self._hits()
        self._last = epoch + 1
        if self._best is not None:
            if int(self._best["epoch"]) == epoch + 1:
                return  # A run that goes on from before this epoch.
            if hits.mean() <= self._best["hits"].mean():
                return
        self._best = {"epoch": np.asarray(epoch + 1), "hits": hits}
        for number, weight in enumerate(self._weights()):
            value = keras.ops.convert_to_numpy(weight)
            # NumPy's files have no bfloat16.
            self._best[f"weight_{number}"] = value.astype(np.float32)
        if self.path is not None and distribution.is_chief(
            self.model.distribute_strategy
        ):
            folder = os.path.dirname(self.path)
            os.makedirs(folder or ".", exist_ok=True)
            with files.replacing(self.path, "wb") as stream:
                np.savez(stream, **self._best)

    def on_train_end(self, logs=None):
        strategy = self.model.distribute_strategy
        if self._best is None or distribution.is_multi_worker(strategy):
            self.kept_epoch = self._last
            return
        if self._last is None:  # There was nothing left to train.
            self._last = self.model.position.epoch
        self.kept_epoch = self._last
        self._final = [
            keras.ops.convert_to_numpy(weight) for weight in self._weights()
        ]
        if self.restore and selection.is_better(
            self._best["hits"], self._hits()
        ):
            self.kept_epoch = int(self._best["epoch"])
            for number, weight in enumerate(self._weights()):
                weight.assign(self._best[f"weight_{number}"])

    def _checked(self, stored):
        """The stored epoch, or None where it is of other data or networks."""
        shapes = [
            stored[f"weight_{number}"].shape
            for number in range(len(stored) - 2)
            if f"weight_{number}" in stored
        ]
        same = shapes == [tuple(weight.shape) for weight in self._weights()]
        if not same or len(stored["hits"]) != self.validation.num_samples:
            return None
        return stored

    def _hits(self):
        predicted = self.model.predict(self.validation, verbose=0)
        return selection.hits(
            predicted.argmax(axis=1), self.validation.labels, self._scores
        )

    def _weights(self):
        return [w for network in self.model.networks for w in network.weights]
