"""From flags to the settings of a run: presets, overrides, checks."""

import dataclasses
import os

from trainers import UsageError
from trainers.flags import contrastive as contrastive_flags
from trainers.flags import data as data_flags
from trainers.flags import require_file
from trainers.flags import trusted as trusted_flags
from trainers.presets import lookup as presets
from trainers.presets import phases as phase_presets


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that decides the outcome of a run.

    Attributes:
        method: name of the trainer.
        preset: the row's source, as printed.
        replaced: names of the flags that replaced parts of the row.
        data: data set, noise, split.
        training: network, epochs, batch, optimizer, seed, precision.
        host: arguments of the method.
        plugin: arguments of its plug-in.
    """

    method: str
    preset: str
    replaced: tuple
    data: dict
    training: dict
    host: dict
    plugin: dict

    def as_dict(self):
        """As JSON holds it."""
        return dataclasses.asdict(self) | {"replaced": list(self.replaced)}


def resolve(method, values, preset_key=None, host=None, plugin=None):
    """Resolves flags into settings.

    Args:
        method: name of the trainer.
        values: dict of all flags by name; None where left out.
        preset_key: row of the presets; default: `method`.
        host: dict of the method's own flags; None values are left out.
        plugin: dict of its plug-in's flags; None values are left out.

    Returns:
        `Settings`.

    Raises:
        UsageError: an unknown name, a number out of range.
    """
    dataset = values["dataset"]
    data_flags.check(dataset)
    noise = data_flags.noise_settings(dataset, values)
    row = presets.preset(
        preset_key or method,
        dataset,
        noise["noise_type"],
        noise["noise_rate"],
        values["preset"],
    )
    replaced = []

    def pick(flag, default):
        # Some flags are of some trainers alone.
        if values.get(flag) is None:
            return default
        replaced.append(flag)
        return values[flag]

    epochs = pick("epochs", row.epochs)
    scale = min(1.0, epochs / row.epochs)
    drops = tuple(round(d * epochs / row.epochs) for d in row.drops)
    drops = as_epochs("learning_rate_drops", pick("learning_rate_drops", drops))
    # 0 does without.
    restarts = pick("restart_steps", row.restarts) or None
    if restarts is not None:
        trusted_flags.check_no_drops(values["learning_rate_drops"])
        drops = ()
    rate_warmup = row.rate_warmup
    if rate_warmup is not None:
        contrastive_flags.check_no_drops(values["learning_rate_drops"])
        shrunk = min(round(rate_warmup * scale), epochs - 1)
        rate_warmup = pick("warmup_epochs", shrunk)
    network = pick("network", row.network)
    # A width belongs to the network that the row names.
    width = pick("width", row.width if network == row.network else None)
    training = {
        "network": network,
        "width": width,
        "epochs": epochs,
        "steps_per_epoch": values["steps_per_epoch"],
        "batch_size": pick("batch_size", row.batch_size),
        "learning_rate": pick("learning_rate", row.learning_rate),
        "learning_rate_drops": drops,
        "restart_steps": restarts,
        "rate_warmup_epochs": rate_warmup,
        "optimizer": pick("optimizer", row.optimizer),
        "weight_decay": pick("weight_decay", row.weight_decay),
        "seed": values["seed"],
        "mixed_precision": values["mixed_precision"],
        "jit_compile": values["jit_compile"],
    }
    for name, least in (("learning_rate", 0.0), ("weight_decay", -1e-12)):
        if not training[name] > least:
            raise UsageError(
                f"--{name}: expected a positive number; got {training[name]}"
            )
    if rate_warmup is not None and rate_warmup >= epochs:
        raise UsageError(
            "--warmup_epochs: expected less than the number of epochs, "
            f"{epochs}; got {rate_warmup}"
        )
    image_size = pick("image_size", row.image_size)
    trusted = trusted_flags.resolve(
        row.trusted,
        dataset,
        noise,
        pick("trusted", None),
        pick("trusted_csv", None),
        values.get("trusted_total"),
    )
    _check_seeds(values)
    own_host = {k: v for k, v in (host or {}).items() if v is not None}
    own_plugin = {k: v for k, v in (plugin or {}).items() if v is not None}
    replaced += [*own_host, *own_plugin]
    counted = phase_presets.counted(row, epochs, own_host)
    host = row.host | counted | own_host
    if row.warmup is not None and "warmup_epochs" not in own_host:
        host["warmup_epochs"] = max(1, round(row.warmup * scale))
    phased = "ssl_epochs" in row.counted
    if not phased and host.get("warmup_epochs", 0) > epochs:
        raise UsageError(
            "--warmup_epochs: expected at most the number of epochs, "
            f"{epochs}; got {host['warmup_epochs']}"
        )
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
            **trusted,
            **noise,
        },
        training=training,
        host=host,
        plugin=row.plugin | own_plugin,
    )


def as_epochs(flag, values):
    """Epoch indices from what a flag holds: a tuple of ints."""
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
    """Raises unless epochs that are counted from the start are in a run.

    Args:
        resolved: `Settings`.
        name: of the argument of the method, and of its flag.

    Raises:
        UsageError: there are more.
    """
    told, epochs = resolved.host[name], resolved.training["epochs"]
    if told > epochs:
        raise UsageError(
            f"--{name}: expected at most the number of epochs, {epochs}; "
            f"got {told}"
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


def _check_seeds(values):
    for name in ("seed", "noise_seed"):
        if not 0 <= values[name] < 2**32:
            raise UsageError(
                f"--{name}: expected an integer in [0, 2^32); "
                f"got {values[name]}"
            )
