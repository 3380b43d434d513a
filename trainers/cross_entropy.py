"""Cross-entropy on the given labels, from the command line.

python -m trainers.cross_entropy --dataset=cifar10 --noise_rate=0.5
"""

import sys

from trainers import run
from trainers.flags import common

METHOD = "cross_entropy"
common.define_common(METHOD)


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.CrossEntropy(network, source.num_samples, **settings.arguments)


def main(argv):
    sys.exit(run.main(argv, METHOD, build))


if __name__ == "__main__":
    run.start(main)
