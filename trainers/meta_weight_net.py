"""Meta-Weight-Net, from the command line: weights as a function of the loss.

python -m trainers.meta_weight_net --dataset=cifar10 --noise_rate=0.4
Published: 73.7 % on Clothing1M (ResNet-50).
"""

import sys

from absl import flags

from trainers import run
from trainers.flags import common
from trainers.flags import settings
from trainers.flags import trusted

METHOD = "meta_weight_net"
_OWN = ("normalized", *trusted.META_LEARNER)

common.define_common(METHOD)
trusted.define()
trusted.define_meta_learner()
flags.DEFINE_bool(
    "normalized",
    None,
    "Whether the weights of a batch are divided by their mean, so that they "
    "cannot all rise together.",
)


def resolve(method, values):
    """Settings from flags."""
    own = {name: values[name] for name in _OWN}
    return settings.resolve(method, values, arguments=own)


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.MetaWeightNet(network, source.num_samples, **settings.arguments)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
