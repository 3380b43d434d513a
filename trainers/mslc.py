"""MSLC, from the command line: soft labels, mixed with predictions.

python -m trainers.mslc --dataset=cifar10 --noise_rate=0.5
Reported by Tu et al. (DMLP, CVPR 2023): 89.9 % best, 89.4 % last.
"""

import sys

from absl import flags

from trainers import run
from trainers.flags import common
from trainers.flags import settings
from trainers.flags import trusted

METHOD = "mslc"
_OWN = ("correct_from", "hard_predictions", *trusted.META_LEARNER)

common.define_common(METHOD)
trusted.define()
trusted.define_meta_learner()
flags.DEFINE_integer(
    "correct_from",
    None,
    "Epochs on the given labels before they are corrected.",
    lower_bound=0,
)
flags.DEFINE_bool(
    "hard_predictions",
    None,
    "Whether predictions correct labels as their most likely class alone, as "
    "in the released code.",
)


def resolve(method, values):
    """Settings from flags."""
    own = {name: values[name] for name in _OWN}
    resolved = settings.resolve(method, values, arguments=own)
    settings.require_within_run(resolved, "correct_from")
    return resolved


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.MSLC(network, source.num_samples, **settings.arguments)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
