"""Joint-Optim, from the command line: labels replaced by mean predictions.

python -m trainers.joint_optim --dataset=cifar10 --noise_rate=0.8
Its label_audit.csv holds the new labels; to train anything on them, see
`noisy_keras.JointOptim.relabelled`.
"""

import sys

from absl import flags

from trainers import run
from trainers.flags import common
from trainers.flags import relabelling
from trainers.flags import settings

METHOD = "joint_optim"
_OWN = ("relabel_from", "averaged_epochs", "hard_labels")

common.define_common(METHOD)
relabelling.define()
flags.DEFINE_integer(
    "averaged_epochs",
    None,
    "Number of epochs whose mean prediction becomes the label.",
    lower_bound=1,
)
flags.DEFINE_bool(
    "hard_labels",
    None,
    "Whether a new label is the most likely class, not a distribution.",
)


def resolve(method, values):
    """Settings from flags."""
    own = {name: values[name] for name in (*relabelling.RELABELLING, *_OWN)}
    resolved = settings.resolve(method, values, arguments=own)
    settings.require_within_run(resolved, "relabel_from")
    return resolved


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.JointOptim(network, source.num_samples, **settings.arguments)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
