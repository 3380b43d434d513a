"""Adding the noise that the flags ask for to training labels."""

import math
import os

import keras
import numpy as np

import noisy_keras as nk
from trainers import UsageError
from trainers.flags import data as data_flags

# Of the network that makes noise.
_EPOCHS, _LEAST_STEPS, _BATCH = 25, 400, 64


def add(train, data, load_foreign):
    """Adds noise to the labels of a source.

    Args:
        train: training `Source`.
        data: dict, the `data` part of `Settings`.
        load_foreign: function of a value of `--dataset`, or None for the
            classes that are left out, to a `Source` of foreign pictures.

    Returns:
        A `Source` with noisy labels, and those from before as true labels.

    Raises:
        UsageError: a matrix file that cannot be read; or classes left out
            that have too few pictures, or another number than the matrix.
    """
    kind, rate, seed = (
        data[name] for name in ("noise_type", "noise_rate", "noise_seed")
    )
    if kind in data_flags.SEEDED:
        make = nk.data.noise.BY_NAME[kind]
        generator = make(rate, seed, convention=data["noise_convention"])
        return train.with_noise(generator)
    if kind == "confusion":
        matrix = _matrix(data["noise_matrix"])
        return train.with_noise(nk.data.ConfusionNoise(rate, matrix, seed))
    if kind == "open_set":
        return _open_set(train, data, load_foreign)
    if kind == "semantic":
        part = train.hold_out(data["noise_share"], seed)[1]
        return train.with_noise(
            nk.data.PredictedNoise(),
            predictions=_predictions(train, part, seed),
        )
    if kind == "polynomial_margin":
        convention = data["noise_convention"] or "I"
        return train.with_noise(
            nk.data.PolynomialMarginNoise(rate, convention, seed=seed),
            probabilities=_predictions(train, train, seed),
        )
    return train  # "none", human labels, or to be estimated.


def _open_set(train, data, load_foreign):
    """Foreign pictures in the place of some of the training pictures."""
    matrix = data["noise_matrix"] and _matrix(data["noise_matrix"])
    foreign = load_foreign(data["noise_foreign"])
    if data["noise_foreign"] is None:
        _check_left_out(data, matrix, train, foreign)
    noise = nk.data.OpenSetNoise(
        data["noise_rate"], matrix is None, matrix, data["noise_seed"]
    )
    return noise.apply_to(train, foreign)


def _predictions(source, part, seed):
    """What a small network predicts for a source after learning from a part.

    Returns:
        float64 `[N, K]`, probabilities.
    """
    keras.utils.set_random_seed(seed)
    batch = min(_BATCH, part.num_samples)
    steps = math.ceil(part.num_samples / batch)
    epochs = max(_EPOCHS, math.ceil(_LEAST_STEPS / steps))
    network = nk.networks.build("tiny", source)
    model = nk.CrossEntropy(network, part.num_samples)
    model.compile(nk.MomentumSGD(0.02, momentum=0.9, weight_decay=5e-4))
    model.fit(part, batch_size=batch, epochs=epochs, seed=seed, verbose=0)
    probabilities = model.predict(source, verbose=0)
    # In 16 bits rows sum to 1 less exactly than a generator expects.
    probabilities = np.asarray(probabilities, np.float64)
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def _matrix(path):
    path = os.path.expanduser(path)
    try:
        if path.endswith(".npy"):
            return np.load(path, allow_pickle=False)
        return np.loadtxt(path, delimiter=",", ndmin=2)
    except (EOFError, OSError, ValueError) as error:
        raise UsageError(
            "--noise_matrix: expected numbers in a .npy file, or a .csv file "
            f"of nothing else; got {path} ({error})"
        ) from error


def _check_left_out(data, matrix, train, foreign):
    """Raises unless the classes that are left out can be the foreign ones."""
    rate, have, count = data["noise_rate"], len(foreign), len(train)
    if matrix is None and int(rate * count) > have:
        most = math.floor(1000 * have / count) / 1000
        raise UsageError(
            f"--noise_rate: expected at most {most}, because "
            f"--noise_foreign_classes have {have} pictures for {count} "
            f"samples; got {rate}. Leave out more classes, or give a "
            "--noise_matrix, with which pictures are used again."
        )
    wanted = (len(data["noise_foreign_classes"]), train.num_classes)
    if matrix is not None and matrix.shape != wanted:
        raise UsageError(
            "--noise_matrix: expected one row per class of "
            "--noise_foreign_classes and one column per class that stays, "
            f"{wanted[0]} x {wanted[1]}; got shape {matrix.shape}"
        )
