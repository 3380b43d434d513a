"""The learning rate of a run: dropped at epochs, or in cosine restarts."""

import keras
import numpy as np

from noisy_keras.core import optimizers
from noisy_keras.data import batches

# Each cycle is longer than the one before, and starts lower (Zhang et al.,
# IEG, code); it ends at a rate of 0.
_LONGER, _LOWER = 1.5, 0.9


def of_optimizer(options):
    """What the optimizer of a run is made with.

    Args:
        options: the `training` part of `Settings`.

    Returns:
        The initial rate, or a schedule of steps where it restarts.
    """
    first = options["restart_steps"]
    if first is None:
        return options["learning_rate"]
    return keras.optimizers.schedules.CosineDecayRestarts(
        options["learning_rate"], first, t_mul=_LONGER, m_mul=_LOWER, alpha=0.0
    )


def callback(options):
    """The callback that sets the rate at epochs, or reports what steps set.

    Args:
        options: as of `of_optimizer`.

    Returns:
        A Keras callback; either way `learning_rate` is in the logs.
    """
    if options["restart_steps"] is not None:
        return _ReportedRate()
    return keras.callbacks.LearningRateScheduler(
        optimizers.stepwise(
            options["learning_rate"], options["learning_rate_drops"]
        )
    )


def describe(options, num_samples):
    """How the rate ends where it restarts, since steps decide that alone.

    Args:
        options: as of `of_optimizer`.
        num_samples: in training.

    Returns:
        A list of one line, or of none.
    """
    if options["restart_steps"] is None:
        return []
    steps = batches.steps_for(num_samples, options["batch_size"])
    steps = min(steps, options["steps_per_epoch"] or steps)
    steps *= options["epochs"]
    last = float(of_optimizer(options)(steps - 1))
    return [
        f"learning rate {options['learning_rate']:g} in cosine restarts, "
        f"{last:.2g} in the last of {steps} steps"
    ]


class _ReportedRate(keras.callbacks.Callback):
    """Adds the rate that the next step will have to the epoch's logs."""

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            rate = keras.ops.convert_to_numpy(
                self.model.optimizer.learning_rate
            )
            logs["learning_rate"] = float(np.reshape(rate, ()))
