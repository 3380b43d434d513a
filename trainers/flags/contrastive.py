"""The flags of methods that compare views of pictures, without labels."""

from absl import flags

from trainers import UsageError
from trainers.flags import common

#: Flags that are arguments of all of these methods.
SHARED = ("temperature", "projection_size", "hidden_size", "view")


def define():
    """Defines the flags of `SHARED`, of the optimizer and of measurements."""
    flags.DEFINE_float("temperature", None, "t of the loss, above 0.")
    flags.DEFINE_integer(
        "projection_size",
        None,
        "Size of the projections that the loss compares.",
        lower_bound=1,
    )
    flags.DEFINE_integer(
        "hidden_size",
        None,
        "Units of the projection head's hidden layer; 0: no such layer.",
        lower_bound=0,
    )
    common.define_view()
    flags.DEFINE_enum("optimizer", None, ["sgd", "lars"], "Optimizer.")
    flags.DEFINE_integer(
        "warmup_epochs",
        None,
        "Epochs in which the learning rate rises, before it falls by half a "
        "cosine.",
        lower_bound=0,
    )
    flags.DEFINE_integer(
        "knn_every",
        5,
        "Epochs between measurements of the accuracy of nearest neighbours.",
        lower_bound=1,
    )


def check(resolved):
    """Raises unless such a method can learn with some settings.

    Args:
        resolved: `Settings`.

    Raises:
        UsageError: a temperature that is not positive, or batches of one.
    """
    temperature = resolved.arguments["temperature"]
    if not temperature > 0.0:
        raise UsageError(
            f"--temperature: expected a number above 0; got {temperature}"
        )
    if resolved.training["batch_size"] < 2:
        raise UsageError(
            "--batch_size: expected at least 2, as an image is compared with "
            f"the others of its batch; got {resolved.training['batch_size']}"
        )
