"""Cross-entropy on the given labels, from the command line.

python -m trainers.cross_entropy --dataset=cifar10 --noise_rate=0.5
"""

import sys

from trainers import flags
from trainers import runner
from trainers import usage

METHOD = "cross_entropy"
flags.define_common(METHOD)


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.CrossEntropy(network, source.num_samples, **settings.host)


def main(argv):
    sys.exit(runner.main(argv, METHOD, build))


if __name__ == "__main__":
    usage.run(main)
