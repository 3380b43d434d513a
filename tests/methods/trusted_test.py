"""What methods with a trusted set do where that is large, or no help."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import noisy_keras as nk
from noisy_keras.data.sources.file_source import FileSource
from noisy_keras.ops import meta
from noisy_keras.testing import toy


def compiled(build, source, **options):
    model = build(toy.network(), source.num_samples, **options)
    model.compile(nk.MomentumSGD(0.03))
    return model


def pictures_in(folder, count):
    """A folder of the toy's pictures, one sub-folder per class."""
    images, labels = toy.pictures(count)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / f"class_{label}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return str(folder)


@pytest.fixture
def read(monkeypatch):
    """How many picture files were read at a time."""
    counts, read = [], FileSource._read

    def counted(source, rows, size):
        counts.append(len(rows))
        return read(source, rows, size)

    monkeypatch.setattr(FileSource, "_read", counted)
    return counts


def test_trusted_files_are_read_as_steps_need_them(tmp_path, read):
    source = nk.data.from_folder(pictures_in(tmp_path, 64), image_size=16)
    train, checked = source.split(trusted=4)
    assert read == []
    model = compiled(nk.L2R, train)
    model.fit(train, trusted=checked, epochs=1, batch_size=8, verbose=0)
    # A batch and a trusted one in each of six steps.
    assert max(read) == 8 and 12 * 8 <= sum(read) < 16 * 8


@pytest.mark.parametrize(
    ("build", "options"), [(nk.IEG, {"strong_view": "weak"}), (nk.L2R, {})]
)
def test_a_step_goes_on_without_samples_of_any_weight(
    build, options, monkeypatch
):
    monkeypatch.setattr(meta, "sample_weights", tf.zeros_like)
    source = toy.source(64)
    model = compiled(build, source, **options)
    before = [v.numpy() for v in model.networks[0].trainable_variables]
    history = model.fit(
        source, trusted=toy.trusted(), epochs=1, batch_size=16, verbose=0
    ).history
    assert history["zero_weights"] == [1.0]
    assert history["loss_weighted"] == [0.0]
    assert all(np.isfinite(values).all() for values in history.values())
    after = [v.numpy() for v in model.networks[0].trainable_variables]
    moved = [np.abs(a - b).max() for a, b in zip(after, before, strict=True)]
    assert np.isfinite(moved).all()
    # IEG has other terms.
    assert (max(moved) > 0.0) == (build is nk.IEG)
    assert not np.isnan(model.sample_weight.numpy()).any()


@pytest.mark.parametrize("normalized", [False, True])
def test_weights_that_a_network_takes_from_all(normalized, monkeypatch):
    source = toy.source(64)
    model = compiled(nk.MetaWeightNet, source, normalized=normalized)
    # So low that float32 has nothing but zero.
    output = model.weight_network.variables[-1]
    output.assign(tf.fill(output.shape, -200.0))
    history = model.fit(
        source, trusted=toy.trusted(), epochs=1, batch_size=16, verbose=0
    ).history
    assert history["mean_weight"] == [0.0]
    assert all(np.isfinite(values).all() for values in history.values())


def test_views_of_one_name_are_two():
    source = toy.source(64)
    model = compiled(nk.IEG, source, view="weak", strong_view="weak")
    model.trusted = toy.trusted()
    [one] = model.make_plan(source, 16)(0)
    batch = next(iter(one.dataset()))["train"]
    assert np.any(batch["images"] != batch["strong"])
    # Another one starts from the same weak view.
    model = compiled(nk.IEG, source, strong_view="autoaugment")
    model.trusted = toy.trusted()
    [one] = model.make_plan(source, 16)(0)
    batch = next(iter(one.dataset()))["train"]
    same = np.all(batch["images"] == batch["strong"], axis=(1, 2, 3))
    assert same.any()


def test_many_missing_classes_are_cut_short():
    images, labels = toy.pictures(48)
    source = nk.data.from_arrays(images, np.arange(48) % 12)
    network = nk.networks.build("tiny", source, width=4)
    model = nk.L2R(network, 48)
    model.compile(nk.MomentumSGD(0.03))
    few = source.subset(range(2))
    with pytest.raises(ValueError, match=r"none of 2, 3, 4, \.\.\.$"):
        model.fit(source, trusted=few, epochs=1)


def test_trusted_samples_of_other_classes_are_refused():
    images, labels = toy.pictures(48)
    source = nk.data.from_arrays(images, labels, class_names=[*"abcd"])
    other = nk.data.from_arrays(images, labels, class_names=[*"acbd"])
    model = compiled(nk.IEG, source)
    with pytest.raises(ValueError, match=r"same order.*: b and c, c and b"):
        model.fit(source, trusted=other, verbose=0)


def test_something_must_be_left_to_train_on():
    source = toy.source(16)
    model = compiled(nk.IEG, source)
    with (
        pytest.warns(UserWarning, match="16 trusted samples"),
        pytest.raises(ValueError, match="to train on.*Received: all 16 trust"),
    ):
        model.fit(source, trusted=source, epochs=1, verbose=0)


def test_arguments_come_in_keras_order():
    source = toy.source(64)
    model = compiled(nk.L2R, source)
    steps = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: steps.append(batch)
    )
    options = {"trusted": toy.trusted(), "verbose": 0}
    history = model.fit(source, None, 32, 3, callbacks=[watch], **options)
    assert steps == [0, 1] * 3 and history.epoch == [0, 1, 2]


def test_batches_that_bring_their_trusted_samples_need_no_others():
    source = toy.source(64)
    model = compiled(nk.L2R, source)
    model.trusted = toy.trusted()
    [one] = model.make_plan(source, 16)(0)
    again = compiled(nk.L2R, source)
    history = again.fit(one.dataset(), epochs=1, verbose=0).history
    assert np.isfinite(history["probe_loss"]).all()
    with pytest.raises(ValueError, match="its own trusted.*Received: trusted="):
        again.fit(one.dataset(), trusted=toy.trusted(), epochs=1)
    loose = one.dataset().unbatch().batch(16)
    with pytest.raises(ValueError, match="drop_remainder=True"):
        again.fit(loose, epochs=2, verbose=0)


@pytest.mark.parametrize(
    ("build", "optimizer", "message"),
    [
        (nk.IEG, keras.optimizers.Adam(), "`nk.MomentumSGD`, whose momentum"),
        *(
            (
                build,
                nk.MomentumSGD(0.1, gradient_accumulation_steps=2),
                "gradient_accumulation_steps=2",
            )
            for build in (nk.IEG, nk.EG)
        ),
    ],
)
def test_an_optimizer_that_is_refused_is_not_taken(build, optimizer, message):
    model = build(toy.network(), 8)
    with pytest.raises(ValueError, match=message):
        model.compile(optimizer)
    assert not model.compiled


@pytest.mark.parametrize("when", ["before", "after"])
def test_frozen_layers_are_the_same_in_float32(when):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    network = toy.network()

    def freeze():
        for layer in network.layers:
            layer.trainable = layer.name == "logits"

    if when == "before":
        freeze()
    model = nk.L2R(network, 8)
    freeze()
    model.compile(nk.MomentumSGD(0.1))
    images = tf.cast(toy.pictures(8)[0], tf.float32)
    theta = model.parameters()
    assert len(theta) == len(network.get_layer("logits").weights)
    np.testing.assert_allclose(
        model.exact_forward(theta, images),
        model.forward(theta, images),
        atol=0.02,
    )
