"""Tests that every method must pass."""

import os

import keras
import numpy as np
import pytest
from sklearn import metrics

from noisy_keras.callbacks import ResumableCheckpoint
from noisy_keras.data.sources.array_source import from_arrays
from noisy_keras.optimizers import MomentumSGD
from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.testing import toy
from noisy_keras.testing.interruption import KillAfter
from noisy_keras.testing.interruption import Killed


class MethodTests:
    """Tests of one method, to be subclassed in a test file.

    They train the method on a toy problem: it learns; its audit finds planted
    wrong labels; each phase is traced once; compiled by XLA it gives the same
    losses; on two replicas, tables and weights stay equal; it is saved and
    loaded, and goes on; a run that is killed within an epoch and resumed ends
    as if it had not been; it trains in mixed precision; true labels do not
    influence it; and a source that does not fit is refused.

    Implement `build`; set the attributes that differ.

    Attributes:
        epochs: int, number of epochs in which the method learns the toy
            problem.
        phases: tuple of the names of all phases that these epochs have.
        batch_size: int, number of samples in a step.
        learning_rate: float, learning rate of `MomentumSGD`.
        least_accuracy: float, what the accuracy on other samples must exceed.
        least_auc: float, what the area under the ROC curve of the clean
            probability must exceed.
        large: tuple of the names of tests that are marked `large`, because
            they take long with this method.

    Example:
        >>> from noisy_keras import testing
        >>> class TestCrossEntropy(testing.MethodTests):
        ...     phases = ("train",)
        ...
        ...     def build(self, source):
        ...         return nk.CrossEntropy(testing.toy.network(), source)
    """

    epochs = 8
    phases = ("train",)
    batch_size = 16
    learning_rate = 0.05
    least_accuracy = 0.9
    least_auc = 0.95
    large = ()

    # What a subclass defines.

    def build(self, source):
        """Builds the uncompiled model, with a warm-up of few epochs.

        Args:
            source: `Source` of the toy problem; `toy.network()` is a network
                for it.

        Returns:
            A `NoisyLabelModel`.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must implement `build(source)`."
        )

    def past_warmup(self):
        """A small number of epochs, the last of which is after the warm-up.

        Returns:
            int, 2 unless overridden.
        """
        return 2

    # What it may override.

    def compiled(self, source, **options):
        """Builds and compiles the model.

        Args:
            source: `Source`.
            **options: arguments of `compile`.

        Returns:
            A compiled `NoisyLabelModel`.
        """
        model = self.build(source)
        options.setdefault("optimizer", MomentumSGD(self.learning_rate))
        model.compile(**options)
        return model

    def fit(self, model, source, epochs, **options):
        """Trains the model.

        Args:
            model: compiled `NoisyLabelModel`.
            source: `Source`.
            epochs: int, number of epochs.
            **options: arguments of `fit`.

        Returns:
            Keras' `History`.
        """
        return model.fit(
            source,
            epochs=epochs,
            batch_size=self.batch_size,
            verbose=0,
            **options,
        )

    @pytest.fixture(autouse=True)
    def _seeded(self):
        keras.utils.set_random_seed(0)
        yield
        keras.mixed_precision.set_global_policy("float32")

    # The tests.

    def test_it_learns_and_finds_planted_wrong_labels(self):
        source = toy.source(128, rate=0.3)
        model = self.compiled(source)
        history = self.fit(model, source, self.epochs)
        assert np.isfinite(history.history["loss"]).all()
        clean, labels = toy.pictures(64, seed=9)
        results = model.evaluate(clean, labels, verbose=0, return_dict=True)
        assert results["accuracy"] > self.least_accuracy
        audit = model.label_audit(source)
        right = source.labels == source.true_labels
        auc = metrics.roc_auc_score(right, audit.clean_probability)
        assert auc > self.least_auc
        suggested = np.mean(audit.suggested_label == source.true_labels)
        assert suggested > self.least_accuracy
        assert audit.counts()["ok"] >= 0.6 * len(audit)
        probabilities = model.predict(clean, verbose=0)
        assert probabilities.shape == (64, toy.CLASSES)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)
        np.testing.assert_allclose(
            probabilities, model(clean[:64]).numpy(), atol=1e-5
        )

    def test_one_trace_per_phase_however_the_epochs_change(self):
        source = toy.source(64)
        model = self.compiled(source)
        traced = []
        steps = model.steps()

        def counted(phase):
            def step(data):
                traced.append(phase)
                steps[phase](data)

            return step

        model.steps = lambda: {phase: counted(phase) for phase in steps}
        self.fit(model, source, self.epochs)
        assert sorted(traced) == sorted(self.phases)

    def test_xla_gives_the_same_losses(self):
        source = toy.source(64)
        histories = []
        weights = None
        for jit in (False, True):
            model = self.compiled(source, jit_compile=jit)
            if weights is None:
                weights = model.get_weights()
            model.set_weights(weights)
            history = self.fit(
                model, source, self.past_warmup(), steps_per_epoch=2
            )
            histories.append(history.history)
        for name in histories[0]:
            np.testing.assert_allclose(
                histories[0][name], histories[1][name], rtol=2e-3, atol=2e-4
            )

    def test_two_replicas_train_with_equal_tables(self, two_replicas):
        source = toy.source(64)
        strategy = two_replicas
        with strategy.scope():
            model = self.compiled(source)
        history = self.fit(model, source, self.past_warmup())
        assert np.isfinite(history.history["loss"]).all()
        for table in _tables(model):
            first, second = strategy.experimental_local_results(
                table.rows.value
            )
            np.testing.assert_array_equal(first.numpy(), second.numpy())
        for weight in model.trainable_variables:
            first, second = strategy.experimental_local_results(weight.value)
            np.testing.assert_array_equal(first.numpy(), second.numpy())
        assert len(model.label_audit(source)) == 64

    def test_a_saved_model_goes_on_as_if_never_saved(self, tmp_path):
        source = toy.source(64)
        model = self.compiled(source)
        epochs = self.past_warmup()
        self.fit(model, source, epochs)
        path = os.path.join(tmp_path, "model.keras")
        model.save(path)
        loaded = keras.models.load_model(path)
        assert type(loaded) is type(model)
        assert loaded.settings == model.settings
        for mine, other in zip(model.variables, loaded.variables, strict=True):
            np.testing.assert_array_equal(mine.numpy(), other.numpy())
        losses = [
            self.fit(m, source, epochs + 1, initial_epoch=epochs).history
            for m in (model, loaded)
        ]
        assert losses[0] == losses[1]

    @pytest.mark.large
    def test_a_run_killed_within_an_epoch_ends_as_if_it_had_not_been(
        self, tmp_path
    ):
        source = toy.source(64)
        epochs = self.past_warmup() + 1
        whole, killed = self.compiled(source), self.compiled(source)
        killed.set_weights(whole.get_weights())
        history = self.fit(whole, source, epochs).history
        with pytest.raises(Killed):
            saves = ResumableCheckpoint(tmp_path, minutes=0)
            # In the last epoch but one.
            dies = KillAfter(2, epoch=epochs - 2)
            self.fit(killed, source, epochs, callbacks=[saves, dies])
        resumed = self.compiled(source)
        checkpoint = ResumableCheckpoint(tmp_path)
        rest = self.fit(resumed, source, epochs, callbacks=[checkpoint]).history
        # A term that an epoch does not have is NaN.
        last = {name: each[-2:] for name, each in history.items()}
        np.testing.assert_equal(rest, last)
        for one, other in zip(
            whole.variables + whole.optimizer.variables,
            resumed.variables + resumed.optimizer.variables,
            strict=True,
        ):
            np.testing.assert_array_equal(one.numpy(), other.numpy())

    @pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
    def test_mixed_precision_trains(self, policy):
        source = toy.source(64)
        keras.mixed_precision.set_global_policy(policy)
        model = self.compiled(source)
        history = self.fit(model, source, self.past_warmup(), steps_per_epoch=2)
        assert np.isfinite(history.history["loss"]).all()
        tables = {id(table.rows) for table in _tables(model)}
        for variable in model.variables:
            if id(variable) not in tables:
                assert variable.dtype in (
                    "float32",
                    "int32",
                    "int64",
                    "uint32",
                )

    def test_true_labels_reach_no_batch(self):
        source = toy.source(64)
        other = source.relabel(source.labels)
        other.true_labels = (source.true_labels + 1) % toy.CLASSES
        plan = self.compiled(source).make_plan(source, self.batch_size)
        for epoch in (0, self.past_warmup()):
            for one in plan(epoch):
                fields = str(one.dataset().element_spec)
                assert "true" not in fields
        weights, results = None, []
        for each in (source, other):
            model = self.compiled(each)
            weights = weights or model.get_weights()
            model.set_weights(weights)
            self.fit(model, each, self.past_warmup(), steps_per_epoch=2)
            results.append(model.get_weights())
        for first, second in zip(*results, strict=True):
            np.testing.assert_array_equal(first, second)

    def test_a_source_that_does_not_fit_is_refused(self):
        model = self.compiled(toy.source(64))
        for other, message in (
            (toy.source(32), "samples as the model was built for: 64"),
            (toy.source(64, size=8), "images as the model was built for"),
        ):
            with pytest.raises(ValueError, match=message):
                self.fit(model, other, 1)
        with pytest.raises(ValueError, match="batch_size=65"):
            model.fit(toy.source(64), batch_size=65, epochs=1, verbose=0)
        unit = from_arrays(toy.pictures(64)[0] / 255.0, toy.pictures(64)[1])
        with pytest.raises(ValueError, match="white pixels .* 255"):
            self.fit(model, unit, 1)


def _tables(model):
    return [
        layer
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, SampleTable)
    ]
