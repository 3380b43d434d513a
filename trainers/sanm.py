"""SANM, from the command line: adversarial noisy masking on a host.

python -m trainers.sanm                      # digits, no download
python -m trainers.sanm --dataset=cifar10 --noise_rate=0.8
Published on DivideMix: 94.6 % best, 94.3 % mean of the last ten epochs.
"""

import sys

from absl import flags

from trainers import UsageError
from trainers import run
from trainers.flags import common
from trainers.flags import settings

METHOD = "sanm"

_PLUGIN = (
    "masking",
    "label_regularization",
    "reconstruction",
    "activation",
    "box",
    "ratio",
    "masked_copies",
    "decoder",
    "decoder_gradient",
    "reconstruction_weight",
    "extra_view",
    "extra_views",
)

common.define_common(METHOD)
common.define_dividemix()
flags.DEFINE_enum(
    "host",
    "dividemix",
    ["dividemix", "ce"],
    "Method that SANM is combined with; ce: cross-entropy.",
)
flags.DEFINE_bool("masking", None, "Adversarial masking (AMG).")
flags.DEFINE_bool(
    "label_regularization", None, "Noisy-label regularisation (NLR)."
)
flags.DEFINE_bool(
    "reconstruction", None, "Self-supervised reconstruction (SMR)."
)
flags.DEFINE_enum(
    "activation", None, ["cam", "energy"], "Map whose peak is masked."
)
flags.DEFINE_string(
    "mask_network",
    None,
    "Trained network whose map is masked by, in place of that of the one in "
    "training: efficientnet_lite0, keras:NAME or FILE.keras.",
)
flags.DEFINE_enum(
    "box",
    None,
    ["center", "corner"],
    "Whether the peak is the centre or the corner of the masked box.",
)
flags.DEFINE_enum(
    "ratio", None, ["code", "paper", "poster"], "Rule of the masked ratio."
)
flags.DEFINE_float(
    "mask_ratio", None, "mu of --ratio=paper, which it implies; in [0, 1)."
)
flags.DEFINE_integer(
    "masked_copies",
    None,
    "Masked copies per image: 1 or 2.",
    lower_bound=1,
    upper_bound=2,
)
flags.DEFINE_enum(
    "decoder", None, ["generic", "official"], "Decoder of the reconstruction."
)
flags.DEFINE_enum(
    "decoder_gradient",
    None,
    ["full", "weighted"],
    "Whether the decoder's gradient is that of the reconstruction error, or "
    "beta times it.",
)
flags.DEFINE_float("reconstruction_weight", None, "beta.", lower_bound=0.0)
flags.DEFINE_enum(
    "extra_view",
    None,
    ["weak", "autoaugment", "randaugment"],
    "Further view that DivideMix trains on beside its own.",
)
flags.DEFINE_integer(
    "extra_views", None, "Number of these views.", lower_bound=0
)


def resolve(method, values):
    """Settings from flags."""
    on_dividemix = values["host"] == "dividemix"
    plugin = {name: values[name] for name in _PLUGIN}
    if values["mask_ratio"] is not None:
        if values["ratio"] not in (None, "paper"):
            raise UsageError(
                "--mask_ratio: expected with --ratio=paper alone; "
                f"got --ratio={values['ratio']}"
            )
        plugin |= {"ratio": "paper", "base_ratio": values["mask_ratio"]}
    if values["mask_network"] is not None:
        if values["masking"] is False:
            raise UsageError(
                "--mask_network: expected with masking; got --nomasking"
            )
        # Imported here, because few runs need it.
        from trainers.flags import networks

        plugin["mask_network"] = networks.mask_network(values["mask_network"])
    arguments = common.dividemix(values)
    if not on_dividemix:
        given = [n for n, v in arguments.items() if v is not None]
        wrong = [n for n in given if n != "warmup_epochs"]
        if wrong:
            raise UsageError(
                f"--{wrong[0]}: expected with --host=dividemix alone; "
                "got --host=ce"
            )
    resolved = settings.resolve(
        method,
        values,
        preset_key=f"{method}/{values['host']}",
        arguments=arguments,
        plugin_arguments=plugin,
    )
    resolved.arguments.update(host=values["host"], preset=values["preset"])
    return resolved


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.SANM(
        network,
        source,
        plugin=settings.plugin_arguments,
        **settings.arguments,
    )


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
