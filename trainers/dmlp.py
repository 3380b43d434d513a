"""DMLP, from the command line: labels purified with a few trusted samples.

python -m trainers.dmlp                      # digits, no download
python -m trainers.dmlp --dataset=cifar10 --trusted_total=1000 --host=dividemix
Published for 80 % noise, on features of a ResNet-50: 94.5 % best, 94.3 % last.
`python -m export --labels` writes the run's purified labels.
"""

import dataclasses
import sys

from absl import flags

from trainers import UsageError
from trainers import run
from trainers.flags import common
from trainers.flags import recipes
from trainers.flags import trusted

METHOD = "dmlp"
_PURIFIER = {
    "purifier_epochs": "epochs",
    "purifier_batch_size": "batch_size",
    "ridge": "ridge",
    "form": "form",
    "prior": "prior",
    "substitute_every": "substitute_every",
    "substitution_rate": "substitution_rate",
}
# Flags that no other command has.
_OWN = (*_PURIFIER, "soft_labels", "warm_start")
_KINDS = (".keras", ".npy", "")

common.define_common(METHOD)
trusted.define()
recipes.define(
    "cross_entropy",
    "features",
    "Source of the features that labels are purified on: the folder of a run "
    "of trainers.simclr or trainers.moco; a .keras file or a SavedModel's "
    "folder, which gets the pixels of the pictures (0 to 255, unless its own "
    "layers change them); or an .npy file with the features themselves, a row "
    "for each sample of the training split in its order, before any is "
    "trusted, held out or left out by --max_train_samples.",
    recipes.LABEL_HOSTS,
)
# DMLP's paper calls the trusted samples its validation set.
flags.DEFINE_alias("validation_csv", "trusted_csv")
# Deprecated: in version 0.1.0 --validation was the number of trusted samples.
flags.DEFINE_alias("held_out", "validation")
flags.DEFINE_integer(
    "purifier_epochs", None, "Epochs of purification, at most.", lower_bound=1
)
flags.DEFINE_integer(
    "purifier_batch_size",
    None,
    "Samples in each fixed batch of purification.",
    lower_bound=1,
)
flags.DEFINE_float(
    "ridge",
    None,
    "Ridge penalty of the linear classifiers, relative to the features.",
    lower_bound=0.0,
)
flags.DEFINE_enum(
    "form", None, ["code", "paper"], "Loss on the trusted samples."
)
flags.DEFINE_enum(
    "prior",
    None,
    ["uniform", "validation", "estimated"],
    "Class frequencies: all alike, as among the trusted samples "
    "(validation), or as estimated.",
)
flags.DEFINE_integer(
    "substitute_every",
    None,
    "T: epochs of purification between substitutions; 0: none.",
    lower_bound=0,
)
flags.DEFINE_float(
    "substitution_rate",
    None,
    "eta_E in (0, 1], how far a substitution moves the labels.",
)
flags.DEFINE_bool(
    "soft_labels",
    None,
    "Whether the host learns from distributions, not from the most likely "
    "classes.",
)
flags.DEFINE_bool(
    "warm_start",
    None,
    "Whether the host starts from SimCLR's encoder, as in C2D.",
)


def resolve(method, values):
    """Settings from flags."""
    given = [name for name in _OWN if values[name] is not None]
    features = values["features"]
    if features is not None:
        features = recipes.encoder_file("features", features, _KINDS)
    if values["image_size"] is None and features is not None:
        size = recipes.of_run(features).get("image_size")
        values = values | {"image_size": size}
    resolved = recipes.resolve(method, values, features)
    resolved.arguments["purifier"] = {
        "preset": values["preset"],
        "seed": values["seed"],
        **{
            name: values[flag]
            for flag, name in _PURIFIER.items()
            if values[flag] is not None
        },
    }
    resolved.arguments["features"] = features
    for name in ("soft_labels", "warm_start"):
        if values[name] is not None:
            resolved.arguments[name] = values[name]
    if values["warm_start"] and features is not None:
        raise UsageError(
            "--warm_start: expected without --features, where SimCLR learns "
            f"here; got --features={values['features']}; trainers.c2d starts "
            "from an encoder"
        )
    before = [name for name in resolved.replaced if name not in given]
    return dataclasses.replace(resolved, replaced=(*before, *given))


def build(network, source, settings):
    """The recipe of a run."""
    import noisy_keras as nk

    options = dict(settings.arguments)
    features = options.pop("features")
    if features is not None and not features.endswith(".npy"):
        options["encoder"] = features
    options["purifier"] = nk.LabelPurifier(**options["purifier"])
    return nk.DMLP(network, source, **options)


def _explain_validation():
    """Prints what --validation means to those who may know it from 0.1.0."""
    found = flags.FLAGS
    if found["held_out"].present:
        print(
            "warning: --held_out is deprecated: --validation means the same",
            file=sys.stderr,
        )
    elif found["validation"].present and not any(
        found[name].present for name in trusted.WHICH
    ):
        print(
            "--validation: samples held out to judge the model by; the number "
            "of trusted samples is --trusted_total"
        )


def main(argv):
    _explain_validation()
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
