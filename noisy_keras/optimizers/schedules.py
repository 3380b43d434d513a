"""Learning rates as functions of the step or of the epoch."""

import keras

from noisy_keras.utils.errors import ConfigurationError


def constant_rate(optimizer):
    """The constant learning rate of an optimizer.

    Args:
        optimizer: `keras.optimizers.Optimizer`.

    Returns:
        Float, or None if the optimizer has a schedule.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    rate = inner.get_config()["learning_rate"]
    return rate if isinstance(rate, float) else None


def warmed_up_cosine(rate, epochs, warmup_epochs, steps_per_epoch):
    """Learning-rate schedule of contrastive learning.

    The rate rises linearly from 0, then falls to 0 along half a cosine.
    Reference: Chen et al., SimCLR, ICML 2020.

    Args:
        rate: float > 0, the highest learning rate.
        epochs: int >= 1, epochs of the whole training.
        warmup_epochs: int in `[0, epochs)`, epochs in which the rate rises.
        steps_per_epoch: int >= 1, training steps of an epoch.

    Returns:
        A `keras.optimizers.schedules.LearningRateSchedule`.

    Raises:
        ValueError: If the warm-up is not shorter than the training.
    """
    if not 0 <= warmup_epochs < epochs:
        raise ConfigurationError(
            "Expected a warm-up of at least 0 and less than all epochs. "
            f"Received: warmup_epochs={warmup_epochs}, epochs={epochs}"
        )
    schedule = keras.optimizers.schedules.CosineDecay
    steps = (epochs - warmup_epochs) * steps_per_epoch
    if warmup_epochs == 0:
        return schedule(float(rate), steps)
    return schedule(
        0.0,
        steps,
        warmup_target=float(rate),
        warmup_steps=warmup_epochs * steps_per_epoch,
    )


def stepwise(rate, drops):
    """Step schedule for `keras.callbacks.LearningRateScheduler`.

    Args:
        rate: float, initial learning rate.
        drops: sequence of int, epochs counted from 0 at whose start the rate is
            divided by 10.

    Returns:
        Callable of the epoch and the current rate that returns the new rate.
    """

    def schedule(epoch, current):
        del current
        return rate * 0.1 ** sum(epoch >= drop for drop in drops)

    return schedule
