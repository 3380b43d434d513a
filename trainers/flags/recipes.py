"""The flags of recipes that end with a host: DMLP and C2D."""

import dataclasses
import json
import os

from absl import flags

from trainers import UsageError
from trainers.flags import common
from trainers.flags import pseudo_labels
from trainers.flags import settings
from trainers.presets.shared import recipes as recipe_presets

#: Hosts by the names of their commands.
HOSTS = recipe_presets.HOSTS
#: Those of them that learn from the labels of all samples.
LABEL_HOSTS = tuple(h for h in HOSTS if h != "eg")
#: Those of them that learn with a trusted set.
TRUSTED_HOSTS = ("ieg", "eg", "l2r", "meta_weight_net", "mlc", "mslc")

_ENCODER = "encoder.keras"
# Hosts that some flags are for.
_WITH_DIVISION = ("dividemix", "sanm")
_WITH_TWO_VIEWS = ("ieg", "eg")


def define(host, encoder, text, hosts=HOSTS):
    """Defines the flags of the host and of the phase before it.

    Args:
        host: str, default of `--host`.
        encoder: str, name of the flag for the source of features.
        text: str, help of that flag.
        hosts: names that `--host` may have.
    """
    flags.DEFINE_enum(
        "host",
        host,
        hosts,
        "The method of the last phase; cross_entropy is plain training.",
    )
    common.define_dividemix()
    pseudo_labels.define_shared()
    pseudo_labels.define_meta()
    flags.DEFINE_string(
        encoder, None, f"{text} Left out: SimCLR learns one first."
    )
    flags.DEFINE_integer(
        "pretrain_epochs", None, "Epochs of SimCLR.", lower_bound=1
    )
    flags.DEFINE_integer(
        "pretrain_batch_size", None, "Batch size of SimCLR.", lower_bound=2
    )
    flags.DEFINE_float(
        "pretrain_learning_rate", None, "Highest learning rate of SimCLR."
    )
    flags.DEFINE_integer(
        "knn_every",
        5,
        "Epochs between measurements of the accuracy of nearest neighbours.",
        lower_bound=1,
    )


def resolve(method, values, encoder=None):
    """Resolves flags into the settings of a recipe.

    Args:
        method: str, `"dmlp"` or `"c2d"`.
        values: dict of all flags by name; None where left out.
        encoder: str, value of the flag for the source of features, or None.

    Returns:
        `Settings`, whose `arguments` are those of the recipe; the host's are
        among them, as `host_options`.

    Raises:
        UsageError: flags that do not go together.
    """
    host = values["host"]
    resolved = settings.resolve(
        method,
        values,
        preset_key=f"{method}/{host}",
        arguments=_host_arguments(host, values),
    )
    options = dict(pseudo_labels.arguments(resolved.arguments))
    if host == "sanm":
        options["preset"] = values["preset"]
        options["plugin"] = resolved.plugin_arguments
    training = resolved.training
    recipe = {
        "host": host,
        "host_options": options,
        "epochs": training["epochs"],
        "drops": training["learning_rate_drops"],
        "pretrain_epochs": 0,
    }
    source, replaced = resolved.preset, list(resolved.replaced)
    given = _pretraining(values, encoder, replaced)
    if encoder is None:
        origin, epochs, chosen = recipe_presets.pretraining(
            values["dataset"], values["preset"], **given
        )
        recipe |= {"pretrain_epochs": epochs, "pretraining": chosen}
        training = training | {"epochs": training["epochs"] + epochs}
        source = f"{source}; features: {origin}"
    return dataclasses.replace(
        resolved,
        preset=source,
        replaced=tuple(replaced),
        arguments=recipe,
        plugin_arguments={},
        training=training,
    )


def _host_arguments(host, values):
    """The host's arguments from flags that not all hosts take."""
    hosts_of = {
        **dict.fromkeys(common.DIVIDEMIX, _WITH_DIVISION),
        **dict.fromkeys(pseudo_labels.SHARED, _WITH_TWO_VIEWS),
        **dict.fromkeys(pseudo_labels.META, ("ieg",)),
        "unlabeled_weight": _WITH_DIVISION + _WITH_TWO_VIEWS,
    }
    for name, hosts in hosts_of.items():
        if values[name] is not None and host not in hosts:
            raise UsageError(
                f"--{name}: expected with --host={'|'.join(hosts)} alone; "
                f"got --host={host}"
            )
    return {
        name: values[name] for name, hosts in hosts_of.items() if host in hosts
    }


def _pretraining(values, encoder, replaced):
    """The flags of the phase that learns features; adds them to `replaced`."""
    found = {
        name: values[f"pretrain_{name}"]
        for name in ("epochs", "batch_size", "learning_rate")
    }
    given = [f"pretrain_{name}" for name, v in found.items() if v is not None]
    if given and encoder is not None:
        raise UsageError(
            f"--{given[0]}: expected none where features are there already; "
            f"got {values[given[0]]} beside {encoder!r}"
        )
    replaced += given
    rate = found["learning_rate"]
    if rate is not None and not rate > 0.0:
        raise UsageError(
            f"--pretrain_learning_rate: expected a positive number; got {rate}"
        )
    return found


def encoder_file(flag, path, kinds):
    """The file of an encoder or of features, checked before TensorFlow loads.

    Args:
        flag: str, name of the flag.
        path: str, value of the flag: a file, or the folder of a run of
            `trainers.simclr` or `trainers.moco`, or of a SavedModel.
        kinds: endings that a file may have; `""` for a SavedModel's folder.

    Returns:
        str, the path; of a run, that of its encoder.

    Raises:
        UsageError: there is no such file.
    """
    path = os.path.expanduser(path)
    inside = os.path.join(path, _ENCODER)
    if os.path.isfile(inside):
        return inside
    model = os.path.isfile(os.path.join(path, "saved_model.pb"))
    if os.path.isdir(path) and model and "" in kinds:
        return path
    ends = [kind for kind in kinds if kind]
    if os.path.isfile(path) and path.endswith(tuple(ends)):
        return path
    found = "is not there"
    if os.path.isdir(path):
        found = f"is a folder without {_ENCODER}; a run that was interrupted "
        found += "goes on when it is started again"
    elif os.path.isfile(path):
        found = "is another file"
    what = [f"a {kind} file" for kind in ends]
    what += ["the folder of a SavedModel"] if "" in kinds else []
    raise UsageError(
        f"--{flag}: expected the folder of a finished run of trainers.simclr "
        f"or trainers.moco, or {', or '.join(what)}; got {path!r}, which "
        f"{found}"
    )


def of_run(path):
    """The settings of the run that an encoder is from.

    Args:
        path: str, as `encoder_file` returns it.

    Returns:
        dict of `dataset`, `image_size`, `network` and `width`; empty for
        files that are not of a run.
    """
    config = os.path.join(os.path.dirname(path), "config.json")
    if os.path.basename(path) != _ENCODER or not os.path.isfile(config):
        return {}
    try:
        with open(config, encoding="utf-8") as stream:
            kept = json.load(stream)["settings"]
        data, training = kept["data"], kept["training"]
        return {
            **{name: data[name] for name in ("dataset", "image_size")},
            **{name: training[name] for name in ("network", "width")},
        }
    except (KeyError, OSError, TypeError, ValueError):
        return {}
