"""L2R, from the command line: sample weights learnt from trusted images.

python -m trainers.l2r --dataset=cifar10 --noise_rate=0.4
Published with 1,000 trusted images: 86.9 % (Wide ResNet-28-10).
"""

import sys

from trainers import run
from trainers.flags import common
from trainers.flags import settings
from trainers.flags import trusted

METHOD = "l2r"

common.define_common(METHOD)
trusted.define()
common.define_view()


def resolve(method, values):
    """Settings from flags."""
    return settings.resolve(method, values, arguments={"view": values["view"]})


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.L2R(network, source.num_samples, **settings.arguments)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
