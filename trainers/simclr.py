"""SimCLR, from the command line: features from pictures, without labels.

python -m trainers.simclr                    # digits, no download
python -m trainers.simclr --dataset=cifar10 --width=16 --epochs=100
The run's `encoder.keras` is what other methods can start from.
"""

import sys

from trainers import run
from trainers.flags import common
from trainers.flags import contrastive
from trainers.flags import settings

METHOD = "simclr"

common.define_common(METHOD)
contrastive.define()


def resolve(method, values):
    """Settings from flags."""
    own = {name: values[name] for name in contrastive.SHARED}
    resolved = settings.resolve(method, values, arguments=own)
    contrastive.check(resolved)
    return resolved


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.SimCLR(network, source.num_samples, **settings.arguments)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
