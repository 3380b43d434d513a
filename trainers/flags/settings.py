"""From flags to the settings of a run: a preset's row, and what replaces it."""

import dataclasses
import os

from trainers import UsageError
from trainers import presets
from trainers.flags import FINE_TUNING
from trainers.flags import IMBALANCE
from trainers.flags import data
from trainers.flags import require_file

#: The parts of the settings by their keys in `config.json`: their attributes.
PARTS = {
    "data": "data",
    "training": "training",
    "host": "arguments",
    "plugin": "plugin_arguments",
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that decides the outcome of a run.

    Attributes:
        method: str, name of the method.
        preset: str, source of the preset's row, as printed.
        replaced: tuple of str, flags that replaced parts of the row.
        data: dict, data set, noise, split.
        training: dict, network, epochs, batch, optimizer, seed, precision.
        arguments: dict, arguments of the method.
        plugin_arguments: dict, arguments of its plug-in.
    """

    method: str
    preset: str
    replaced: tuple
    data: dict
    training: dict
    arguments: dict
    plugin_arguments: dict

    def as_dict(self):
        """As `config.json` holds it, where arguments have other names: dict."""
        return {
            "method": self.method,
            "preset": self.preset,
            "replaced": list(self.replaced),
            **{key: dict(getattr(self, name)) for key, name in PARTS.items()},
        }


def resolve(
    method, values, preset_key=None, arguments=None, plugin_arguments=None
):
    """Resolves flags into settings.

    Args:
        method: str, name of the method.
        values: dict of all flags by name; None where left out.
        preset_key: str, name of the method in the presets; default: `method`.
        arguments: dict of the method's own flags; None values are left out.
        plugin_arguments: dict of its plug-in's flags, likewise.

    Returns:
        `Settings`.

    Raises:
        UsageError: an unknown name, or a number out of range.
    """
    dataset = values["dataset"]
    data.check(dataset)
    if data.split_name(dataset)[0] == "features":
        # Imported here: other data does not need it.
        from trainers.flags import features

        features.check(preset_key or method, dataset, values)
    noise = data.noise_settings(dataset, values)
    _check_preset(values["preset"])
    row = presets.preset(
        preset_key or method,
        dataset,
        noise["noise_type"],
        noise["noise_rate"],
        values["preset"],
    )
    image_size, replaced = row.image_size, []
    backbone = _backbone(preset_key or method, dataset, values)
    if backbone is not None:
        from trainers.presets.shared import feature_rows

        row = feature_rows.adapted(row)

    def pick(flag, default):
        # Some flags are of some commands alone.
        if values.get(flag) is None:
            return default
        replaced.append(flag)
        return values[flag]

    row = row.with_epochs(pick("epochs", row.epochs))
    training = _training(row, values, pick)
    named = backbone or (values.get("network") and training["network"])
    if image_size is not None and named:
        # Of data without a size of their own.
        image_size = _size_for(named) or image_size
    if backbone is not None:
        pick("frozen_backbone", None)
        training["frozen_backbone"] = backbone
    image_size = pick("image_size", image_size)
    trusted = _trusted(row, dataset, noise, values, pick)
    _check_seeds(values)
    own = _given(arguments) | _imbalance(method, values)
    own_of_plugin = _given(plugin_arguments)
    replaced += [*own, *own_of_plugin]
    chosen = row.method_arguments(own)
    _check_warmup(row, chosen)
    return Settings(
        method=method,
        preset=row.source,
        replaced=tuple(replaced),
        data={
            "dataset": dataset,
            "image_size": image_size,
            "max_train_samples": values["max_train_samples"],
            "validation": values["validation"],
            "audit": _audits(values.get("audit")),
            **data.reading(dataset, values),
            "max_unreadable": values.get("max_unreadable"),
            **trusted,
            **noise,
        },
        training=training,
        arguments=chosen,
        plugin_arguments=row.plugin_arguments | own_of_plugin,
    )


def _training(row, values, pick):
    """The `training` part of the settings."""
    drops = as_epochs(
        "learning_rate_drops",
        pick("learning_rate_drops", row.learning_rate_drops),
    )
    # 0 does without.
    restarts = pick("restart_steps", row.restart_steps) or None
    if restarts is not None:
        _check_no_drops(
            values, "the rate restarts (--restart_steps=0 does without)"
        )
        drops = ()
    rising = row.rate_warmup_epochs
    if rising is not None:
        _check_no_drops(values, "the rate falls by half a cosine")
        rising = pick("warmup_epochs", rising)
    network = pick("network", row.network)
    # Width and weights belong to the network that the row names.
    named = network == row.network
    weights = pick("weights", row.weights if named else None)
    if weights is not None or (network and _is_foreign(network)):
        # Imported here, because few runs need it.
        from trainers.flags import networks

        network = networks.network(network)
        weights = networks.weights(weights)
    width = pick("width", row.width if named else None)
    training = row.training | {
        "network": network,
        "width": width,
        "weights": weights,
        "steps_per_epoch": pick("steps_per_epoch", row.steps_per_epoch),
        "batch_size": pick("batch_size", row.batch_size),
        "learning_rate": pick("learning_rate", row.learning_rate),
        "learning_rate_drops": drops,
        "restart_steps": restarts,
        "rate_warmup_epochs": rising,
        "optimizer": pick("optimizer", row.optimizer_name),
        "weight_decay": pick("weight_decay", row.weight_decay),
        "seed": values["seed"],
        "mixed_precision": values["mixed_precision"],
        "jit_compile": values["jit_compile"],
    }
    if any(values.get(name) is not None for name in FINE_TUNING):
        # Imported here, because few runs need it.
        from trainers.flags import fine_tuning

        training = fine_tuning.resolve(training, values, pick)
    for name, least in (("learning_rate", 0.0), ("weight_decay", -1e-12)):
        if not training[name] > least:
            raise UsageError(
                f"--{name}: expected a positive number; got {training[name]}"
            )
    if rising is not None and rising >= row.epochs:
        raise UsageError(
            "--warmup_epochs: expected less than the number of epochs, "
            f"{row.epochs}; got {rising}"
        )
    return training


def _backbone(key, dataset, values):
    """The frozen backbone of a run, or None."""
    if values.get("frozen_backbone") is None:
        return None
    # Imported here, because few runs need it.
    from trainers.flags import fine_tuning

    return fine_tuning.backbone(key, dataset, values)


def _is_foreign(network):
    """Whether a network is not one of this package by its name."""
    return ":" in network or network.endswith(".keras")


def _size_for(network):
    """The size of the images that a network was trained on, or None."""
    if not _is_foreign(network) and network != "efficientnet_lite0":
        return None
    from trainers.flags import networks

    return networks.image_size(network)


def _trusted(row, dataset, noise, values, pick):
    """The settings of the trusted set, all None for methods without."""
    if row.trusted is None and "trusted" not in values:
        return dict.fromkeys(("trusted", "trusted_csv", "trusted_total"))
    # Imported here: other methods do not need it.
    from trainers.flags import trusted

    for name in trusted.WHICH:
        pick(name, None)
    return trusted.resolve(row.trusted, dataset, noise, values)


def as_epochs(flag, values):
    """Epoch indices from the value of a flag.

    Args:
        flag: str, name of the flag.
        values: list of str or int.

    Returns:
        tuple of int.

    Raises:
        UsageError: other values.
    """
    try:
        epochs = tuple(int(v) for v in values)
    except ValueError:
        epochs = (-1,)
    if min(epochs, default=0) < 0:
        raise UsageError(
            f"--{flag}: expected epoch indices such as 150,250; "
            f"got {','.join(map(str, values))}"
        )
    return epochs


def require_within_run(resolved, name):
    """Raises unless an epoch that an argument names is within the run.

    Args:
        resolved: `Settings`.
        name: str, name of the method's argument, and of its flag.

    Raises:
        UsageError: it is later.
    """
    value, epochs = resolved.arguments[name], resolved.training["epochs"]
    if value > epochs:
        raise UsageError(
            f"--{name}: expected at most the number of epochs, {epochs}; "
            f"got {value}"
        )


def _given(values):
    return {k: v for k, v in (values or {}).items() if v is not None}


def _check_preset(name):
    try:
        presets.check_name(name)
    except UsageError as error:
        raise UsageError(f"--preset: {error}") from None


def _check_no_drops(values, why):
    drops = values["learning_rate_drops"]
    if drops is not None:
        raise UsageError(
            f"--learning_rate_drops: expected none, as {why}; got "
            f"{','.join(map(str, drops))}"
        )


def _check_warmup(row, arguments):
    warmup = arguments.get("warmup_epochs", 0)
    if warmup == "auto":
        return
    if not row.phased and warmup > row.epochs:
        raise UsageError(
            "--warmup_epochs: expected at most the number of epochs, "
            f"{row.epochs}; got {warmup}"
        )


def _audits(paths):
    """Absolute paths of edited audits: a list, or None."""
    if paths is None:
        return None
    if not paths or not all(paths):
        raise UsageError("--audit: expected CSV files of edited audits; got ''")
    for path in paths:
        require_file("audit", path, "the CSV file of an edited audit")
    return [
        path if "://" in path else os.path.abspath(os.path.expanduser(path))
        for path in paths
    ]


def _imbalance(method, values):
    """Arguments from the flags for classes of different sizes."""
    if all(values.get(name) is None for name in IMBALANCE):
        return {}
    # Imported here, because few runs need it.
    from trainers.flags import imbalance

    return imbalance.arguments(method, values)


def _check_seeds(values):
    for name in ("seed", "noise_seed"):
        if not 0 <= values[name] < 2**32:
            raise UsageError(
                f"--{name}: expected an integer in [0, 2^32); "
                f"got {values[name]}"
            )
