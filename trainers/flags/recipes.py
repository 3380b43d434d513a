"""The flags of recipes that end with a host: DMLP and C2D."""

import dataclasses
import json
import os

from absl import flags

from trainers import UsageError
from trainers.flags import common
from trainers.flags import pseudo_labels as pseudo_label_flags
from trainers.flags import settings as settings_module
from trainers.presets.shared import recipes as recipe_presets

#: Hosts by the names of their commands.
HOSTS = recipe_presets.HOSTS
#: Those of them that learn from the labels of all samples.
LABEL_HOSTS = tuple(h for h in HOSTS if h != "eg")
#: Those of them that learn with a trusted set.
TRUSTED_HOSTS = ("ieg", "eg", "l2r", "meta_weight_net", "mlc", "mslc")

_ENCODER = "encoder.keras"
# Flags that not all hosts know.
_WITH_DIVISION = ("dividemix", "sanm")
_GUESSING = ("ieg", "eg")


def define(host, encoder, text, hosts=HOSTS):
    """Defines the flags of the host and of the phase before it.

    Args:
        host: that is taken where the flag is left out.
        encoder: name of the flag that says where features come from.
        text: what it takes.
        hosts: names that may be given.
    """
    flags.DEFINE_enum(
        "host",
        host,
        hosts,
        "The method that is trained at last; cross_entropy is plain training.",
    )
    common.define_dividemix()
    pseudo_label_flags.define_shared()
    pseudo_label_flags.define_meta()
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
        "pretrain_learning_rate", None, "Highest rate of SimCLR."
    )
    flags.DEFINE_integer(
        "knn_every",
        5,
        "Epochs between measurements of the accuracy of nearest neighbours.",
        lower_bound=1,
    )


def resolve(method, values, encoder=None):
    """Settings from flags.

    Args:
        method: one of `recipe_presets.METHODS`.
        values: dict of all flags by name; None where left out.
        encoder: value of the flag that says where features come from.

    Returns:
        `Settings`, whose `host` part has the recipe's arguments.

    Raises:
        UsageError: flags that do not go together.
    """
    host = values["host"]
    options = _told_to(host, values)
    resolved = settings_module.resolve(
        method, values, preset_key=f"{method}/{host}", arguments=options
    )
    options = dict(pseudo_label_flags.arguments(resolved.arguments))
    if host == "sanm":
        options |= {
            "preset": values["preset"],
            "plugin": resolved.plugin_arguments,
        }
    training = resolved.training
    recipe = {
        "host": host,
        "host_options": options,
        "epochs": training["epochs"],
        "drops": training["learning_rate_drops"],
        "pretrain_epochs": 0,
    }
    source, replaced = resolved.preset, list(resolved.replaced)
    before = _pretraining(values, encoder, replaced)
    if encoder is None:
        origin, epochs, chosen = recipe_presets.pretraining(
            values["dataset"], values["preset"], **before
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


def _told_to(host, values):
    """The host's arguments from flags that not all hosts know."""
    known = {
        **dict.fromkeys(common.DIVIDEMIX, _WITH_DIVISION),
        **dict.fromkeys(pseudo_label_flags.SHARED, _GUESSING),
        **dict.fromkeys(pseudo_label_flags.META, ("ieg",)),
        "unlabeled_weight": _WITH_DIVISION + _GUESSING,
    }
    for name, hosts in known.items():
        if values[name] is not None and host not in hosts:
            raise UsageError(
                f"--{name}: expected with --host={'|'.join(hosts)} alone; "
                f"got --host={host}"
            )
    return {
        name: values[name] for name, hosts in known.items() if host in hosts
    }


def _pretraining(values, encoder, replaced):
    told = {
        name: values[f"pretrain_{name}"]
        for name in ("epochs", "batch_size", "learning_rate")
    }
    given = [f"pretrain_{n}" for n, value in told.items() if value is not None]
    if given and encoder is not None:
        raise UsageError(
            f"--{given[0]}: expected none where features are there already; "
            f"got {values[given[0]]} beside {encoder!r}"
        )
    replaced += given
    rate = told["learning_rate"]
    if rate is not None and not rate > 0.0:
        raise UsageError(
            f"--pretrain_learning_rate: expected a positive number; got {rate}"
        )
    return told


def encoder_file(flag, path, kinds):
    """The file that a flag names, told before TensorFlow loads.

    Args:
        flag: its name.
        path: its value: a file, or the folder of a run of `trainers.simclr`
            or `trainers.moco`, or of a SavedModel.
        kinds: endings of files that will do; `""` for a SavedModel's folder.

    Returns:
        The path, that of the encoder in a run.

    Raises:
        UsageError: there is none.
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
    """What the encoder of a run was made with.

    Args:
        path: as `encoder_file` returns it.

    Returns:
        dict of `dataset`, `image_size`, `network` and `width`; empty for
        files that are of no run.
    """
    config = os.path.join(os.path.dirname(path), "config.json")
    if os.path.basename(path) != _ENCODER or not os.path.isfile(config):
        return {}
    try:
        with open(config, encoding="utf-8") as stream:
            told = json.load(stream)["settings"]
        return {
            **{name: told["data"][name] for name in ("dataset", "image_size")},
            **{name: told["training"][name] for name in ("network", "width")},
        }
    except (KeyError, OSError, TypeError, ValueError):
        return {}
