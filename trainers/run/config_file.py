"""Running a run again: its settings from `config.json`, for `--config`.

A run's settings are what its flags and its preset came to. They are taken as
they stand in the file, whatever today's presets say; a flag that is given
beside `--config` changes what it would have changed in that run. This module
loads no TensorFlow.
"""

import dataclasses
import json
import os
import re
import sys

from absl import flags

from trainers import UsageError
from trainers import presets
from trainers.flags import data as data_flags
from trainers.flags.settings import PARTS

#: Of the keys of `config.json`; files without one are of version 0.1.0.
VERSION = 1
#: The command that trains methods of a file of the user's.
OWN = "run"
#: The keys of `config.json`.
KEYS = (
    "config_version",
    "settings",
    "flags",
    "own_method",
    "method",
    "plugins",
    "trusted_samples",
    "effective_noise_rate",
    "noise",
    "samples",
    "classes",
    "versions",
    "created",
    "extended_from",
)
# Flags of a process, not of a run. Nor is the file of an own method taken from
# here: no code is loaded from a path that a file names.
_NOT_KEPT = ("config", "method", "output_dir", "resume")
_FIELDS = ("method", "preset", "replaced", *PARTS)

FLAGS = flags.FLAGS


def given_flags():
    """The flags that a run was given, for its `config.json`.

    Returns:
        dict from name to value, as JSON holds it.
    """
    return {n: FLAGS[n].value for n in sorted(_given() - set(_NOT_KEPT))}


def settings(path, method, resolve):
    """The settings of an earlier run, and what flags change in them.

    Flags that the earlier run was given, and this one not, get their values.

    Args:
        path: str, of the `config.json`.
        method: str, name of the method to run.
        resolve: function of (method, dict of the flags' values) to `Settings`.

    Returns:
        `Settings`.

    Raises:
        UsageError: no such file, or one that this command cannot use.
    """
    config = read(path)
    kept = config["settings"]
    _check_method(path, config, method)
    known = _own_flags() - set(_NOT_KEPT)
    _check_keys(path, "flags", config.get("flags", {}), known)
    given = _given()
    recorded, where = config.get("flags"), "flags"
    if recorded is None:
        recorded, where = _flags_of(kept), "settings"
    values = {n: FLAGS[n].default for n in FLAGS}
    for name, value in recorded.items():
        value = _parsed(path, name, value, where)
        values[name] = value
        if name not in given:
            FLAGS[name].value = value
            FLAGS[name].present = 1
    now = resolve(method, {n: FLAGS[n].value for n in FLAGS})
    try:
        before = resolve(method, values)
    except UsageError:
        if not given:
            raise
        # What cannot be had any more, a flag has replaced.
        before = None
    return _merged(path, kept, before, now, given)


def checked(path, build):
    """A function that builds, and names arguments that the method has not.

    Args:
        path: str, path of the `config.json` that they are from.
        build: function of (network, source, settings) to a model.

    Returns:
        A function as `build`, which raises `UsageError` for such an argument.
    """

    def checked_build(network, source, settings):
        try:
            return build(network, source, settings)
        except TypeError as error:
            found = re.search(
                r"unexpected keyword argument '(\w+)'", str(error)
            )
            for part in ("host", "plugin"):
                if found and found[1] in settings.as_dict()[part]:
                    _refuse(path, f"settings.{part}", [found[1]])
            raise

    return checked_build


def read(path):
    """The content of a `config.json`.

    Args:
        path: str.

    Returns:
        dict.

    Raises:
        UsageError: no such file, no JSON, another version, unknown keys, or
            none of those that are needed.
    """
    what = "the config.json of a run"
    file = os.path.expanduser(path)
    if not os.path.isfile(file):
        inside = os.path.join(file, "config.json")
        hint = f": give {inside}" if os.path.isfile(inside) else ""
        raise UsageError(
            f"--config: expected {what}; got {path!r}, which is no file{hint}"
        )
    try:
        with open(file, encoding="utf-8") as stream:
            config = json.load(stream)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--config: expected {what}; got {path!r}, which is not JSON "
            f"({error})"
        ) from error
    if not isinstance(config, dict):
        raise UsageError(
            f"--config: expected {what}; got {path!r}, which holds no object"
        )
    version = config.get("config_version", VERSION)
    if version != VERSION:
        made = config.get("versions")
        made = made.get("noisy_keras") if isinstance(made, dict) else None
        raise UsageError(
            f"--config: expected a config_version of {VERSION}, or none; got "
            f"{version!r} in {path}, made by noisy_keras {made or '(unknown)'}"
        )
    _check_keys(path, "", config, KEYS, ("settings",))
    _check_keys(path, "settings", config["settings"], _FIELDS, _FIELDS)
    for part in PARTS:
        _check_keys(path, f"settings.{part}", config["settings"][part])
    return config


def _check_keys(path, where, content, known=None, needed=()):
    name = where or "the file"
    if not isinstance(content, dict):
        raise UsageError(
            f"--config: expected an object as {name} of {path}; got "
            f"{json.dumps(content)}"
        )
    missing = [key for key in needed if key not in content]
    if missing:
        raise UsageError(
            f"--config: expected {', '.join(missing)} in {name} of {path}; "
            "got none"
        )
    _refuse(path, where, [k for k in content if known and k not in known])


def _refuse(path, where, unknown):
    """Raises where there are unknown keys."""
    if unknown:
        dot = f"{where}." if where else ""
        raise UsageError(
            "--config: expected keys that this version knows; got "
            f"{', '.join(f'{dot}{key}' for key in unknown)} in {path}"
        )


def _check_method(path, config, method):
    own = config.get("own_method")
    of = config["settings"]["method"]
    if own is not None and method == OWN:
        if FLAGS.method is None:
            raise UsageError(
                f"--method: expected FILE.py:Class beside --config, a run of "
                f"{of}; got none. Code is loaded only from a file that is "
                "named here"
            )
        return
    if own is None and of == method:
        return
    command = OWN if own is not None else of
    wanted = "a method of your own" if method == OWN else method
    raise UsageError(
        f"--config: expected the config of a run of {wanted}; got one of {of} "
        f"in {path}: noisy-keras {command}, or python -m trainers.{command}, "
        "takes it"
    )


def _own_flags():
    """Names of the command's flags, without those of absl."""
    return {
        flag.name
        for module, defined in FLAGS.flags_by_module_dict().items()
        if module == sys.argv[0] or module.startswith("trainers.")
        for flag in defined
    }


def _given():
    """Names of those of them that were given, some by another name."""
    return {
        name
        for name in _own_flags()
        if FLAGS[name].present or not FLAGS[name].using_default_value
    }


def _parsed(path, name, value, where):
    """The value of a flag, as the flag itself reads it."""
    if value is None:
        return None
    flag = FLAGS[name]
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, list):
        text = flag.serializer.serialize([str(item) for item in value])
    else:
        text = str(value)
    try:
        return flag.parser.parse(text)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"--config: expected a value of --{name} in {where} of {path}; "
            f"got {json.dumps(value)} ({error})"
        ) from error


def _merged(path, kept, before, now, given):
    """The settings of a file, with what flags change in them.

    Args:
        path: str, of the file.
        kept: dict, settings of the file.
        before: `Settings` of its flags today; None where they cannot be had.
        now: `Settings` of these and the flags given.
        given: set of the names of flags given.

    Returns:
        `Settings`.
    """
    new = _as_json(now)
    old = _without(new, given) if before is None else _as_json(before)
    # Before there were weights, networks had random ones.
    kept["training"].setdefault("weights", None)
    parts = {name: _changed(kept[name], old[name], new[name]) for name in PARTS}
    if kept["method"] != now.method:
        raise UsageError(
            f"--config: expected the config of a run of {now.method}; got one "
            f"of {kept['method']} in {path}"
        )
    for name in ("training", "host", "plugin"):
        for key, value in kept[name].items():
            same = value == old[name].get(key) or isinstance(value, dict)
            if key in FLAGS and not same:  # It may have been edited.
                _parsed(path, key, value, f"settings.{name}")
    for name in ("data", "training"):
        unknown = [k for k in kept[name] if k not in old[name] | new[name]]
        _refuse(path, f"settings.{name}", unknown)
        # Files of earlier versions lack what came later.
        parts[name] = new[name] | parts[name]
    replaced = [*kept["replaced"], *now.replaced]
    return dataclasses.replace(
        now,
        preset=kept["preset"],
        replaced=tuple(dict.fromkeys(replaced)),
        **{
            attribute: _with_tuples(parts[key], getattr(now, attribute))
            for key, attribute in PARTS.items()
        },
    )


def _as_json(settings):
    return json.loads(json.dumps(settings.as_dict()))


def _without(values, given):
    """The same without what flags given decide, so that these change it."""
    if not isinstance(values, dict):
        return values
    return {k: _without(v, given) for k, v in values.items() if k not in given}


def _changed(kept, old, new):
    """What was kept, changed as `new` differs from `old`: any JSON."""
    if not all(isinstance(value, dict) for value in (kept, old, new)):
        return kept if old == new else new
    changed = {}
    for key in {**kept, **new}:
        if key in kept and key in old and key in new:
            changed[key] = _changed(kept[key], old[key], new[key])
        elif key in new and (key not in old or old[key] != new[key]):
            changed[key] = new[key]
        elif key in kept and (key in new or key not in old):
            changed[key] = kept[key]
    return changed


def _with_tuples(values, like):
    """JSON as Python, with tuples where another one has them."""
    if isinstance(values, dict) and isinstance(like, dict):
        return {k: _with_tuples(v, like.get(k)) for k, v in values.items()}
    if isinstance(values, list) and isinstance(like, tuple):
        return tuple(values)
    return values


def _flags_of(kept):
    """The flags of a run of version 0.1.0, which kept its settings alone.

    Only `replaced`, its data and a few more were flags; what is missed here
    stays as it was, because the file's settings are taken.
    """
    data, training, host = kept["data"], kept["training"], kept["host"]
    options = host.get("host_options") or {}
    purifier = host.get("purifier") or {}
    pretraining = host.get("pretraining") or {}
    found = {
        **purifier,
        **{f"purifier_{k}": purifier.get(k) for k in ("epochs", "batch_size")},
        **{f"pretrain_{k}": v for k, v in pretraining.items()},
        **{k: v for k, v in training.items() if not isinstance(v, dict)},
        "warmup_epochs": training.get("rate_warmup_epochs"),
        "mask_ratio": kept["plugin"].get("base_ratio"),
        **kept["plugin"],
        **options,
        **host,
        **_trusted_flags(kept),
    }
    if "host_options" in host:
        found["learning_rate_drops"] = host.get("drops")
    if training.get("restart_steps") is None:
        found["restart_steps"] = 0
    replaced = [
        "mask_ratio" if name == "base_ratio" else name
        for name in kept["replaced"]
    ]
    always = ("seed", "steps_per_epoch", "mixed_precision", "jit_compile")
    values = {n: found.get(n) for n in (*replaced, *always, "host", "features")}
    values |= {
        n: data.get(n)
        for n in ("dataset", "max_train_samples", "audit", "max_unreadable")
    }
    values |= _noise_flags(data) | _trusted_flags(kept)
    if "encoder" in host:
        values["encoder"] = host["encoder"]
    if "released code" in kept["preset"]:
        values["preset"] = "official"
    return {n: v for n, v in values.items() if v is not None and n in FLAGS}


def _trusted_flags(kept):
    """Flags of the samples that are trusted, and held out."""
    data = kept["data"]
    names = ("trusted_csv", "trusted_total", "validation")
    values = {name: data.get(name) for name in names}
    if "trusted" in kept["replaced"]:
        values["trusted"] = data.get("trusted")
    return values


def _noise_flags(data):
    values = {n: v for n, v in data.items() if n.startswith("noise_")}
    kind = values.get("noise_type")
    if kind == presets.ESTIMATED:
        return {n: v for n, v in values.items() if n == "noise_seed"}
    if kind == "semantic" or kind in data_flags.HUMAN_LABELS:
        del values["noise_rate"]  # Known by these, and no flag of theirs.
    if values.get("noise_manifest"):
        values["noise_share"] = None
    return values
