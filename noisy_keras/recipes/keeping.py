"""Which network `Auto` keeps: by held-out samples, whose labels are noisy."""

import os

import numpy as np

from noisy_keras.callbacks.keep_best import KeepBest
from noisy_keras.core import inputs
from noisy_keras.labels import selection
from noisy_keras.utils import distribution

# Classes with fewer samples have no transition that is worth inverting.
_LEAST_OF_CLASS = 20


def keeper(training, weights, transition, folder):
    """The callback that keeps the best epoch of the second part.

    Args:
        training: `Training`.
        weights: dict of arrays, the network of the plain part.
        transition: float `[K, K]`, which agreement is corrected for where the
            held-out labels have the noise of the others; or None.
        folder: str, folder for the best epoch so far, or None.

    Returns:
        A `KeepBest`; None where nothing is held out, or with several workers.
    """
    validation = training.options["validation_data"]
    model = training.network_model(weights)
    if isinstance(validation, (tuple, list)):
        validation = inputs.as_source(model, *validation)
    several = distribution.is_multi_worker(model.distribute_strategy)
    if several or not inputs.is_source(validation):
        return None
    if not _is_known(transition, training.source, validation, model):
        transition = None
    path = folder and os.path.join(folder, "best_epoch.npz")
    return KeepBest(validation, path, transition)


def better(training, model, weights, keep, before):
    """Keeps the network of the plain part where it is clearly better.

    Args:
        training: `Training`.
        model: the trained `NoisyLabelModel`, whose networks are set.
        weights: dict of arrays, the network of the plain part.
        keep: `KeepBest`, after the training.
        before: int, number of epochs of the plain part.

    Returns:
        int, the epoch that is kept, and str, what it was chosen by.
    """
    first, scores = (
        training.network_model(weights),
        selection.scores(keep.transition),
    )
    validation, kept = keep.validation, keep.kept_epoch
    plain, last = (_hits(m, validation, scores) for m in (first, model))
    if selection.is_better(plain, last):
        kept = before
        for network in model.networks:
            network.set_weights(first.networks[0].get_weights())
    corrected = "" if scores is None else ", corrected for the noise"
    return kept, (
        f"{validation.num_samples} held-out samples: {plain.mean():.1%} after "
        f"the plain part, {last.mean():.1%} at the end{corrected}"
    )


def _is_known(transition, source, validation, model):
    """Whether held-out labels have the noise that a transition describes."""
    scores = selection.scores(transition)
    if scores is None:
        return False
    sizes = np.bincount(source.labels, minlength=source.num_classes)
    if sizes.min() < _LEAST_OF_CLASS:
        return False
    if source.noise is not None and validation.noise is None:
        return False  # Noise that only the training labels were given.
    # More than all right: these labels are better than those of training.
    return _hits(model, validation, scores).mean() <= 1.0


def _hits(model, validation, scores):
    predicted = model.predict(validation, verbose=0).argmax(axis=1)
    return selection.hits(predicted, validation.labels, scores)
