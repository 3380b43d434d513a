"""ELR, from the command line: early predictions keep labels from memorisation.

python -m trainers.elr --dataset=cifar10 --noise_rate=0.4
Published on CIFAR-10N: 93.0 % (aggregate labels), 87.9 % (worst labels).
"""

import sys

from absl import flags

from trainers import run
from trainers.flags import common
from trainers.flags import settings

METHOD = "elr"
_OWN = ("target_decay", "regularization_weight", "view")

common.define_common(METHOD)
common.define_view()
flags.DEFINE_float(
    "target_decay",
    None,
    "Share in [0, 1) that a new prediction leaves of a sample's target: beta.",
)
flags.DEFINE_float(
    "regularization_weight",
    None,
    "Weight of the term that rewards agreement with the targets: lambda.",
    lower_bound=0.0,
)


def resolve(method, values):
    """Settings from flags."""
    own = {name: values[name] for name in _OWN}
    return settings.resolve(method, values, arguments=own)


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.ELR(network, source, **settings.arguments)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
