"""IEG, from the command line: a few trusted images steer labels and weights.

python -m trainers.ieg                       # digits, no download
python -m trainers.ieg --dataset=cifar10 --noise_rate=0.8 --noise_convention=ieg
Published with 10 trusted images of each class: 93.7 % (Wide ResNet-28-10), and
85.6 % with --network=resnet29 --weight_decay=1e-4 (there of kernels alone).
"""

import sys

from absl import flags as absl_flags

from trainers import flags
from trainers import host_flags
from trainers import runner
from trainers import settings
from trainers import trusted_flags
from trainers import usage

METHOD = "ieg"
_OWN = (
    "label_weight",
    "step_size",
    "momentum_lookahead",
    "relabel",
    "mix_trusted",
    "lookahead_through_pseudo_labels",
    "supervised_weight",
    "mixed_target",
)

flags.define_common(METHOD)
trusted_flags.define()
host_flags.define_guessing()
absl_flags.DEFINE_float(
    "label_weight", None, "lambda_0, trust in given labels, in [0, 1]."
)
absl_flags.DEFINE_float(
    "step_size",
    None,
    "alpha of the step ahead; 0 takes the current learning rate.",
    lower_bound=0.0,
)
absl_flags.DEFINE_bool(
    "momentum_lookahead",
    None,
    "Whether the step ahead has the optimizer's momentum.",
)
absl_flags.DEFINE_bool(
    "relabel", None, "Whether labels are chosen; else only weighted."
)
absl_flags.DEFINE_bool(
    "mix_trusted", None, "Whether trusted images are mixed with the batch."
)
absl_flags.DEFINE_bool(
    "lookahead_through_pseudo_labels",
    None,
    "Whether the step ahead follows how guesses would change, as in the "
    "released code.",
)
absl_flags.DEFINE_float(
    "supervised_weight",
    None,
    "Of the losses on given labels: 0.5 in the code, 1 in the paper.",
    lower_bound=0.0,
)
absl_flags.DEFINE_bool(
    "mixed_target",
    None,
    "Whether the weighted loss has a part of the guess in its target, as in "
    "the released code.",
)


def resolve(method, values):
    """Settings from flags."""
    own = {name: values[name] for name in (*host_flags.GUESSING, *_OWN)}
    resolved = settings.resolve(method, values, host=own)
    if own["step_size"] == 0.0:
        resolved.host["step_size"] = None
    return resolved


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.IEG(network, source.num_samples, **settings.host)


def main(argv):
    sys.exit(runner.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    usage.run(main)
