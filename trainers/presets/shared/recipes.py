"""What the presets of DMLP and C2D share: the phases before the last."""

import dataclasses

from trainers import presets

#: The methods that a recipe can end with.
HOSTS = (
    "cross_entropy",
    "dividemix",
    "sanm",
    "joint_optim",
    "ieg",
    "eg",
    "l2r",
    "meta_weight_net",
    "mlc",
    "mslc",
)
# The same networks without weights of ImageNet.
_UNTRAINED = {"keras:ResNet50": "resnet50"}


def pretraining(
    dataset, name, epochs=None, batch_size=None, learning_rate=None
):
    """The settings of the phase that learns features, by SimCLR.

    Args:
        dataset: str, name of the data set.
        name: `"recommended"` or `"official"`.
        epochs: int, or None for the preset's.
        batch_size: int, or None for the preset's.
        learning_rate: float, or None for the preset's.

    Returns:
        The source of the settings, the number of epochs, and the dict that
        recipes take as `pretraining`.
    """
    row = presets.row_of("simclr", dataset, presets.ESTIMATED, None, name)
    if epochs is not None:
        row = row.with_epochs(epochs)
    return (
        row.source,
        row.epochs,
        {
            "batch_size": batch_size or row.batch_size,
            "learning_rate": learning_rate or row.learning_rate,
            "warmup_epochs": min(row.rate_warmup_epochs, row.epochs - 1),
            "optimizer": row.optimizer_name,
            "weight_decay": row.weight_decay,
            **row.arguments,
        },
    )


def constructor_arguments(row, host):
    """The arguments of a recipe from a row.

    Args:
        row: `Preset` of the recipe.
        host: str, name of the method that it ends with.

    Returns:
        dict.
    """
    options = row.method_arguments()
    if host == "sanm":
        options |= {"preset": row.name, "plugin": row.plugin_arguments}
    _, epochs, options_before = pretraining(row.dataset, row.name)
    return {
        "host": host,
        "host_options": options,
        "epochs": row.epochs,
        "drops": row.learning_rate_drops,
        "pretrain_epochs": epochs,
        "pretraining": options_before,
    }


def host_row(host, dataset, noise_type, noise_rate, name, after):
    """The row of a host, with a note on what comes before it in `source`.

    Where the host starts from ImageNet's weights, the recipe starts the same
    network from random ones: it learns its features itself, as the papers do.
    """
    row = presets.row_of(host, dataset, noise_type, noise_rate, name)
    row = dataclasses.replace(row, source=f"{row.source}; {after}")
    if row.weights is None:
        return row
    network = _UNTRAINED.get(row.network, row.network)
    return dataclasses.replace(row, network=network, weights=None)
