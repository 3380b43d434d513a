"""Examples for readers train for long; as tests they train briefly."""

import noisy_keras as nk


def shorten_fit(monkeypatch, samples=128):
    """Makes `fit` stop after two epochs, whatever it is asked.

    Args:
        monkeypatch: pytest's.
        samples: steps per epoch are bounded to about so many samples.
    """
    fit = nk.NoisyLabelModel.fit

    def short(self, *args, epochs=1, **options):
        if hasattr(self, "warmup_epochs"):
            self.warmup_epochs = min(self.warmup_epochs, epochs - 1, 1)
        size = options.get("batch_size") or self.default_batch_size
        steps = max(1, samples // size)
        options.setdefault("steps_per_epoch", steps)
        # A recipe counts its epochs through.
        most = options.get("initial_epoch", 0) + 2
        return fit(self, *args, epochs=min(epochs, most), **options)

    monkeypatch.setattr(nk.NoisyLabelModel, "fit", short)
