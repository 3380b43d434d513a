"""The progress of a run: a bar with the time left, and a line per epoch."""

import time

import keras
from rich import console
from rich import progress

from noisy_keras.reporting import facts
from noisy_keras.utils import names
from trainers.run.time_left import TimeLeft

# Seconds between signs of life within an epoch, where no bar can be drawn.
_SIGN_EVERY = 60.0
# Steps and seconds after which the whole time can be estimated, without the
# first step, which is traced; and the least that is worth a line, in seconds.
_STEPS, _SECONDS, _LONG = 4, 5.0, 600.0


def make_console():
    """The console of a run; plain lines where the output is no terminal.

    Names of classes and files may look like markup or emoji codes.
    """
    return _Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


class _Console(console.Console):
    """A console whose text cannot control the terminal."""

    def print(self, *objects, **options):
        super().print(
            *(names.lines(o) if isinstance(o, str) else o for o in objects),
            **options,
        )


class Progress(keras.callbacks.Callback):
    """A progress bar over the whole training and a line per epoch.

    Where the output is no terminal, there is also a line each minute within an
    epoch.

    Args:
        out: rich console.
        judged: `"validation"` or `"test"`, the split of `val_accuracy`.
        epochs: int, number of epochs of all phases; default: those of `fit`.
        faster: str, what would take less time, shown where training will take
            more than ten minutes; or "".

    Attributes:
        phase: str, name of the phase in training, or "".
    """

    def __init__(self, out, judged="validation", epochs=None, faster=""):
        super().__init__()
        self.faster = faster
        self._began = None  # When the first step had ended, and which it was.
        self._estimated = False
        self.out = out
        self.judged = judged
        self.phase = ""
        self._total = epochs
        self._bar = None
        self._left = TimeLeft()

    def on_train_begin(self, logs=None):
        # Of a recipe, each phase takes a time of its own.
        self._left = TimeLeft.of(self.model)
        self._signed = time.monotonic()
        if self._bar is not None:
            return  # One bar for all phases.
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TextColumn("{task.fields[left]}"),
            console=self.out,
            transient=True,
            # Only a terminal can redraw; a log file gets lines alone.
            disable=not self.out.is_terminal,
        )
        self._bar.start()
        self._task = self._bar.add_task("", total=self._epochs, left="")

    def expect(self, epochs):
        """Sets the number of epochs of all phases, where a recipe decides it.

        Args:
            epochs: int.
        """
        self._total = epochs
        if self._bar is not None:
            self._bar.update(self._task, total=epochs)

    def on_epoch_begin(self, epoch, logs=None):
        self._describe(epoch, epoch)

    def on_train_batch_end(self, batch, logs=None):
        steps = self.params["steps"]
        if steps:
            epoch = self.model.position.epoch
            done = epoch + min(1.0, (batch + 1) / steps)
            self._describe(epoch, done)
            self._sign(epoch, batch + 1, steps, done)
            self._estimate(epoch, batch, steps)

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self.model.epoch_began
        self._estimated = True
        line = epoch_line(
            epoch + 1, self._epochs, seconds, logs or {}, self.judged
        )
        self.out.print(f"{line}  {self.phase}".rstrip())
        self._left.add(epoch, seconds)
        self._signed = time.monotonic()
        self._describe(epoch, epoch + 1)

    def close(self):
        """Removes the bar, however training ended."""
        if self._bar is not None:
            self._bar.stop()

    @property
    def _epochs(self):
        return self._total or self.params["epochs"]

    def _estimate(self, epoch, batch, steps):
        """Says once, early in the first epoch, how long training will take."""
        if self._estimated:
            return
        now = time.monotonic()
        if self._began is None:
            self._began = (now, batch)
            return
        began, first = self._began
        if batch - first < _STEPS or now - began < _SECONDS:
            return
        self._estimated = True
        left = TimeLeft.of(self.model)
        left.add(epoch, steps * (now - began) / (batch - first))
        seconds = left.seconds(epoch, self._epochs)
        if seconds >= _LONG:
            line = f"training will take about {facts.duration(seconds)}"
            self.out.print(
                f"{line}; faster: {self.faster}" if self.faster else line
            )

    def _describe(self, epoch, done):
        what = f"{self.phase} epoch {epoch + 1}/{self._epochs}"
        self._bar.update(
            self._task,
            completed=done,
            description=what.strip(),
            left=self._time_left(done),
        )

    def _time_left(self, done):
        seconds = self._left.seconds(done, self._epochs)
        if seconds is None:
            return ""
        return f"time left about {facts.duration(seconds)}"

    def _sign(self, epoch, step, steps, done):
        """A sign of life in a log file, where an epoch takes long."""
        if self.out.is_terminal:
            return
        now = time.monotonic()
        if now - self._signed < _SIGN_EVERY:
            return
        self._signed = now
        line = f"epoch {epoch + 1}/{self._epochs}  step {step}/{steps}"
        self.out.print(f"{line}  {self._time_left(done)}".rstrip())


def epoch_line(epoch, epochs, seconds, logs, judged="validation"):
    """The metrics of an epoch in one line.

    Args:
        epoch: int, number of the epoch from 1.
        epochs: int, number of all epochs.
        seconds: float, duration of the epoch.
        logs: dict, metrics of the epoch.
        judged: `"validation"` or `"test"`, the split of `val_accuracy`.

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
    neighbours = [
        f"{name.removeprefix('knn_')} {value:.1%}"
        for name, value in logs.items()
        if name.startswith("knn_")
    ]
    if neighbours:
        parts.append(f"neighbours: {', '.join(neighbours)}")
    if logs.get("labels_suspect"):
        parts.append(f"suspect labels {int(logs['labels_suspect'])}")
        if "label_auc" in logs:
            parts.append(f"label AUC {logs['label_auc']:.3f}")
    parts.append(f"{seconds:.1f} s")
    return "  ".join(parts)
