"""What `--help` prints: the flags of a command, with what its preset decides.

It is loaded for `--help` alone, and loads no TensorFlow.
"""

import os
import sys

from absl import flags

from trainers import UsageError

# Flags whose value is kept under another name than their own: the parts of
# `Settings` that lead to it.
_ELSEWHERE = {
    "encoder": ("host", "encoder"),
    "learning_rate_drops": ("host", "drops"),
    "mask_ratio": ("plugin", "base_ratio"),
    "pretrain_batch_size": ("host", "pretraining", "batch_size"),
    "pretrain_epochs": ("host", "pretrain_epochs"),
    "pretrain_learning_rate": ("host", "pretraining", "learning_rate"),
    "warmup_epochs": ("training", "rate_warmup_epochs"),
}
# Where the others are looked for, in this order: a recipe's epochs are those
# of its last phase, `training` has the sum of all.
_PLACES = (
    ("host", "host_options"),
    ("host",),
    ("host", "plugin"),
    ("plugin",),
    ("training",),
    ("data",),
)


def show(settings=None):
    """Prints the help of the command that runs.

    Args:
        settings: function without arguments that returns the `Settings` of the
            flags given, for commands that have presets; or None.
    """
    lines = [sys.modules["__main__"].__doc__ or ""]
    if settings is not None:
        try:
            resolved = settings()
        except UsageError as error:
            lines.append(f"Values of the preset are not shown: {error}\n")
        else:
            lines.append(_preset(resolved))
            _show_defaults(resolved)
    # Without the path of the module, which is the heading.
    _, _, listed = flags.FLAGS.main_module_help().strip().partition("\n")
    lines += ["Flags:", listed, "", "--helpfull lists those of all modules."]
    try:
        print("\n".join(lines), flush=True)
    except BrokenPipeError:  # The reader of a pipe has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _preset(settings):
    data = settings.data
    message = f"{data['dataset']}, {data['noise_type']} noise"
    if data["noise_rate"]:
        message += f" of rate {data['noise_rate']:g}"
    return (
        f"Preset for {message}: {settings.preset}.\n"
        "Beside each flag that it decides stands its value, for the other "
        "flags given.\n"
    )


def _show_defaults(settings):
    """Gives flags that were left out the default that a preset decides."""
    values = settings.as_dict()
    for name in flags.FLAGS:
        flag = flags.FLAGS[name]
        if flag.value is not None:
            continue
        value, place = _found(values, name)
        if value is None or value == () or value == []:
            continue
        origin = "from the preset"
        if flags.FLAGS.config is not None:
            origin = f"from {flags.FLAGS.config}"
        elif place == "data":
            origin = f"for {settings.data['dataset']}"
        flag.default_as_str = f"{_text(value)}, {origin}"


def _found(values, name):
    """The value of a flag in settings, and the part of them that it is in."""
    places = [(*place, name) for place in _PLACES]
    if name in _ELSEWHERE:
        places.append(_ELSEWHERE[name])
    for place in places:
        value = values
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None and not isinstance(value, dict):
            return value, place[0]
    return None, None


def _text(value):
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
