"""How trusted samples are dealt beside batches."""

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.methods.bases.trusted_plan import TrustedPlan
from noisy_keras.methods.bases.trusted_plan import balanced_order
from noisy_keras.testing import toy


def compiled(source, build=nk.IEG, network=None):
    model = build(network or toy.network(), source.num_samples)
    model.compile(nk.MomentumSGD(0.03))
    return model


def many_classes(count=96, classes=12):
    """A source of random pictures."""
    random = np.random.RandomState(0)
    images = random.randint(0, 256, (count, 16, 16, 3)).astype(np.uint8)
    return nk.data.from_arrays(images, np.arange(count) % classes)


def model_of(source, build=nk.IEG):
    network = nk.networks.build("tiny", source, width=4)
    return compiled(source, build, network)


def test_trusted_batches_are_balanced_and_go_on_where_they_stopped():
    source = toy.source(64)
    model = compiled(source)
    model.trusted = trusted = toy.trusted(24)
    plan = TrustedPlan(model, source, 16, 0, None)
    rows = np.concatenate(
        [plan(epoch)[0].samples["trusted"] for epoch in range(3)]
    )
    for row in rows:
        assert set(np.bincount(trusted.labels[row])) == {4}
    # All come equally often; the second epoch goes on after 64 of 24.
    assert set(np.bincount(rows.ravel())) == {8}
    order = rows.ravel()[:24]
    np.testing.assert_array_equal(rows[4], order[np.arange(64, 80) % 24])


@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_trusted_pictures_are_found_under_other_ids(scale):
    images, labels = toy.pictures(64)
    source = nk.data.from_arrays(images, labels)
    model = compiled(source)
    places = [50, 9, 33, 20]
    other = images[places] if scale == 255.0 else images[places] / 255.0
    model.trusted = nk.data.from_arrays(other, labels[places])
    with pytest.warns(UserWarning, match="4 trusted samples are also"):
        plan = TrustedPlan(model, source, 16, 0, None)
    left_out = np.setdiff1d(np.arange(64), plan.indices)
    np.testing.assert_array_equal(left_out, sorted(places))


@pytest.mark.parametrize("batch_size", [12, 6, 18])
@pytest.mark.parametrize("replicas", [2, 3])
def test_every_replica_sees_all_classes(replicas, batch_size, monkeypatch):
    source, trusted = many_classes().split(trusted=2)
    model = model_of(source)
    model.trusted = trusted
    plan = TrustedPlan(model, source, batch_size, 0, None)
    monkeypatch.setattr(plan, "replicas", replicas)
    [one] = plan(0)
    shares = np.split(one.samples["trusted"], replicas, axis=1)
    for share in shares:
        # In the fewest steps that hold them.
        need = -(-12 // share.shape[1])
        seen = trusted.labels[share[:need]]
        assert set(seen.ravel()) == set(range(12))


def test_trusted_pictures_are_seen_as_training_ones_are():
    source = toy.source(64)
    assert not source.augmentation.horizontal_flip
    model = compiled(source)
    model.trusted = nk.data.from_arrays(*toy.pictures(8, seed=5))
    assert model.trusted.augmentation.horizontal_flip
    plan = TrustedPlan(model, source, 16, 0, None)
    for one in plan(0)[0].dataset():
        batch = one["train"]
        for image, label in zip(
            batch["trusted_images"].numpy(),
            batch["trusted_target"].numpy().argmax(axis=1),
            strict=True,
        ):
            # Shifted by one pixel at most, and not mirrored.
            quarters = image.reshape(2, 8, 2, 8, 3).mean(axis=(1, 3, 4))
            assert quarters.argmax() == label


@pytest.mark.parametrize("batch_size", [12, 10])
def test_mlcs_samples_keep_their_roles_and_all_classes_have_both(batch_size):
    source, trusted = many_classes().split(trusted=3)
    model = model_of(source, nk.MLC)
    model.trusted = trusted
    plan = model.make_plan(source, batch_size)
    rows = np.concatenate(
        [plan(epoch)[0].samples["trusted"] for epoch in range(4)]
    )
    half = batch_size // 2
    probe, taught = set(rows[:, :half].ravel()), set(rows[:, half:].ravel())
    assert not probe & taught
    for role in (probe, taught):
        assert set(trusted.labels[sorted(role)]) == set(range(12))


def test_mlcs_classes_of_one_trusted_sample_have_it_in_both_roles():
    source, trusted = many_classes().split(trusted=1)
    model = model_of(source, nk.MLC)
    model.trusted = trusted
    [one] = model.make_plan(source, 24)(0)
    for half in np.split(one.samples["trusted"], 2, axis=1):
        assert set(half.ravel()) == set(range(12))


def test_unequal_classes_are_dealt_evenly():
    order = balanced_order(np.array([0, 1, 1, 2, 1]))
    np.testing.assert_array_equal(order, [0, 1, 3, 0, 2, 3, 0, 4, 3])


@pytest.mark.large
def test_weights_are_shared_out_within_each_replica(two_replicas):
    source = toy.source(64)
    with two_replicas.scope():
        model = compiled(source, nk.L2R)
    options = {"batch_size": 16, "steps_per_epoch": 1, "verbose": 0}
    model.fit(source, trusted=toy.trusted(), **options)
    [one] = model.make_plan(source, 16)(0)
    weights = model.sample_weight.numpy()[one.samples["index"][0], 0]
    assert weights.min() == 0.0
    # 8 samples of an even share of 1 on each.
    for share in np.split(weights, 2):
        assert share.sum() == pytest.approx(8.0, rel=1e-3)
