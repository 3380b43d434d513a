"""The audit of a data set without a run: judged, printed and written."""

import os
import shlex
import tempfile
import time

import noisy_keras as nk
from trainers import UsageError
from trainers.flags import data as data_flags
from trainers.inspection import audit_export
from trainers.run import encoders
from trainers.run import errors
from trainers.run import pictures

_AUDIT = "label_audit.csv"
# Flags of the data that training needs as well.
_DATA = (
    "dataset",
    "data_dir",
    "folder_layout",
    "path_column",
    "label_column",
    "image_root",
    "labels",
    "max_train_samples",
    "max_unreadable",
)


def write(values, output, out):
    """Judges a split of a data set and writes a folder about it.

    Args:
        values: dict of all flags of `trainers.audit` by name.
        output: str, folder to write, which does not exist yet.
        out: rich console.

    Raises:
        UsageError: data or flags that cannot be used.
    """

    def report(text):
        # A command that is copied must not be broken into lines.
        out.print(text, markup=False, soft_wrap=True)

    pictures.show_warnings(out)
    split = values["split"]
    with errors.reported(OSError):
        source, encoder = _prepare(values, split)
    report(f"{split}: {len(source):,} samples of {source.num_classes} classes")
    if getattr(source, "reading", None) is not None:
        report(str(source.reading))  # What was left out and ignored, too.
    began = time.monotonic()
    found = nk.audit(
        source,
        encoder,
        plant=values["plant"],
        seed=values["seed"],
        report=report,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, _AUDIT)
        found.to_csv(path)
        audit = audit_export.Audit(
            path, list(found.rows()), tuple(source.class_names)
        )
        audit_export.write(
            audit,
            {"train": source},
            output,
            out,
            top=values["top"],
            formats=[*dict.fromkeys(["csv", *values["format"]])],
        )
    report(
        f"all of it took {time.monotonic() - began:.0f} s; verdicts: "
        + ", ".join(
            f"{name} {count:,}" for name, count in found.counts().items()
        )
    )
    if split == "train":
        report(
            f"training on the suggested labels: {_command(values, output)}; on "
            "your own corrections: --audit="
            + shlex.quote(os.path.join(output, audit_export.MOST_SUSPECT))
        )


def _command(values, output):
    """The command that trains on the same data, as the audit suggests."""
    given = {name: values[name] for name in _DATA if values[name] is not None}
    given["audit"] = os.path.join(output, _AUDIT)
    words = [f"--{name}={value}" for name, value in given.items()]
    return shlex.join(["python", "-m", "trainers.auto", *words])


def _prepare(values, split):
    """The source, and its encoder or None."""
    kind = data_flags.split_name(values["dataset"])[0]
    if kind == "features" or values["network"] is None:
        for name in ("network", "weights", "width"):
            if values[name] is None:
                continue
            raise UsageError(
                f"--{name}: expected with "
                + (
                    "images; features are judged as they are"
                    if kind == "features"
                    else "--network"
                )
            )
        size = values["image_size"]
        return encoders.sources(values, size, [split])[split], None
    loaded, encoder, _ = encoders.prepare(values, [split])
    return loaded[split], encoder
