"""Tests that every method which learns without labels must pass."""

import numpy as np
import pytest

from noisy_keras.callbacks import NearestNeighbors
from noisy_keras.data.sources.array_source import from_arrays
from noisy_keras.methods.cross_entropy import CrossEntropy
from noisy_keras.networks import warm_started
from noisy_keras.optimizers import MomentumSGD
from noisy_keras.testing import toy
from noisy_keras.testing.methods import MethodTests


class SelfSupervisedMethodTests(MethodTests):
    """`MethodTests` for a method whose training no label influences.

    Nearest neighbours by its features measure what it has learnt. The method is
    a `SelfSupervisedModel`, see `noisy_keras.methods.bases.self_supervised`.

    Attributes:
        candidates: int, number of views from which the loss picks one; it is
            `log(candidates)` where nothing has been learnt.
    """

    epochs = 12
    phases = ("train",)
    candidates: int
    large = (
        "test_one_trace_per_phase_however_the_epochs_change",
        "test_xla_gives_the_same_losses",
        "test_two_replicas_train_with_equal_tables",
        "test_a_saved_model_goes_on_as_if_never_saved",
        "test_mixed_precision_trains",
        "test_true_labels_reach_no_batch",
        "test_the_classifier_is_not_trained_and_another_method_starts",
    )

    def options(self):
        """Arguments of the method that suit the toy problem: a dict."""
        # Crops and shifts of a toy image belong to another class.
        return {"view": "jitter", "projection_size": 16}

    def test_it_learns_and_finds_planted_wrong_labels(self):
        source = toy.source(128, rate=0.3)
        held = from_arrays(*toy.pictures(64, seed=9))
        model = self.compiled(source)
        watch = NearestNeighbors(source, {"held": held}, every=4)
        before = watch.measure(model.encoder)
        history = self.fit(
            model, source, self.epochs, callbacks=[watch]
        ).history
        assert np.isfinite(history["contrastive"]).all()
        assert history["contrastive"][-1] < np.log(self.candidates) - 0.3
        # After the first epoch, and every four: the last is one of those.
        assert len(history["knn_held"]) == 1 + self.epochs // 4
        assert before["knn_held"] < 0.9 < history["knn_held"][-1]
        assert before["knn_given"] < history["knn_given"][-1] <= 0.75
        audit = model.label_audit(source)
        right = source.labels == source.true_labels
        assert np.mean((audit.clean_probability > 0.5) == right) > 0.9
        assert np.mean(audit.suggested_label == source.true_labels) > 0.9
        embeddings = model.predict(held, verbose=0)
        width = model.encoder.output["embedding"].shape[-1]
        assert embeddings.shape == (64, width)
        np.testing.assert_allclose(
            embeddings, model(held.fetch(range(64))).numpy(), atol=1e-4
        )

    def test_true_labels_reach_no_batch(self):
        """Nor does any other label."""
        source = toy.source(64)
        plan = self.compiled(source).make_plan(source, self.batch_size)
        for one in plan(0):
            fields = one.dataset().element_spec["train"]
            assert set(fields) == {"index", "first", "second"}
        weights, results = None, []
        for each in (source, source.relabel((source.labels + 1) % toy.CLASSES)):
            model = self.compiled(each)
            weights = weights or model.get_weights()
            model.set_weights(weights)
            self.fit(model, each, 2, steps_per_epoch=2)
            results.append(model.get_weights())
        for first, second in zip(*results, strict=True):
            np.testing.assert_array_equal(first, second)

    def test_the_classifier_is_not_trained_and_another_method_starts(self):
        source = toy.source(64)
        model = self.compiled(source)
        classifier = model.encoder.get_layer("logits").get_weights()
        self.fit(model, source, 2)
        for old, new in zip(
            classifier,
            model.encoder.get_layer("logits").get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(old, new)
        started = warm_started(model.encoder)
        image = source.fetch([0, 1])
        np.testing.assert_array_equal(
            started(image)["embedding"], model.encoder(image)["embedding"]
        )
        host = CrossEntropy(started, source)
        host.compile(MomentumSGD(0.05))
        history = host.fit(source, epochs=1, batch_size=16, verbose=0)
        assert np.isfinite(history.history["loss"]).all()

    def test_what_needs_classes_is_refused(self):
        source = toy.source(64)
        model = self.compiled(source)
        with pytest.raises(ValueError, match="NearestNeighbors"):
            self.fit(model, source, 1, validation_data=source)
        with pytest.raises(ValueError, match="NearestNeighbors"):
            model.evaluate(source)
        with pytest.raises(ValueError, match="no `metrics`"):
            model.compile(metrics=["accuracy"])
