"""Tests that every method with a trusted set must pass."""

import numpy as np
import pytest

from noisy_keras.optimizers import MomentumSGD
from noisy_keras.testing import toy
from noisy_keras.testing.methods import MethodTests


class TrustedMethodTests(MethodTests):
    """`MethodTests`, and tests of the trusted set.

    The method is a `TrustedSetModel`, see `noisy_keras.methods.bases.trusted`.
    """

    epochs = 12
    phases = ("train",)
    large = (
        "test_xla_gives_the_same_losses",
        "test_two_replicas_train_with_equal_tables",
        "test_mixed_precision_trains",
        "test_true_labels_reach_no_batch",
        "test_one_trace_per_phase_however_the_epochs_change",
        "test_a_saved_model_goes_on_as_if_never_saved",
    )

    def compiled(self, source, **options):
        model = super().compiled(source, **options)
        # For tests that make a plan without `fit`.
        model.trusted = toy.trusted()
        return model

    def fit(self, model, source, epochs, **options):
        options.setdefault("trusted", toy.trusted())
        return super().fit(model, source, epochs, **options)

    def test_training_without_a_trusted_set_is_refused(self):
        source = toy.source(64)
        model = self.build(source)
        model.compile(MomentumSGD(0.01))
        with pytest.raises(ValueError, match=r"source.split\(trusted=10\)"):
            model.fit(source, epochs=1, verbose=0)

    def test_a_class_without_trusted_samples_is_named(self):
        source = toy.source(64)
        model = self.compiled(source)
        trusted = toy.trusted()
        lacking = trusted.subset(np.flatnonzero(trusted.labels != 2))
        with pytest.raises(ValueError, match="none of 2"):
            self.fit(model, source, 1, trusted=lacking)

    def test_a_trusted_set_of_other_images_is_refused(self):
        model = self.compiled(toy.source(64))
        with pytest.raises(ValueError, match="images as the model was built"):
            self.fit(model, toy.source(64), 1, trusted=toy.source(16, size=8))

    def test_trusted_samples_are_not_trained_on(self):
        source = toy.source(64)
        model = self.compiled(source)
        trusted = source.subset([3, 4, 5, 6]).relabel([3, 0, 1, 2])
        with pytest.warns(UserWarning, match="4 trusted samples are also"):
            self.fit(model, source, 1, trusted=trusted)
        seen = model.prediction_history.seen()
        np.testing.assert_array_equal(np.flatnonzero(~seen), [3, 4, 5, 6])
        # Samples that were not seen count as clean.
        clean = model.estimate_clean_probability(source)
        np.testing.assert_array_equal(clean[3:7], 1.0)

    def test_a_trusted_set_as_arrays(self):
        source = toy.source(64)
        model = self.compiled(source)
        history = self.fit(model, source, 1, trusted=toy.pictures(8, seed=3))
        assert np.isfinite(history.history["loss"]).all()
