"""C2D, from the command line: features without labels, then DivideMix.

python -m trainers.c2d                       # digits, no download
python -m trainers.c2d --dataset=cifar10 --noise_rate=0.9
Published, by the authors of DMLP: 93.5 % best, 93.4 % last.
"""

import sys

from trainers import UsageError
from trainers import run
from trainers.flags import common
from trainers.flags import recipes
from trainers.flags import trusted

METHOD = "c2d"

common.define_common(METHOD)
trusted.define()
recipes.define(
    "dividemix",
    "encoder",
    "Network that the host starts from: the folder of a run of "
    "trainers.simclr or trainers.moco, or a .keras file of such a network.",
)


def resolve(method, values):
    """Settings from flags."""
    for name in trusted.WHICH:
        if (
            values[name] is not None
            and values["host"] not in recipes.TRUSTED_HOSTS
        ):
            raise UsageError(
                f"--{name}: expected with --host="
                f"{'|'.join(recipes.TRUSTED_HOSTS)} alone; got --host="
                f"{values['host']}"
            )
    if values["encoder"] is None:
        return recipes.resolve(method, values)
    for name in ("network", "width", "weights"):
        if values[name] is not None:
            raise UsageError(
                f"--{name}: expected none beside --encoder, which is the "
                f"network; got {values[name]}"
            )
    encoder = recipes.encoder_file("encoder", values["encoder"], [".keras"])
    if values["image_size"] is None:
        size = recipes.of_run(encoder).get("image_size")
        values = values | {"image_size": size}
    resolved = recipes.resolve(method, values, encoder)
    resolved.arguments["encoder"] = encoder
    # It comes with the encoder.
    resolved.training.update({"network": None, "width": None})
    return resolved


def build(network, source, settings):
    """The recipe of a run."""
    import keras

    import noisy_keras as nk
    from noisy_keras.features import encoder_files

    options = dict(settings.arguments)
    encoder = options.pop("encoder", None)
    if encoder is not None:
        network = nk.networks.warm_started(
            encoder_files.load(encoder),
            source.num_classes,
            dtype_policy=keras.config.dtype_policy().name,
        )
    return nk.C2D(network, source, **options)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
