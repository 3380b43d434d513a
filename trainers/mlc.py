"""MLC, from the command line: a network that corrects labels.

python -m trainers.mlc --dataset=cifar10 --noise_rate=0.5
Reported by Tu et al. (DMLP, CVPR 2023): 88.1 % best, 87.5 % last.
"""

import sys

from absl import flags

from trainers import UsageError
from trainers import run
from trainers.flags import common
from trainers.flags import settings
from trainers.flags import trusted

METHOD = "mlc"
_OWN = ("embedding", *trusted.META_LEARNER)

common.define_common(METHOD)
trusted.define()
trusted.define_meta_learner()
flags.DEFINE_integer(
    "embedding",
    None,
    "Width of the embedding of a label in the network that corrects labels.",
    lower_bound=1,
)


def resolve(method, values):
    """Settings from flags."""
    own = {name: values[name] for name in _OWN}
    resolved = settings.resolve(method, values, arguments=own)
    if resolved.training["batch_size"] < 2:
        raise UsageError(
            "--batch_size: expected at least 2, as half of the trusted samples "
            "beside a batch are trained on; got "
            f"{resolved.training['batch_size']}"
        )
    return resolved


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.MLC(network, source.num_samples, **settings.arguments)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
