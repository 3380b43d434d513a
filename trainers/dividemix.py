"""DivideMix, from the command line.

python -m trainers.dividemix --dataset=cifar10 --noise_rate=0.8
Published: 93.2 % best, 92.9 % mean of the last ten epochs (PreAct ResNet-18).
"""

import sys

from trainers import run
from trainers.flags import common
from trainers.flags import settings

METHOD = "dividemix"
common.define_common(METHOD)
common.define_dividemix()


def resolve(method, values):
    """Settings from flags."""
    return settings.resolve(method, values, arguments=common.dividemix(values))


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.DivideMix(network, source.num_samples, **settings.arguments)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
