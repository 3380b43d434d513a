"""DRPL, from the command line: pseudo-labels, whatever the kind of noise.

python -m trainers.drpl                      # digits, no download
python -m trainers.drpl --dataset=cifar10 --noise_type=non_uniform_id
Published on PreAct ResNet-18: 93.1 % for 40 % non-uniform noise on CIFAR-10,
89.2 % for 60 % uniform noise.
"""

import dataclasses
import sys

from absl import flags

from trainers import UsageError
from trainers import run
from trainers.flags import common
from trainers.flags import relabelling
from trainers.flags import settings
from trainers.presets.shared import phases

METHOD = "drpl"
_DROPS = ("relabel_drops", "ssl_drops", "final_drops")
_EPOCHS = ("warmup_epochs", *phases.PHASES)
_OWN = (
    *_EPOCHS,
    *_DROPS,
    "threshold_1",
    "threshold_2",
    "random_share",
    "class_share",
    "warm_start",
    "handover",
)

common.define_common(METHOD)
relabelling.define()
for _name, _what in (
    ("relabel_epochs", "Epochs of phase 1, in which all labels are replaced."),
    ("warmup_epochs", "Epochs of phases 2 and 4, on clean labels alone."),
    ("ssl_epochs", "Epochs of phase 3, with pseudo-labels for the others."),
    ("final_epochs", "Epochs of phase 5, that of the final model."),
):
    flags.DEFINE_integer(_name, None, _what, lower_bound=1)
for _name in _DROPS:
    flags.DEFINE_list(
        _name,
        None,
        "Epoch indices, from 0 within the phase, at which the rate is divided "
        "by 10.",
    )
for _name, _phases in (("threshold_1", "2 and 3"), ("threshold_2", "4 and 5")):
    flags.DEFINE_float(
        _name,
        None,
        "Labels that are wrong with at most this probability count as clean in "
        f"phases {_phases}.",
    )
flags.DEFINE_float(
    "random_share",
    None,
    "Share of the other samples that have no label in an epoch.",
)
flags.DEFINE_float(
    "class_share", None, "Share of each class that counts as clean at least."
)
flags.DEFINE_bool(
    "warm_start",
    None,
    "Whether phases 2 and 4 start from the network that judged the labels; "
    "for short runs.",
)
flags.DEFINE_bool(
    "handover",
    None,
    "Whether phases 3 and 5 start from the warmed-up networks; the released "
    "code starts from scratch.",
)


def resolve(method, values):
    """Settings from flags."""
    own = {name: values[name] for name in (*relabelling.RELABELLING, *_OWN)}
    if values["learning_rate_drops"] is not None:
        raise UsageError(
            "--learning_rate_drops: expected none, as each phase has its own: "
            f"--{', --'.join(_DROPS)}; "
            f"got {','.join(values['learning_rate_drops'])}"
        )
    given = [name for name in _EPOCHS if own[name] is not None]
    if values["epochs"] is not None:
        if given:
            raise UsageError(
                f"--epochs: expected none beside --{given[0]}, as it counts "
                f"all five phases; got {values['epochs']}"
            )
        if values["epochs"] < 5:
            raise UsageError(
                "--epochs: expected at least 5, one for each phase; "
                f"got {values['epochs']}"
            )
    for name in _DROPS:
        if own[name] is not None:
            own[name] = settings.as_epochs(name, own[name])
    resolved = settings.resolve(method, values, arguments=own)
    _check(resolved.arguments)
    epochs = phases.total(resolved.arguments)
    return dataclasses.replace(
        resolved, training=resolved.training | {"epochs": epochs}
    )


def _check(arguments):
    epochs, begin = arguments["relabel_epochs"], arguments["relabel_from"]
    if 1 < epochs <= begin:
        raise UsageError(
            f"--relabel_from: expected less than the {epochs} epochs of phase "
            f"1; got {begin}"
        )
    for name in ("threshold_1", "threshold_2"):
        value = arguments.get(name, 0.5)
        if not 0.0 < value < 1.0:
            raise UsageError(
                f"--{name}: expected a probability in (0, 1); got {value}"
            )
    for name in ("random_share", "class_share"):
        value = arguments.get(name, 0.5)
        if not 0.0 <= value < 1.0:
            raise UsageError(
                f"--{name}: expected a share in [0, 1); got {value}"
            )
    for name in _DROPS:
        drops, epochs = arguments[name], arguments[_epochs_of(name)]
        if any(drop > epochs for drop in drops):
            raise UsageError(
                f"--{name}: expected epochs within the phase's {epochs}; "
                f"got {','.join(map(str, drops))}"
            )


def _epochs_of(drops):
    return drops.replace("drops", "epochs")


def build(network, source, settings):
    """The recipe of a run."""
    import noisy_keras as nk

    return nk.DRPL(network, source, **settings.arguments)


def main(argv):
    sys.exit(run.main(argv, METHOD, build, resolve))


if __name__ == "__main__":
    run.start(main)
