"""Makes a file of features of a data set's images, by any encoder.

python -m trainers.features --dataset=folder:pictures --weights=imagenet \\
    --network=efficientnet_lite0 --output=pictures.npz
Every method that needs no pixels then trains on --dataset=features:pictures.npz
in seconds per epoch. A command that was stopped goes on where it was.
"""

import os
import sys
import time

from absl import flags

from trainers import UsageError
from trainers import run
from trainers.flags import data as data_flags
from trainers.flags import networks as network_flags

FLAGS = flags.FLAGS

data_flags.define_source()
flags.DEFINE_string(
    "network",
    None,
    "The encoder: a .keras file, the folder of a SavedModel, or a network by "
    "its name or that of a provider, such as efficientnet_lite0 or "
    "keras:MobileNetV3Large, as of the trainers.",
)
flags.DEFINE_string(
    "weights",
    None,
    "Weights of a named network: imagenet, none for random ones, or a "
    "FILE.weights.h5; default: those of its provider.",
)
flags.DEFINE_integer(
    "width", None, "Channels of a named network's first stage.", lower_bound=1
)
flags.DEFINE_string(
    "output", None, "The .npz file to write; its parts are in FILE.parts/."
)
flags.DEFINE_bool("overwrite", False, "Replace the file to write.")
flags.DEFINE_enum("bits", "16", ["16", "32"], "Bits of each number.")
flags.DEFINE_integer("batch_size", 64, "Images in memory.", lower_bound=1)
flags.DEFINE_integer(
    "part_size",
    4096,
    "Samples after which what is done is kept on disk.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "seed",
    0,
    "Seed of the weights of a named network.",
    lower_bound=0,
    upper_bound=2**32 - 1,
)


def main(argv):
    def action():
        _check_flags()
        _make(FLAGS.output)

    sys.exit(run.exit_status(argv, action))


def _check_flags():
    data_flags.check(FLAGS.dataset)
    if FLAGS.network is None:
        raise UsageError(
            "--network: expected an encoder: a .keras file, the folder of a "
            "SavedModel, or the name of a network; got none"
        )
    network_flags.weights(FLAGS.weights)
    output = FLAGS.output
    if output is None or not output.endswith(".npz"):
        raise UsageError(
            f"--output: expected a file that ends in .npz; got {output}"
        )
    parent = os.path.dirname(os.path.abspath(output))
    if os.path.isdir(output) or not os.path.isdir(parent):
        raise UsageError(
            f"--output: expected a file in a folder that exists; got {output}"
        )
    if os.path.lexists(output) and not FLAGS.overwrite:
        raise UsageError(
            f"--output: expected a file that is not there yet; got {output}. "
            "Name another one, or pass --overwrite."
        )


def _make(output):
    with run.native_messages(os.devnull):
        from noisy_keras.features import writing
        from trainers.run import encoders
        from trainers.run import errors
        from trainers.run import progress
    out = progress.make_console()
    values = FLAGS.flag_values_dict()
    with errors.reported(OSError):
        sources, encoder, note = encoders.prepare(values)
        for split, source in sources.items():
            out.print(f"{split}: {source.num_samples} images", markup=False)
        out.print(f"encoder: {note}", markup=False)
        started = time.monotonic()

        def report(done, total):
            seconds = time.monotonic() - started
            out.print(f"{done} of {total} samples, {seconds:.0f} s")

        found = writing.write(
            sources if len(sources) > 1 else sources["train"],
            encoder,
            output,
            bits=int(FLAGS.bits),
            batch_size=FLAGS.batch_size,
            part_size=FLAGS.part_size,
            report=report,
        )
    kept = found.samples - found.made
    line = f"wrote {output}: {found.samples} samples, {found.columns} columns"
    if kept:
        line += f"; {kept} were there already"
    out.print(line, markup=False)
    out.print(f"train on them with --dataset=features:{output}", markup=False)


if __name__ == "__main__":
    run.start(main)
