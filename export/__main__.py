"""Exports what a finished run has found.

python -m export --labels --run=runs/dmlp-digits-... --output=labels/
"""

import sys

from absl import app
from absl import flags

from export import labels

FLAGS = flags.FLAGS

flags.DEFINE_bool("labels", False, "Write the corrected, or purified, labels.")
flags.DEFINE_string("run", None, "Folder of a finished run.", required=True)
flags.DEFINE_string(
    "output", None, "Folder to write to; default: labels/ in the run."
)
flags.DEFINE_list(
    "formats",
    None,
    f"Some of {', '.join(labels.FORMATS)}; default: all. Parquet needs "
    f"{labels.PARQUET}.",
)
flags.DEFINE_bool(
    "suspect",
    True,
    "Keep samples whose label is likely wrong, but has no sure replacement.",
)


def main(argv):
    if len(argv) > 1 or not FLAGS.labels:
        what = repr(" ".join(argv[1:])) if len(argv) > 1 else "nothing to write"
        print(
            f"error: expected --labels and --run=FOLDER; got {what}",
            file=sys.stderr,
        )
        sys.exit(2)
    try:
        written = labels.write(
            FLAGS.run, FLAGS.output, FLAGS.suspect, FLAGS.formats
        )
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    print(
        f"{written.samples} labels, {written.replaced} of them replaced, "
        f"{written.left_out} samples left out"
    )
    for path in written.paths:
        print(f"  {path}")
    if written.missing:
        print(written.missing)


if __name__ == "__main__":
    app.run(main)
