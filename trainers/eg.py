"""EG, from the command line: IEG without any label but the trusted ones.

python -m trainers.eg --dataset=cifar10
Published with 10 trusted images of each class: 92.4 % (Wide ResNet-28-2), and
94.5 % with --network=wide_resnet28_10.
"""

import sys

from trainers import run
from trainers.flags import common
from trainers.flags import pseudo_labels
from trainers.flags import settings
from trainers.flags import trusted

METHOD = "eg"

common.define_common(METHOD)
trusted.define()
pseudo_labels.define_unlabeled_weight()
pseudo_labels.define_shared()


def resolve(method, values):
    """Settings from flags."""
    own = {name: values[name] for name in pseudo_labels.SHARED}
    return settings.resolve(method, values, arguments=own)


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.EG(network, source.num_samples, **settings.arguments)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
