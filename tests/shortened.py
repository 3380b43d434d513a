"""Shortens the training of documentation examples, to test them quickly."""

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
