"""A method of your own, from the command line: a class in a file.

python -m trainers.run --method=my_method.py:MyMethod
python -m trainers.run --method=gce.py:GCE --arguments=q=0.7 --dataset=cifar10

The class is a subclass of `noisy_keras.NoisyLabelModel`, and gets a network,
the number of samples and what `--arguments` says. Settings left out are those
of cross-entropy. The file is executed.
"""

import dataclasses
import sys

from absl import flags

from trainers import run
from trainers.flags import common
from trainers.flags import settings
from trainers.flags import trusted
from trainers.run import config_file
from trainers.run import folder as run_folder
from trainers.run import own_method

FLAGS = flags.FLAGS

# The row of the presets.
_LIKE = "cross_entropy"

common.define_common("<class>")
trusted.define()
flags.DEFINE_string(
    "method",
    None,
    "FILE.py:Class, the file and the class of the method. Each command that "
    "needs it, needs it anew: no file is executed because a run names it.",
)
flags.DEFINE_string(
    "arguments",
    None,
    "Arguments of the class, key=value,... with Python literals: "
    "q=0.7,view=weak,layers=(1,2).",
)
flags.DEFINE_integer(
    "knn_every",
    5,
    "Where the method learns without labels: epochs between measurements of "
    "the accuracy of nearest neighbours.",
    lower_bound=1,
)


def resolve(method, values):
    """Settings from flags."""
    del method  # The class has its own name.
    if values["help"] and values["method"] is None:
        found = own_method.Reference("", "own")  # Its preset is that of all.
    else:
        found = own_method.reference(values["method"])
    arguments = own_method.arguments(values["arguments"])
    resolved = settings.resolve(
        found.name, values, preset_key=_LIKE, arguments=arguments
    )
    return dataclasses.replace(
        resolved,
        preset=f"{resolved.preset}; as for cross-entropy",
        arguments=arguments,
    )


def main(argv):
    loaded = []

    def build(network, source, settings):
        loaded.append(own_method.load(own_method.reference(FLAGS.method)))
        return own_method.build(loaded[0], network, source, settings)

    def facts():
        found = own_method.reference(FLAGS.method)
        own = FLAGS.output_dir and own_method.of_run(FLAGS.output_dir)
        if own:
            own_method.note_changes(found, own)
        return own_method.facts(found, loaded[0])

    status = run.main(argv, config_file.OWN, build, resolve, facts)
    if status == 0 and loaded:
        print(_how_to_load(loaded[0]))
    sys.exit(status)


def _how_to_load(cls):
    import keras

    name = keras.saving.get_registered_name(cls)
    return (
        f"To load {run_folder.MODEL}, import the class and pass "
        f"custom_objects={{{name!r}: {cls.__name__}}} to "
        "keras.models.load_model; trainers.analyze and export need "
        f"--method={FLAGS.method}."
    )


if __name__ == "__main__":
    run.start(main)
