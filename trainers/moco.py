"""MoCo, from the command line: features from pictures, without labels.

python -m trainers.moco                      # digits, no download
python -m trainers.moco --dataset=cifar10 --width=16 --epochs=100
The run's `encoder.keras` is what other methods can start from.
"""

import sys

from absl import flags

from trainers import UsageError
from trainers import run
from trainers.flags import common
from trainers.flags import contrastive
from trainers.flags import settings
from trainers.presets import moco

METHOD = "moco"
_OWN = (*contrastive.SHARED, "queue_size", "key_momentum")

common.define_common(METHOD)
contrastive.define()
flags.DEFINE_integer(
    "queue_size",
    None,
    "Keys that a view is compared with; default: the preset's, or half the "
    "number of pictures if that is less.",
    lower_bound=1,
)
flags.DEFINE_float(
    "key_momentum",
    None,
    "Momentum of the network that makes keys, in [0, 1).",
)


def resolve(method, values):
    """Settings from flags."""
    own = {name: values[name] for name in _OWN}
    resolved = settings.resolve(method, values, arguments=own)
    contrastive.check(resolved)
    batch, queue = (
        resolved.training["batch_size"],
        resolved.arguments["queue_size"],
    )
    if batch > queue:
        raise UsageError(
            f"--queue_size: expected at least the batch size, {batch}; "
            f"got {queue}"
        )
    if not 0.0 <= resolved.arguments["key_momentum"] < 1.0:
        raise UsageError(
            "--key_momentum: expected a number in [0, 1); "
            f"got {resolved.arguments['key_momentum']}"
        )
    return resolved


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    count, arguments = source.num_samples, settings.arguments
    if "queue_size" not in settings.replaced:
        arguments = moco.with_short_queue(
            arguments, count, settings.training["batch_size"]
        )
    return nk.MoCo(network, count, **arguments)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
