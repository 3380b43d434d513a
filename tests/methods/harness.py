"""What every method must do; a method's test says how to build it.

Subclass `MethodHarness` in a test file, with `build`, and pytest runs the
tests below on it.
"""

import os

import keras
import numpy as np
import pytest
from sklearn import metrics

import noisy_keras as nk
from tests import toy
from tests.kills import KillAfter
from tests.kills import Killed


class MethodHarness:
    """Tests of one method.

    Attributes:
        epochs: that learn the toy set; the later ones are past any warm-up.
        phases: names of the phases that a run goes through.
        large: tests that take so long with this method that they are marked
            `large`.
    """

    epochs = 8
    batch_size = 16
    learning_rate = 0.05
    phases = ()
    large = ()

    def build(self, source):
        """The uncompiled model for a source, with a warm-up of few epochs."""
        raise NotImplementedError

    def compiled(self, source, **options):
        model = self.build(source)
        options.setdefault("optimizer", nk.MomentumSGD(self.learning_rate))
        model.compile(**options)
        return model

    def fit(self, model, source, epochs, **options):
        return model.fit(
            source,
            epochs=epochs,
            batch_size=self.batch_size,
            verbose=0,
            **options,
        )

    def test_it_learns_and_finds_planted_wrong_labels(self):
        source = toy.source(128, rate=0.3)
        model = self.compiled(source)
        history = self.fit(model, source, self.epochs)
        assert np.isfinite(history.history["loss"]).all()
        clean, labels = toy.pictures(64, seed=9)
        results = model.evaluate(clean, labels, verbose=0, return_dict=True)
        assert results["accuracy"] > 0.9
        audit = model.label_audit(source)
        right = source.labels == source.true_labels
        assert metrics.roc_auc_score(right, audit.clean_probability) > 0.95
        assert np.mean(audit.suggested_label == source.true_labels) > 0.9
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
                model, source, self._past_warmup(), steps_per_epoch=2
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
        history = self.fit(model, source, self._past_warmup())
        assert np.isfinite(history.history["loss"]).all()
        for table in model._flatten_layers(include_self=False):
            if isinstance(table, nk.SampleTable):
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
        epochs = self._past_warmup()
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
        epochs = self._past_warmup() + 1
        whole, killed = self.compiled(source), self.compiled(source)
        killed.set_weights(whole.get_weights())
        history = self.fit(whole, source, epochs).history
        with pytest.raises(Killed):
            saves = nk.callbacks.ResumableCheckpoint(tmp_path, minutes=0)
            # In the last epoch but one.
            dies = KillAfter(2, epoch=epochs - 2)
            self.fit(killed, source, epochs, callbacks=[saves, dies])
        resumed = self.compiled(source)
        checkpoint = nk.callbacks.ResumableCheckpoint(tmp_path)
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
        history = self.fit(
            model, source, self._past_warmup(), steps_per_epoch=2
        )
        assert np.isfinite(history.history["loss"]).all()
        tables = {
            id(layer.rows)
            for layer in model._flatten_layers(include_self=False)
            if isinstance(layer, nk.SampleTable)
        }
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
        lied = source.relabel(source.labels)
        lied.true_labels = (source.true_labels + 1) % toy.CLASSES
        plan = self.compiled(source).make_plan(source, self.batch_size)
        for epoch in (0, self._past_warmup()):
            for one in plan(epoch):
                fields = str(one.dataset().element_spec)
                assert "true" not in fields
        weights, results = None, []
        for each in (source, lied):
            model = self.compiled(each)
            weights = weights or model.get_weights()
            model.set_weights(weights)
            self.fit(model, each, self._past_warmup(), steps_per_epoch=2)
            results.append(model.get_weights())
        for first, second in zip(*results, strict=True):
            np.testing.assert_array_equal(first, second)

    def test_a_source_that_does_not_fit_is_told(self):
        model = self.compiled(toy.source(64))
        for other, message in (
            (toy.source(32), "samples as the model was built for: 64"),
            (toy.source(64, size=8), "images as the model was built for"),
        ):
            with pytest.raises(ValueError, match=message):
                self.fit(model, other, 1)
        with pytest.raises(ValueError, match="batch_size=65"):
            model.fit(toy.source(64), batch_size=65, epochs=1, verbose=0)
        unit = nk.data.from_arrays(
            toy.pictures(64)[0] / 255.0, toy.pictures(64)[1]
        )
        with pytest.raises(ValueError, match="white pixels .* 255"):
            self.fit(model, unit, 1)

    def _past_warmup(self):
        """Epochs of which the last is past the warm-up."""
        return 2
