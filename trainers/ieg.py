"""IEG, from the command line: a few trusted images guide labels and weights.

python -m trainers.ieg                       # digits, no download
python -m trainers.ieg --dataset=cifar10 --noise_rate=0.8 --noise_convention=ieg
Published with 10 trusted images of each class: 93.7 % (Wide ResNet-28-10), and
85.6 % with --network=resnet29 --weight_decay=1e-4 (there of kernels alone).
"""

import dataclasses
import sys

from trainers import run
from trainers.flags import common
from trainers.flags import pseudo_labels
from trainers.flags import settings
from trainers.flags import trusted

METHOD = "ieg"

common.define_common(METHOD)
trusted.define()
pseudo_labels.define_unlabeled_weight()
pseudo_labels.define_shared()
pseudo_labels.define_meta()


def resolve(method, values):
    """Settings from flags."""
    names = (*pseudo_labels.SHARED, *pseudo_labels.META)
    resolved = settings.resolve(
        method, values, arguments={name: values[name] for name in names}
    )
    arguments = pseudo_labels.arguments(resolved.arguments)
    return dataclasses.replace(resolved, arguments=arguments)


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.IEG(network, source.num_samples, **settings.arguments)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
