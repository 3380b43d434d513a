import os

import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.methods.dmlp import run as run_module
from noisy_keras.recipes import hosts
from noisy_keras.testing import toy

SHORT = {
    "epochs": 3,
    "drops": (2,),
    "pretrain_epochs": 2,
    "pretraining": {"batch_size": 32},
    "purifier": nk.LabelPurifier(epochs=4, substitute_every=2, seed=1),
}


def sets(count=64, rate=0.4):
    source = toy.source(count, rate=rate)
    images, labels = toy.pictures(20, seed=5)
    trusted = nk.data.from_arrays(
        images, labels, class_names=source.class_names
    )
    return source, trusted


def recipe(source, **options):
    made = nk.DMLP(toy.network(), source, **SHORT | options)
    made.compile(nk.MomentumSGD(0.05))
    return made


def quarters(source):
    """Brightness of the four quarters of a picture, which tells its class."""
    images = source.fetch(np.arange(len(source))).numpy().astype(np.float32)
    parts = images.reshape(len(source), 2, 8, 2, 8, 3).mean(axis=(2, 4, 5))
    return parts.reshape(len(source), 4) / 100.0


class Stop(Exception):
    pass


def fitted(made, source, trusted, **options):
    seen = []

    def watch(phase):
        return [
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: seen.append(
                    (phase.name, epoch)
                )
            )
        ]

    options = {"callbacks": watch, "batch_size": 16, "verbose": 0} | options
    model = made.fit(source, trusted=trusted, **options)
    return model, seen


def test_the_host_learns_purified_labels():
    source, trusted = sets(128)
    told, made = [], recipe(source, pretrain_epochs=0, epochs=6)
    model, seen = fitted(
        made,
        source,
        trusted,
        features=(quarters(source), quarters(trusted)),
        report=told.append,
    )
    assert seen == [("host", epoch) for epoch in range(6)]
    right = made.purified.label == source.true_labels
    assert right.mean() > 0.95
    assert type(model) is nk.CrossEntropy
    images, labels = toy.pictures(64, seed=9)
    assert model.evaluate(images, labels, verbose=0)[1] > 0.9
    before = np.mean(source.labels == source.true_labels)
    assert told[0] == "128 labels are purified with 20 trusted samples"
    assert told[1].startswith(f"{made.purified.replaced.sum()} of 128 labels")
    assert f"labels: {before:.1%} right before, {right.mean():.1%}" in told[1]
    audit = made.label_audit(source)
    np.testing.assert_array_equal(audit.given_label, source.labels)
    np.testing.assert_array_equal(audit.suggested_label, made.purified.label)
    held = toy.source(40, rate=0.3, seed=7)
    found = made.label_audit(source, held_out=held).of_split("validation")
    right = held.labels == held.true_labels
    assert np.mean((found.clean_probability > 0.5) == right) > 0.9


@pytest.mark.large
def test_soft_labels_and_a_host_that_learns_with_the_trusted_set():
    source, trusted = sets()
    seen = []

    def host(network, source, **options):
        seen.append(source)
        return hosts.HOSTS["l2r"](network, source, **options)

    made = recipe(
        source,
        host=host,
        pretrain_epochs=0,
        epochs=1,
        drops=(),
        soft_labels=True,
        host_options={"view": "none"},
    )
    pair = quarters(source), quarters(trusted)
    model, _ = fitted(made, source, trusted, features=pair)
    assert model.trusted is trusted
    np.testing.assert_allclose(
        seen[-1].soft_labels, made.purified.labels, atol=1e-6
    )
    assert made.settings["host"].endswith("<locals>.host")


def test_an_encoder_makes_the_features_and_they_are_kept(tmp_path):
    source, trusted = sets()
    encoder = toy.network()
    found = []
    for directory in (None, tmp_path, tmp_path):
        made = recipe(source, encoder=encoder, epochs=1, drops=())
        fitted(made, source, trusted, directory=directory)
        found.append(made.purified.labels)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[1], found[2])
    assert len(os.listdir(tmp_path / "features")) == 2
    kept = nk.PurifiedLabels.load(tmp_path / "phases" / "purified.npz")
    np.testing.assert_array_equal(kept.labels, found[0])
    other = recipe(source, encoder=toy.network(), epochs=1, drops=())
    with pytest.raises(nk.recipes.ArtefactError, match="features was"):
        fitted(other, source, trusted, directory=tmp_path)


@pytest.mark.large
def test_what_was_stopped_while_purifying_goes_on(tmp_path, monkeypatch):
    source, trusted = sets()
    options = {"encoder": toy.network(), "epochs": 1, "drops": ()}
    whole = recipe(source, **options)
    fitted(whole, source, trusted)
    fit = nk.LabelPurifier.fit

    def stopped(self, *args, **given):
        def stop(epoch, record):
            if epoch == 1:
                raise Stop

        return fit(self, *args, on_epoch_end=stop, **given)

    with monkeypatch.context() as patched:
        patched.setattr(nk.LabelPurifier, "fit", stopped)
        with pytest.raises(Stop):
            fitted(
                recipe(source, **options), source, trusted, directory=tmp_path
            )
    again = recipe(source, **options)
    fitted(again, source, trusted, directory=tmp_path)
    np.testing.assert_array_equal(again.purified.labels, whole.purified.labels)


@pytest.mark.large
def test_what_was_stopped_in_a_late_phase_ends_alike(tmp_path):
    source, trusted = sets()
    stop_after = 3
    network = toy.network()
    # Two networks: the second one's weights are drawn, and depend on nothing.
    options = SHORT | {"host": "dividemix", "warm_start": True}
    options |= {"host_options": {"warmup_epochs": 2, "rampup_epochs": 1}}

    def made():
        one = nk.DMLP(network, source, **options)
        one.compile(nk.MomentumSGD(0.05))
        return one

    def stopping(phase):
        def stop(epoch, logs):
            if epoch == stop_after:
                raise Stop

        return [keras.callbacks.LambdaCallback(on_epoch_end=stop)]

    whole, seen = fitted(made(), source, trusted)
    names = ["pretrain"] * 2 + ["host"] * 3
    assert seen == list(zip(names, range(5), strict=True))
    keras.utils.set_random_seed(3)
    with pytest.raises(Stop):
        fitted(made(), source, trusted, directory=tmp_path, callbacks=stopping)
    keras.utils.set_random_seed(4)
    gone_on, seen = fitted(made(), source, trusted, directory=tmp_path)
    assert seen[0][1] == stop_after
    for mine, own in zip(
        gone_on.get_weights(), whole.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(mine, own)
    assert os.listdir(tmp_path / "checkpoints") == ["host"]


@pytest.mark.large
@pytest.mark.parametrize("host", sorted(set(hosts.HOSTS) - {"eg"}))
def test_every_host_trains_on_purified_labels(host):
    source, trusted = sets()
    made = recipe(source, host=host, pretrain_epochs=0, epochs=1, drops=())
    model, seen = fitted(
        made,
        source,
        trusted,
        features=(quarters(source), quarters(trusted)),
    )
    assert seen == [("host", 0)]
    assert np.isfinite(model.evaluate(source, verbose=0)[0])


@pytest.mark.large
def test_two_replicas_train(two_replicas):
    source, trusted = sets()
    with two_replicas.scope():
        made = recipe(source, epochs=1, drops=())
    model, _ = fitted(made, source, trusted)
    assert np.isfinite(model.evaluate(source, verbose=0)[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"host": "elr"}, "`host` to be one of .*or a function"),
        ({"host": "eg"}, "learns from the labels that are purified"),
        ({"host": lambda network, source: network}, "a `NoisyLabelModel`"),
        ({"epochs": 0}, "`epochs` to be a whole number of at least 1"),
        ({"drops": (9,)}, "within the 3 epochs of phase 'host'"),
        ({"pretrain_epochs": -1}, "`pretrain_epochs`"),
        ({"pretraining": {"rate": 1.0}}, "Received: rate"),
        ({"pretraining": {"warmup_epochs": 2}}, "below its 2 epochs"),
        ({"pretraining": {"batch_size": 1}}, "`batch_size`"),
        ({"warm_start": True, "pretrain_epochs": 0}, "only where SimCLR is"),
        ({"soft_labels": "no"}, "True or False"),
        ({"purifier": {"epochs": 3}}, "to be a `LabelPurifier`"),
        ({"network": toy.network(size=8)}, "as the network was built for"),
    ],
)
def test_bad_settings_are_told(options, message):
    arguments = {"network": toy.network(), "source": sets()[0]}
    with pytest.raises(ValueError, match=message):
        nk.DMLP(**arguments | SHORT | options)


class Encoder(keras.Model):
    """It does not say how it was made."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def call(self, images):
        return self.network(images)["embedding"]


@pytest.mark.large
def test_other_inputs_in_the_same_folder_are_told(tmp_path):
    source, trusted = sets()

    def soft(share):
        rows = np.full((64, 4), (1.0 - share) / 3.0, np.float32)
        rows[np.arange(64), source.labels] = share
        return source.relabel(rows)

    short = {"epochs": 1, "drops": (), "pretrain_epochs": 0}
    views = quarters(source), quarters(trusted)

    def started_at(share):
        made = recipe(soft(share), **short)
        given = {"features": views, "directory": tmp_path / "soft"}
        fitted(made, soft(share), trusted, **given)

    started_at(0.7)
    started_at(0.7)
    with pytest.raises(nk.recipes.ArtefactError, match="labels was"):
        started_at(0.4)
    images = source.fetch(np.arange(64)).numpy()
    darker = nk.data.from_arrays(
        images // 2, source.labels, class_names=source.class_names
    )
    made = recipe(darker, encoder=toy.network(), **short)
    fitted(made, darker, trusted, directory=tmp_path / "pictures")
    other = trusted.fetch(np.arange(20)).numpy() // 2
    other = nk.data.from_arrays(
        other, trusted.labels, class_names=trusted.class_names
    )
    with pytest.raises(nk.recipes.ArtefactError, match="trusted was"):
        fitted(made, darker, other, directory=tmp_path / "pictures")

    def encoded(encoder):
        made = recipe(source, encoder=encoder, epochs=1, drops=())
        fitted(made, source, trusted, directory=tmp_path / "encoder")

    network = toy.network()
    encoded(Encoder(network))
    encoded(Encoder(network))
    with pytest.raises(nk.recipes.ArtefactError, match="features was"):
        encoded(Encoder(toy.network()))


def test_features_made_anew_are_no_other_data(tmp_path, monkeypatch):
    """On some devices their last bits differ from one time to the next."""
    source, trusted = sets()
    made = {"encoder": toy.network(), "epochs": 1, "drops": ()}
    measure, told = run_module.Run.measure, []

    def stopped(self, epoch, found):
        if epoch == 1:
            raise Stop
        return measure(self, epoch, found)

    with monkeypatch.context() as patched:
        patched.setattr(run_module.Run, "measure", stopped)
        patched.setattr(run_module, "SECONDS_BETWEEN_SAVES", 0.0)
        with pytest.raises(Stop):
            fitted(recipe(source, **made), source, trusted, directory=tmp_path)
    state = tmp_path / "checkpoints" / "purified"
    assert len(list(state.iterdir())) == 1
    for path in (tmp_path / "features").iterdir():
        np.save(path, np.load(path) + np.float32(1e-5))
    given = {"directory": tmp_path, "report": told.append}
    fitted(recipe(source, **made), source, trusted, **given)
    assert "features were computed again, so labels are purified again" in told
    assert not state.exists()


def test_what_cannot_be_purified_on_is_told_as_such(tmp_path):
    source, trusted = sets()
    none = {"ridge": 0.0, "epochs": 1}
    few = nk.LabelPurifier(batch_size=4, **none)
    with pytest.raises(ValueError, match="a ridge .*4 samples, and 16 feat"):
        fitted(recipe(source, purifier=few), source, trusted)
    views = [np.repeat(quarters(s), 2, axis=1) for s in (source, trusted)]
    one = recipe(source, purifier=nk.LabelPurifier(**none), pretrain_epochs=0)
    with pytest.raises(nk.recipes.PhaseError, match="Expected features of ful"):
        fitted(one, source, trusted, features=views)


@pytest.mark.large
def test_arguments_of_a_host_may_be_numbers_of_numpy(tmp_path):
    source, trusted = sets()
    made = recipe(
        source,
        host="dividemix",
        host_options={"warmup_epochs": np.int64(1)},
        epochs=2,
        pretrain_epochs=0,
    )
    views = quarters(source), quarters(trusted)
    fitted(made, source, trusted, features=views, directory=tmp_path)


def test_arguments_of_a_host_are_refused_before_the_first_phase():
    with pytest.raises(TypeError, match="warmup"):
        recipe(sets()[0], host_options={"warmup": 1})


def test_bad_data_are_told_before_the_first_phase(tmp_path):
    source, trusted = sets()
    views = quarters(source), quarters(trusted)
    broken = views[0].copy()
    broken[7] = np.nan
    for made, options, message in (
        ({}, {"trusted": trusted.subset(np.arange(2))}, "none of 2, 3"),
        ({}, {"trusted": None}, "Expected `trusted` to be a `Source`"),
        ({}, {"trusted": sets()[0].subset([0])}, "none of"),
        (
            {},
            {"trusted": trusted.subset(np.arange(4))},
            "trusted samples to spare",
        ),
        ({}, {"features": views}, "Received: both"),
        ({"pretrain_epochs": 0}, {}, "Received: neither"),
        (
            {"pretrain_epochs": 0},
            {"features": (views[0][:9], views[1])},
            "each of 64 samples of the source. Received: 9 rows",
        ),
        (
            {"pretrain_epochs": 0},
            {"features": (views[0], views[1][:, :3])},
            "as many views and columns",
        ),
        ({"pretrain_epochs": 0}, {"features": (broken, views[1])}, "NaN"),
        ({"encoder": "features.npy"}, {}, "`features` in `fit`"),
        (
            {"pretrain_epochs": 0},
            {"features": views[0]},
            r"a pair: .* Received: shape \(64, 4\)",
        ),
        ({"pretrain_epochs": 0}, {"features": views[:1]}, "Received: 1 of"),
    ):
        given = {"trusted": trusted, "directory": tmp_path / "run"} | options
        with pytest.raises(ValueError, match=message):
            fitted(recipe(source, **made), source, **given)
    assert not (tmp_path / "run").exists()
