"""Shortens the training of documentation examples, to test them quickly."""

import os

import noisy_keras as nk


def shorten_fit(monkeypatch, samples=128, epochs=2):
    """Makes `fit` stop after a few epochs, whatever its arguments.

    Args:
        monkeypatch: fixture of pytest.
        epochs: int, the limit; 0 only checks the arguments.
        samples: int, the steps of an epoch are limited to about so many
            samples.
    """
    fit, most = nk.NoisyLabelModel.fit, epochs

    def short(self, *args, epochs=1, **options):
        if hasattr(self, "warmup_epochs"):
            self.warmup_epochs = min(self.warmup_epochs, epochs - 1, 1)
        size = options.get("batch_size") or self.default_batch_size
        steps = max(1, samples // size)
        options.setdefault("steps_per_epoch", steps)
        # The phases of a recipe continue the count of epochs.
        first = options.pop("initial_epoch", 0)
        last = min(epochs, first + most)
        if not most:
            first = last = 1
        return fit(self, *args, epochs=last, initial_epoch=first, **options)

    monkeypatch.setattr(nk.NoisyLabelModel, "fit", short)


def shorten_data(monkeypatch, samples=256):
    """Makes `nk.data.load` read that many samples, unless the caller says."""
    load = nk.data.load

    def short(*args, **options):
        return load(*args, **{"max_samples": samples} | options)

    monkeypatch.setattr(nk.data, "load", short)


def remove_pictures(folder, per_class=25):
    """Leaves a few pictures of each class in the example folder."""
    for label in filter(str.isdecimal, os.listdir(folder)):
        paths = sorted(os.listdir(folder / label))[per_class:]
        for path in paths:
            os.remove(folder / label / path)
    for name in ("labels.csv", "checked.csv"):
        with open(folder / name, encoding="utf-8") as stream:
            header, *lines = stream.read().splitlines()
        lines = [x for x in lines if (folder / x.split(",")[0]).exists()]
        text = "\n".join([header, *lines, ""])
        (folder / name).write_text(text, encoding="utf-8")
