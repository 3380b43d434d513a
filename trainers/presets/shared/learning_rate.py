"""The optimizer of a row or of a run, and its learning rate.

The rate drops at epochs, falls by a cosine after a warm-up, or restarts.
"""

import keras

from noisy_keras import optimizers
from noisy_keras.data import batches
from noisy_keras.optimizers import lars

# Each cycle is longer than the one before, and starts lower (Zhang et al.,
# IEG, code); it ends at a rate of 0.
_LONGER, _LOWER = 1.5, 0.9


def of_optimizer(options, num_samples):
    """The learning rate that the optimizer is made with.

    Args:
        options: dict, the `training` part of `Settings`.
        num_samples: int, number of training samples N.

    Returns:
        float, the initial rate; or a schedule, where steps decide it.
    """
    rate, first = options["learning_rate"], options["restart_steps"]
    if first is not None:
        return keras.optimizers.schedules.CosineDecayRestarts(
            rate, first, t_mul=_LONGER, m_mul=_LOWER, alpha=0.0
        )
    if options["rate_warmup_epochs"] is not None:
        # Such methods leave the last, smaller batch out.
        steps = max(1, num_samples // options["batch_size"])
        steps = min(steps, options["steps_per_epoch"] or steps)
        return optimizers.warmed_up_cosine(
            rate, options["epochs"], options["rate_warmup_epochs"], steps
        )
    return rate


def optimizer(options, num_samples):
    """The optimizer.

    Args:
        options: dict, the `training` part of `Settings`.
        num_samples: int, number of training samples N.

    Returns:
        A Keras optimizer.
    """
    kind, rate = options["optimizer"], of_optimizer(options, num_samples)
    # Runs of earlier versions lack these.
    rates = {
        name: options[name]
        for name in ("backbone_rate", "layer_decay")
        if options.get(name) is not None
    }
    decay = options["weight_decay"]
    if kind == "adamw":
        return optimizers.AdamW(rate, weight_decay=decay, **rates)
    momentum = {"sgd": optimizers.MomentumSGD, "lars": lars.LARS}[kind]
    return momentum(rate, momentum=0.9, weight_decay=decay, **rates)


def callback(options, num_samples):
    """The callback that sets the rate of each epoch, or reports a schedule's.

    Args:
        options: dict, as of `optimizer`.
        num_samples: int, number of training samples N.

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


def of_epoch(options, num_samples, epoch):
    """The rate of an epoch's last step.

    Args:
        options: dict, as of `optimizer`.
        num_samples: int, number of training samples N.
        epoch: int, number of the epoch, from 0.

    Returns:
        float.
    """
    if not _by_steps(options):
        return optimizers.stepwise(
            options["learning_rate"], options["learning_rate_drops"]
        )(epoch, None)
    if options["rate_warmup_epochs"] is not None:
        steps = max(1, num_samples // options["batch_size"])
    else:
        steps = batches.steps_for(num_samples, options["batch_size"])
    steps = min(steps, options["steps_per_epoch"] or steps)
    return float(of_optimizer(options, num_samples)((epoch + 1) * steps - 1))


def schedule_in_words(options):
    """How the rate changes, in a few words.

    Args:
        options: dict, as of `optimizer`.

    Returns:
        str.
    """
    if options["restart_steps"] is not None:
        return "its cosine restarts go on"
    if options["rate_warmup_epochs"] is not None:
        return "it falls to 0 by half a cosine at the end"
    drops = sorted(set(options["learning_rate_drops"]))
    if not drops:
        return "it is constant"
    return (
        "it is divided by 10 after epoch" + "s" * (len(drops) > 1) + " "
        f"{', '.join(map(str, drops))}"
    )


def describe(options, num_samples):
    """How the rate changes where steps decide it, and by which optimizer.

    Args:
        options: dict, as of `optimizer`.
        num_samples: int, number of training samples N.

    Returns:
        list of one str, or empty where the rate drops at epochs.
    """
    if not _by_steps(options):
        return []
    rate = f"learning rate {options['learning_rate']:g}"
    warmup = options["rate_warmup_epochs"]
    if warmup is not None:
        line = f"{options['optimizer'].upper()}, {rate}"
        if warmup:
            line += f" after {warmup} epoch{'s' * (warmup > 1)} of warm-up"
        return [f"{line}, then down to 0 by half a cosine"]
    steps = batches.steps_for(num_samples, options["batch_size"])
    steps = min(steps, options["steps_per_epoch"] or steps)
    steps *= options["epochs"]
    last = float(of_optimizer(options, num_samples)(steps - 1))
    return [
        f"{rate} in cosine restarts, {last:.2g} in the last of {steps} steps"
    ]


def describe_fine_tuning(options):
    """How the layers of a pretrained network are trained.

    Args:
        options: dict, as of `optimizer`.

    Returns:
        list of one str, or empty where all layers are trained alike by SGD.
    """
    parts = []
    if options["optimizer"] == "adamw":
        parts.append(f"AdamW, learning rate {options['learning_rate']:g}")
    frozen = options.get("freeze_epochs")
    if frozen:
        epochs = f"{frozen} epochs" if frozen > 1 else "epoch"
        parts.append(f"the classifier alone in the first {epochs}")
    rate = options.get("backbone_rate")
    if rate is not None:
        parts.append(f"rate of the backbone: {rate:g} of the classifier's")
    decay = options.get("layer_decay")
    if decay is not None:
        parts.append(f"{decay:g} of the rate from block to block")
    return ["; ".join(parts)] if parts else []


def _by_steps(options):
    return (
        options["restart_steps"] is not None
        or options["rate_warmup_epochs"] is not None
    )


class _ReportedRate(keras.callbacks.Callback):
    """Adds the rate of the epoch's last step to its logs.

    The optimizer's is that of the next step: where a cycle ends with the epoch,
    the high one of a new cycle.
    """

    def __init__(self, schedule):
        super().__init__()
        self.schedule = schedule

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            # Each replica has a counter of its own.
            steps = keras.ops.convert_to_numpy(self.model.optimizer.iterations)
            logs["learning_rate"] = float(self.schedule(max(steps - 1, 0)))
