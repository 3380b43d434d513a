"""MoCo, from the command line: features from pictures, without labels.

python -m trainers.moco                      # digits, no download
python -m trainers.moco --dataset=cifar10 --width=16 --epochs=100
The run's `encoder.keras` is what other methods can start from.
"""

import sys

from absl import app
from absl import flags as absl_flags

from trainers import contrastive_flags
from trainers import flags
from trainers import runner
from trainers import settings

METHOD = "moco"
_OWN = (*contrastive_flags.SHARED, "queue_size", "key_momentum")

flags.define_common(METHOD)
contrastive_flags.define()
absl_flags.DEFINE_integer(
    "queue_size", None, "Keys that a view is told from.", lower_bound=1
)
absl_flags.DEFINE_float(
    "key_momentum",
    None,
    "In [0, 1): how slowly the network that makes keys follows.",
)


def resolve(method, values):
    """Settings from flags."""
    own = {name: values[name] for name in _OWN}
    resolved = settings.resolve(method, values, host=own)
    contrastive_flags.check(resolved)
    batch, queue = resolved.training["batch_size"], resolved.host["queue_size"]
    if batch > queue:
        raise settings.UsageError(
            f"--queue_size: expected at least the batch size, {batch}; "
            f"got {queue}"
        )
    if not 0.0 <= resolved.host["key_momentum"] < 1.0:
        raise settings.UsageError(
            "--key_momentum: expected a number in [0, 1); "
            f"got {resolved.host['key_momentum']}"
        )
    return resolved


def build(network, source, settings):
    """The model of a run."""
    import noisy_keras as nk

    return nk.MoCo(network, source.num_samples, **settings.host)


def main(argv):
    sys.exit(runner.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    app.run(main)
