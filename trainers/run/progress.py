"""What a person sees of a run: a bar with time left, a line per epoch."""

import time

import keras
from rich import console
from rich import progress
from rich import table

from noisy_keras.labels.audit import EVIDENCE

#: Predictions of fewer epochs say more of the network than of the labels: one
#: epoch of cross-entropy on the digits has AUC 0.64, sixty have 0.996.
_FEW_EPOCHS = 5


def make_console():
    """The console of a run; plain lines where the output is no terminal."""
    return console.Console(highlight=False, soft_wrap=True)


class Progress(keras.callbacks.Callback):
    """A progress bar over the whole training and a line per epoch.

    Args:
        out: rich console.
        judged: what `val_accuracy` is measured on: `"validation"` or `"test"`.
        epochs: in all, where training has several phases; default: those of
            `fit`.

    Attributes:
        phase: name of the phase in training, or "".
    """

    def __init__(self, out, judged="validation", epochs=None):
        super().__init__()
        self.out = out
        self.judged = judged
        self.phase = ""
        self._total = epochs
        self._bar = None

    def on_train_begin(self, logs=None):
        if self._bar is not None:
            return  # Of an earlier phase: one bar for all.
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TextColumn("time left"),
            progress.TimeRemainingColumn(elapsed_when_finished=True),
            console=self.out,
            transient=True,
            # Only a terminal can redraw; a log file gets lines alone.
            disable=not self.out.is_terminal,
        )
        self._bar.start()
        self._task = self._bar.add_task("", total=self._epochs)

    def on_epoch_begin(self, epoch, logs=None):
        self._describe(epoch, epoch)

    def on_train_batch_end(self, batch, logs=None):
        steps = self.params["steps"]
        if steps:
            epoch = self.model.position.epoch
            self._describe(epoch, epoch + min(1.0, (batch + 1) / steps))

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self.model.epoch_began
        line = epoch_line(
            epoch + 1, self._epochs, seconds, logs or {}, self.judged
        )
        self.out.print(f"{line}  {self.phase}".rstrip())
        self._describe(epoch, epoch + 1)

    def close(self):
        """Takes the bar away, however training ended."""
        if self._bar is not None:
            self._bar.stop()

    @property
    def _epochs(self):
        return self._total or self.params["epochs"]

    def _describe(self, epoch, done):
        what = f"{self.phase} epoch {epoch + 1}/{self._epochs}"
        self._bar.update(self._task, completed=done, description=what.strip())


def epoch_line(epoch, epochs, seconds, logs, judged="validation"):
    """One line that a person can read.

    Args:
        epoch: number from 1.
        epochs: in all.
        seconds: that it took.
        logs: its metrics.
        judged: what `val_accuracy` is measured on.

    Returns:
        str.
    """
    width = len(str(epochs))
    parts = [f"epoch {epoch:{width}d}/{epochs}", f"loss {logs['loss']:.3f}"]
    for name, label in (
        ("val_accuracy", judged),
        ("test_accuracy", "test"),
    ):
        if name in logs:
            parts.append(f"{label} {logs[name]:.1%}")
    told = [
        f"{name.removeprefix('knn_')} {value:.1%}"
        for name, value in logs.items()
        if name.startswith("knn_")
    ]
    if told:
        parts.append(f"neighbours: {', '.join(told)}")
    if logs.get("labels_suspect"):
        parts.append(f"suspect labels {int(logs['labels_suspect'])}")
        if "label_auc" in logs:
            parts.append(f"label AUC {logs['label_auc']:.3f}")
    parts.append(f"{seconds:.1f} s")
    return "  ".join(parts)


def print_summary(out, summary, folder, files, told=None):
    """The final table.

    Args:
        out: rich console.
        summary: as in `summary.json`.
        folder: of the run.
        files: list of (name, what it is) to point to.
        told: a line to tell before what is said of the labels, or None.
    """
    accuracy = table.Table(title="Accuracy", title_justify="left")
    accuracy.add_column("")
    splits = [s for s in ("validation", "test") if s in summary["final"]]
    for split in splits:
        accuracy.add_column(split, justify="right")
    rows = [
        ("best by validation", summary["best_by_validation"]),
        ("last epoch", summary["final"]),
        (f"mean of last {summary['epochs_averaged']}", summary["mean_last_10"]),
    ]
    for name, row in rows:
        if row is not None:
            cells = [f"{row[s]:.2%}" if s in row else "" for s in splits]
            epoch = row.get("epoch")
            label = f"{name} (epoch {epoch})" if epoch else name
            accuracy.add_row(label, *cells)
    out.print()
    out.print(accuracy)
    if told:
        out.print(told)
    labels = summary["labels"]
    wrong = labels["samples"] - labels["ok"]
    told = f"{labels['relabelled']} of them with a sure suggestion"
    if labels["out_of_distribution"]:
        told += f", {labels['out_of_distribution']} maybe of no class"
    out.print(f"Labels found wrong: {wrong} of {labels['samples']}, {told}.")
    if labels.get("evidence"):
        out.print(f"By {EVIDENCE[labels['evidence']]}.")
    by_history = labels.get("evidence") == "cross_epoch_history"
    epochs = labels.get("epochs") or _FEW_EPOCHS
    if by_history and epochs < _FEW_EPOCHS:
        out.print(
            f"Epochs so far: {epochs:g}. A network that has hardly been "
            "trained finds most labels wrong; train it longer to know."
        )
    if labels.get("label_auc") is not None:
        out.print(
            f"Against the true labels: AUC {labels['label_auc']:.3f}, "
            f"precision {labels['label_precision'] or 0.0:.1%}, "
            f"recall {labels['label_recall']:.1%}."
        )
    out.print(f"Files in {folder}:")
    for name, what in files:
        out.print(f"  {name:<20} {what}")
