"""Estimate of the label noise at the end of the warm-up."""

import json
import os

import keras

from noisy_keras.data import estimate
from noisy_keras.utils import distribution
from noisy_keras.utils import files
from noisy_keras.utils.errors import ConfigurationError


class EstimateNoise(keras.callbacks.Callback):
    """Estimates the label noise once, before noisy labels are memorised.

    The estimate uses the model's own predictions on its training images at the
    end of the warm-up, because networks fit frequent patterns before single
    noisy labels. See `noisy_keras.data.estimate_noise` for the method.

    Args:
        source: `Source` in training.
        warmup_epochs: int >= 1, number of epochs after which to estimate.
        path: str or path-like, JSON file for the estimate, or None. If the file
            exists when training begins, as in a resumed run, the estimate is
            read from it.
        then: callable of the model and the `NoiseEstimate`, called when the
            estimate is made or read; or None.

    Attributes:
        found: `NoiseEstimate`, or None before it is made.

    Raises:
        ValueError: If `warmup_epochs` is below 1.
    """

    def __init__(self, source, warmup_epochs, path=None, then=None):
        super().__init__()
        if warmup_epochs < 1:
            raise ConfigurationError(
                "Expected at least one epoch before the estimate. "
                f"Received: warmup_epochs={warmup_epochs}"
            )
        self.source = source
        self.warmup_epochs = warmup_epochs
        self.path = None if path is None else os.fspath(path)
        self.then = then
        self.found = None

    def on_train_begin(self, logs=None):
        if self.path is not None and os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as stream:
                joint = json.load(stream)["joint"]
            self._use(estimate.NoiseEstimate.of_joint(joint))

    def on_epoch_end(self, epoch, logs=None):
        if epoch != self.warmup_epochs - 1:
            return
        predictions = self.model.predict(self.source, verbose=0)
        self._use(estimate.estimate_noise(self.source, predictions))
        chief = distribution.is_chief(self.model.distribute_strategy)
        if self.path is not None and chief:
            write_estimate(
                self.path,
                self.found,
                self.source.class_names,
                self.warmup_epochs,
            )

    def _use(self, found):
        self.found = found
        if self.then is not None:
            self.then(self.model, found)


def write_estimate(path, found, class_names, epoch):
    """Writes an estimate as JSON.

    Args:
        path: str, path of the file.
        found: `NoiseEstimate`.
        class_names: sequence of K str.
        epoch: int, number of epochs that it is based on.
    """
    content = {
        "epoch": epoch,
        "rate": found.rate,
        "interval": found.interval and list(found.interval),
        "concentration": found.concentration,
        "class_names": list(class_names),
        "joint": found.joint.tolist(),
        "transition": found.transition.tolist(),
    }
    with files.replacing(path) as stream:
        json.dump(content, stream, indent=1)
        stream.write("\n")
