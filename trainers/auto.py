"""Auto, from the command line: the first command for data of your own.

python -m trainers.auto                          # digits, no download
python -m trainers.auto --dataset=folder:PHOTOS  # your own pictures
It trains plainly, judges the labels, and does what they call for: in the time
that plain training takes for as many epochs.
"""

import sys

from absl import flags

from trainers import UsageError
from trainers import run
from trainers.flags import common
from trainers.flags import settings

METHOD = "auto"
_OWN = ("candidate", "plant")

common.define_common(METHOD)
flags.DEFINE_enum(
    "candidate",
    None,
    ("auto", "plain", "corrected", "gce", "dividemix", "sanm"),
    "What follows the plain part; auto: what the judgement recommends.",
)
flags.DEFINE_bool(
    "plant",
    None,
    "Whether mistakes are planted among the labels of the plain part, to see "
    "how many of them are found.",
)


def resolve(method, values):
    """Settings from flags."""
    own = {name: values[name] for name in _OWN}
    return settings.resolve(method, values, arguments=own)


def build(network, source, settings):
    """The recipe of a run."""
    import noisy_keras as nk

    training, own = settings.training, settings.arguments
    known = {
        "epochs": training["epochs"],
        "drops": training["learning_rate_drops"],
    }
    for name in known:
        if name in own:
            raise UsageError(
                f"--config: expected no `{name}` among the arguments of auto, "
                f"as it is that of the training; got {own[name]}"
            )
    return nk.Auto(network, source, **known, **own)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
