"""The optimizer of a run, and its learning rate.

The rate is dropped at epochs, falls by a cosine after a warm-up, or restarts.
"""

import keras

from noisy_keras import optimizers
from noisy_keras.data import batches
from noisy_keras.optimizers import lars

# Each cycle is longer than the one before, and starts lower (Zhang et al.,
# IEG, code); it ends at a rate of 0.
_LONGER, _LOWER = 1.5, 0.9


def of_optimizer(options, num_samples):
    """The learning rate that the optimizer of a run is made with.

    Args:
        options: the `training` part of `Settings`.
        num_samples: in training.

    Returns:
        The initial rate, or a schedule of steps where steps decide it.
    """
    rate, first = options["learning_rate"], options["restart_steps"]
    if first is not None:
        return keras.optimizers.schedules.CosineDecayRestarts(
            rate, first, t_mul=_LONGER, m_mul=_LOWER, alpha=0.0
        )
    if options["rate_warmup_epochs"] is not None:
        # As many as a method takes that leaves the last, smaller batch out.
        steps = max(1, num_samples // options["batch_size"])
        steps = min(steps, options["steps_per_epoch"] or steps)
        return optimizers.warmed_up_cosine(
            rate, options["epochs"], options["rate_warmup_epochs"], steps
        )
    return rate


def optimizer(options, num_samples):
    """The optimizer of a run.

    Args:
        options: the `training` part of `Settings`.
        num_samples: in training.

    Returns:
        A Keras optimizer.
    """
    kind = {"sgd": optimizers.MomentumSGD, "lars": lars.LARS}
    return kind[options["optimizer"]](
        of_optimizer(options, num_samples),
        momentum=0.9,
        weight_decay=options["weight_decay"],
    )


def callback(options, num_samples):
    """The callback that sets the rate at epochs, or reports what steps set.

    Args:
        options: as of `optimizer`.
        num_samples: in training.

    Returns:
        A Keras callback; either way `learning_rate` is in the logs.
    """
    if _by_steps(options):
        return _ReportedRate(of_optimizer(options, num_samples))
    return keras.callbacks.LearningRateScheduler(
        optimizers.stepwise(
            options["learning_rate"], options["learning_rate_drops"]
        )
    )


def describe(options, num_samples):
    """How the rate changes where steps decide it, and an unusual optimizer.

    Args:
        options: as of `optimizer`.
        num_samples: in training.

    Returns:
        A list of one line, or of none.
    """
    if not _by_steps(options):
        return []
    rate = f"learning rate {options['learning_rate']:g}"
    warmup = options["rate_warmup_epochs"]
    if warmup is not None:
        told = f"{options['optimizer'].upper()}, {rate}"
        if warmup:
            told += f" after {warmup} epoch{'s' * (warmup > 1)} of warm-up"
        return [f"{told}, then down to 0 by half a cosine"]
    steps = batches.steps_for(num_samples, options["batch_size"])
    steps = min(steps, options["steps_per_epoch"] or steps)
    steps *= options["epochs"]
    last = float(of_optimizer(options, num_samples)(steps - 1))
    return [
        f"{rate} in cosine restarts, {last:.2g} in the last of {steps} steps"
    ]


def _by_steps(options):
    return (
        options["restart_steps"] is not None
        or options["rate_warmup_epochs"] is not None
    )


class _ReportedRate(keras.callbacks.Callback):
    """Adds the rate of the epoch's last step to its logs.

    Not the optimizer's, which is of the next step: where a cycle ends with the
    epoch, that is the high one of a new cycle.
    """

    def __init__(self, schedule):
        super().__init__()
        self.schedule = schedule

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            # Replicas have one each.
            steps = keras.ops.convert_to_numpy(self.model.optimizer.iterations)
            logs["learning_rate"] = float(self.schedule(max(steps - 1, 0)))
