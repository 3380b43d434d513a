"""The phase in which a network learns features without labels."""

from noisy_keras import optimizers
from noisy_keras.data import augment
from noisy_keras.methods.simclr import SimCLR
from noisy_keras.optimizers import lars
from noisy_keras.recipes import hosts
from noisy_keras.utils import arguments
from noisy_keras.utils.errors import ConfigurationError

_OPTIMIZERS = {"sgd": optimizers.MomentumSGD, "lars": lars.LARS}

_POSITIVE = arguments.within(0, float("inf"), "()")
_RULES = {
    "batch_size": arguments.at_least(2, int),
    "learning_rate": _POSITIVE,
    "warmup_epochs": arguments.at_least(0, int),
    "optimizer": arguments.one_of(*_OPTIMIZERS),
    "weight_decay": arguments.at_least(0),
    "temperature": _POSITIVE,
    "projection_size": arguments.at_least(1, int),
    "hidden_size": arguments.optional(arguments.at_least(0, int)),
    "view": augment.view_rule,
}
_METHOD = ("temperature", "projection_size", "hidden_size", "view")

#: The options of C2D for CIFAR.
DEFAULTS = {
    "batch_size": 512,
    "learning_rate": 0.5,
    "warmup_epochs": 10,
    "optimizer": "sgd",
    "weight_decay": 1e-4,
    "temperature": 0.5,
    "projection_size": 128,
    "hidden_size": None,
    "view": "simclr",
}


def checked(options, epochs):
    """The options of the phase.

    Args:
        options: dict of those that differ from `DEFAULTS`, or None. They are
            the batch size, the optimizer, whose learning rate rises for
            `warmup_epochs` and then falls by half a cosine, and arguments of
            `nk.SimCLR`.
        epochs: int, number of epochs of the phase, at least 1.

    Returns:
        dict of all options.

    Raises:
        ConfigurationError: an unknown option, or a value out of range.
    """
    options = dict(options or {})
    arguments.require_known(options, DEFAULTS)
    shorter = min(DEFAULTS["warmup_epochs"], epochs - 1)
    chosen = DEFAULTS | {"warmup_epochs": shorter} | options
    chosen = arguments.checked(_RULES, chosen)
    if chosen["warmup_epochs"] >= epochs:
        raise ConfigurationError(
            "Expected `warmup_epochs` of `pretraining` below its "
            f"{epochs} epochs. Received: {chosen['warmup_epochs']}"
        )
    return chosen


def train(training, phase, chosen):
    """Trains SimCLR on the training images, unless that has been done.

    Args:
        training: `Training`.
        phase: `Phase`.
        chosen: dict of all options, as of `checked`.

    Returns:
        dict of the encoder's weights, as of `artefacts.weights`.
    """
    source, bound = training.source, training.options["steps_per_epoch"]
    batch_size = training.batch_size(source, chosen["batch_size"])
    steps = source.num_samples // batch_size
    steps = min(steps, bound or steps)

    def build():
        with hosts.same_draws("head", training.seed):
            model = SimCLR(
                training.fresh_network(),
                source.num_samples,
                **{name: chosen[name] for name in _METHOD},
            )
        rate = optimizers.warmed_up_cosine(
            chosen["learning_rate"],
            phase.epochs,
            chosen["warmup_epochs"],
            steps,
        )
        optimizer = _OPTIMIZERS[chosen["optimizer"]](
            rate, momentum=0.9, weight_decay=chosen["weight_decay"]
        )
        model.compile(optimizer, **training.compile_options(metrics=False))
        return model

    return training.train_once(
        phase, build, batch_size=batch_size, validation_data=None
    )
