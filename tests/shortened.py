"""Shortens the training of documentation examples, to test them quickly."""

import noisy_keras as nk


def shorten_fit(monkeypatch, samples=128):
    """Makes `fit` stop after two epochs, whatever its arguments.

    Args:
        monkeypatch: fixture of pytest.
        samples: int, the steps of an epoch are limited to about so many
            samples.
    """
    fit = nk.NoisyLabelModel.fit

    def short(self, *args, epochs=1, **options):
        if hasattr(self, "warmup_epochs"):
            self.warmup_epochs = min(self.warmup_epochs, epochs - 1, 1)
        size = options.get("batch_size") or self.default_batch_size
        steps = max(1, samples // size)
        options.setdefault("steps_per_epoch", steps)
        # The phases of a recipe continue the count of epochs.
        limit = options.get("initial_epoch", 0) + 2
        return fit(self, *args, epochs=min(epochs, limit), **options)

    monkeypatch.setattr(nk.NoisyLabelModel, "fit", short)
