"""What a Keras user expects of any model holds for these."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.testing import Killed
from noisy_keras.testing import toy


def cross_entropy(**options):
    model = nk.CrossEntropy(toy.network(), 32, **options)
    model.compile(keras.optimizers.SGD(0.05))
    return model


def arrays():
    source = toy.source(32)
    return source.fetch(range(32)).numpy(), np.array(source.labels)


def test_backup_and_restore_goes_on_where_training_was(tmp_path):
    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                raise Killed

    epochs = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: epochs.append(epoch)
    )

    def fit(*more):
        keras.utils.set_random_seed(1)
        model = cross_entropy()
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        model.fit(
            toy.source(32),
            batch_size=8,
            epochs=6,
            verbose=0,
            callbacks=[backup, *more],
        )
        return model

    with pytest.raises(Killed):
        fit(Kill())
    model = fit(note)
    assert epochs == [3, 4, 5]
    assert int(model.optimizer.iterations) == 6 * 4


def test_evaluate_gives_loss_then_metrics():
    model = nk.CrossEntropy(toy.network(), 32)
    model.compile(
        metrics=[
            "accuracy",
            keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2"),
        ]
    )
    images, labels = arrays()
    values = model.evaluate(images, labels, verbose=0)
    named = model.evaluate(images, labels, verbose=0, return_dict=True)
    assert values == pytest.approx(
        [named["loss"], named["accuracy"], named["top2"]]
    )
    logits = np.log(model.predict(images, verbose=0))
    expected = -logits[np.arange(32), labels].mean()
    assert values[0] == pytest.approx(expected, rel=1e-4)


def test_evaluate_checks_what_it_is_given():
    model = cross_entropy()
    images, labels = arrays()
    with pytest.raises(ValueError, match="white pixels"):
        model.evaluate(images / 255.0, labels, verbose=0)
    with pytest.raises(ValueError, match="integer"):
        model.evaluate(images, labels + 0.6, verbose=0)
    with pytest.raises(ValueError, match=r"of shape \[N, 4\]"):
        model.evaluate(images, np.eye(5)[labels % 4], verbose=0)
    with pytest.raises(ValueError, match="`validation_data`"):
        model.fit(toy.source(32), validation_data=images, verbose=0)


def test_float16_is_trained_with_a_loss_scale():
    keras.mixed_precision.set_global_policy("mixed_float16")
    model = nk.CrossEntropy(toy.network(), 32)
    model.compile()
    scaled = keras.optimizers.LossScaleOptimizer
    assert isinstance(model.optimizer, scaled)
    model.compile(scaled(keras.optimizers.SGD(0.1)))
    assert isinstance(model.optimizer.inner_optimizer, keras.optimizers.SGD)


def test_clipping_knows_the_loss_scale():
    def weights_after(optimizer):
        keras.utils.set_random_seed(2)
        model = nk.DivideMix(
            toy.network(), 32, warmup_epochs=1, warmup_clip_norm=0.1
        )
        model.compile(optimizer)
        model.fit(toy.source(32), batch_size=8, epochs=1, verbose=0)
        return model.get_weights()[0]

    plain = weights_after(keras.optimizers.SGD(0.1))
    scaled = weights_after(
        keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))
    )
    np.testing.assert_allclose(scaled, plain, rtol=1e-4, atol=1e-6)


def test_equal_names_of_loss_terms_are_refused():
    plugins = [nk.AdversarialNoisyMasking(), nk.AdversarialNoisyMasking()]
    with pytest.raises(ValueError, match="`loss_name`s differ"):
        nk.CrossEntropy(toy.network(), 32, plugins=plugins)


def test_the_same_network_twice_is_refused():
    network = toy.network()
    with pytest.raises(ValueError, match="the same network twice"):
        nk.DivideMix([network, network], 32)


def test_datasets_of_dicts_are_taken_and_others_told():
    images, labels = arrays()
    rows = {"image": images, "label": labels}
    dataset = tf.data.Dataset.from_tensor_slices(rows)
    history = cross_entropy().fit(dataset, batch_size=8, verbose=0)
    assert np.isfinite(history.history["loss"][0])
    wrong = tf.data.Dataset.from_tensor_slices({"x": images})
    with pytest.raises(ValueError, match=r"phases \['plugin', 'train'\]"):
        cross_entropy().fit(wrong.batch(8), verbose=0)


def test_a_shuffled_dataset_keeps_each_samples_row():
    images, labels = arrays()
    dataset = tf.data.Dataset.from_tensor_slices((images, labels))
    dataset = dataset.shuffle(32).batch(8)
    model = cross_entropy()
    model.fit(dataset, batch_size=8, verbose=0)
    once = model.prediction_history.numpy().sum(axis=1)
    model.fit(dataset, batch_size=8, verbose=0)
    np.testing.assert_allclose(once, 1.0, rtol=1e-5)
    from noisy_keras.core import inputs

    read = [inputs._read_once(dataset, model)[0].labels for _ in range(2)]
    np.testing.assert_array_equal(*read)


def test_batches_alone_cannot_be_trained_on():
    with pytest.raises(ValueError, match="Expected `fit`"):
        cross_entropy().train_on_batch(*arrays())


@pytest.mark.parametrize("seed", [None, -1, 1.5])
def test_seeds_are_checked(seed):
    with pytest.raises(ValueError, match="`seed`"):
        cross_entropy().fit(toy.source(32), seed=seed, verbose=0)


def test_stopping_at_an_epochs_start_trains_no_more():
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    model = cross_entropy()
    model.fit(
        toy.source(32), batch_size=8, epochs=3, callbacks=[Stop()], verbose=0
    )
    assert int(model.optimizer.iterations) == 4


def test_stopping_within_an_epoch_leaves_the_rest_to_be_done():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    model = cross_entropy()
    model.fit(toy.source(32), batch_size=8, callbacks=[Stop()], verbose=0)
    assert (model.position.epoch, model.position.step) == (0, 2)


def test_validation_in_some_epochs():
    model = cross_entropy()
    history = model.fit(
        toy.source(32),
        batch_size=8,
        epochs=3,
        validation_data=toy.source(32),
        validation_freq=[2],
        verbose=0,
    )
    assert len(history.history["val_loss"]) == 1
    assert len(history.history["loss"]) == 3


def test_an_exported_model_answers_alike(tmp_path):
    model = nk.DivideMix(toy.network(), 32)
    model.compile()
    model.export(tmp_path / "served", verify=False)
    images = arrays()[0].astype(np.float32)
    loaded = tf.saved_model.load(tmp_path / "served")
    answer = loaded.serve(images)
    np.testing.assert_allclose(answer, model(images), atol=1e-5)


def test_the_summary_counts_the_decoders(capsys):
    model = nk.SANM(toy.network(), toy.source(32))
    model.summary()
    assert "unbuilt" not in capsys.readouterr().out
