"""Cross-entropy on the given labels, from the command line.

python -m trainers.cross_entropy --dataset=cifar10 --noise_rate=0.5
"""

import sys

from absl import flags

from trainers import run
from trainers.flags import common
from trainers.flags import settings

METHOD = "cross_entropy"
common.define_common(METHOD)
flags.DEFINE_integer(
    "correct_from",
    None,
    "First epoch, from 0, from which labels that earlier predictions "
    "contradict are corrected; left out: none is.",
    lower_bound=0,
)


def resolve(method, values):
    """Settings from flags."""
    own = {"correct_from": values["correct_from"]}
    return settings.resolve(method, values, arguments=own)


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.CrossEntropy(network, source.num_samples, **settings.arguments)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
