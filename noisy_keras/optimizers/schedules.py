"""Learning rates as functions of the step or of the epoch."""

import keras

from noisy_keras.utils.errors import ConfigurationError


def constant_rate(optimizer):
    """The learning rate of an optimizer, or None where it has a schedule."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    rate = inner.get_config()["learning_rate"]
    return rate if isinstance(rate, float) else None


def warmed_up_cosine(rate, epochs, warmup_epochs, steps_per_epoch):
    """The learning rate of contrastive learning, a function of the step.

    It rises from 0 in a straight line, then falls to 0 by half a cosine.

    Args:
        rate: the highest.
        epochs: in all, at least 1.
        warmup_epochs: in which it rises, from 0 to less than `epochs`.
        steps_per_epoch: at least 1.

    Returns:
        A Keras schedule.

    Raises:
        ValueError: a warm-up that leaves nothing.
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
    """A schedule of epochs, for `keras.callbacks.LearningRateScheduler`.

    Args:
        rate: initial learning rate.
        drops: epoch indices, from 0, at which it is divided by 10.

    Returns:
        A function of the epoch and the current rate to the new one.
    """

    def schedule(epoch, current):
        del current
        return rate * 0.1 ** sum(epoch >= drop for drop in drops)

    return schedule
