"""What methods that learn without labels must do: `MethodHarness` for them."""

import numpy as np
import pytest

import noisy_keras as nk
from tests import toy
from tests.methods.harness import MethodHarness


class SelfSupervisedHarness(MethodHarness):
    """Tests of one method, of which no label decides anything.

    What the others learn of labels is here measured by nearest neighbours.
    """

    epochs = 12
    phases = ("train",)
    others: int  # That a view is told from, and itself.

    def options(self):
        # Crops and shifts of a toy picture are of another class.
        return {"view": "jitter", "projection_size": 16}

    def compiled(self, source, **options):
        options.setdefault("optimizer", nk.MomentumSGD(self.learning_rate))
        return super().compiled(source, **options)

    def test_it_learns_and_finds_planted_wrong_labels(self):
        source = toy.source(128, rate=0.3)
        held = nk.data.from_arrays(*toy.pictures(64, seed=9))
        model = self.compiled(source)
        watch = nk.callbacks.NearestNeighbors(source, {"held": held}, every=4)
        before = watch.measure(model.encoder)
        history = self.fit(
            model, source, self.epochs, callbacks=[watch]
        ).history
        assert np.isfinite(history["contrastive"]).all()
        assert history["contrastive"][-1] < np.log(self.others) - 0.3
        # After the first epoch, and every four: the last is one of those.
        assert len(history["knn_held"]) == 1 + self.epochs // 4
        assert before["knn_held"] < 0.9 < history["knn_held"][-1]
        assert before["knn_given"] < history["knn_given"][-1] <= 0.75
        audit = model.label_audit(source)
        right = source.labels == source.true_labels
        assert np.mean((audit.clean_probability > 0.5) == right) > 0.9
        assert np.mean(audit.suggested_label == source.true_labels) > 0.9
        embeddings = model.predict(held, verbose=0)
        assert embeddings.shape == (64, 4 * 4) == (64, embeddings.shape[1])
        np.testing.assert_allclose(
            embeddings, model(held.fetch(range(64))).numpy(), atol=1e-4
        )

    # What every method must do, and is dear to find out.

    @pytest.mark.large
    def test_one_trace_per_phase_however_the_epochs_change(self):
        super().test_one_trace_per_phase_however_the_epochs_change()

    @pytest.mark.large
    def test_xla_gives_the_same_losses(self):
        super().test_xla_gives_the_same_losses()

    @pytest.mark.large
    def test_two_replicas_train_with_equal_tables(self, two_replicas):
        super().test_two_replicas_train_with_equal_tables(two_replicas)

    @pytest.mark.large
    def test_a_saved_model_goes_on_as_if_never_saved(self, tmp_path):
        super().test_a_saved_model_goes_on_as_if_never_saved(tmp_path)

    @pytest.mark.large
    @pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
    def test_mixed_precision_trains(self, policy):
        super().test_mixed_precision_trains(policy)

    @pytest.mark.large
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

    @pytest.mark.large
    def test_the_classifier_is_left_alone_and_another_host_starts(self):
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
        started = nk.networks.warm_started(model.encoder)
        image = source.fetch([0, 1])
        np.testing.assert_array_equal(
            started(image)["embedding"], model.encoder(image)["embedding"]
        )
        host = nk.CrossEntropy(started, source.num_samples)
        host.compile(nk.MomentumSGD(0.05))
        history = host.fit(source, epochs=1, batch_size=16, verbose=0)
        assert np.isfinite(history.history["loss"]).all()

    def test_what_needs_classes_is_told(self):
        source = toy.source(64)
        model = self.compiled(source)
        with pytest.raises(ValueError, match="NearestNeighbors"):
            self.fit(model, source, 1, validation_data=source)
        with pytest.raises(ValueError, match="NearestNeighbors"):
            model.evaluate(source)
        with pytest.raises(ValueError, match="no `metrics`"):
            model.compile(metrics=["accuracy"])
