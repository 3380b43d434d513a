import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.networks import head
from noisy_keras.recipes import c2d
from noisy_keras.recipes import hosts
from noisy_keras.testing import toy

SHORT = {
    "epochs": 3,
    "drops": (2,),
    "pretrain_epochs": 2,
    "pretraining": {"batch_size": 32},
}


def is_classifier(network):
    own = {id(w) for w in network.get_layer(head.CLASSIFIER).weights}
    return [id(w) in own for w in network.weights]


def test_all_networks_start_from_the_encoder_with_classifiers_of_their_own():
    source, network = toy.source(32), toy.network()
    model = hosts.build("dividemix", network, source, {}, seed=0, warm=True)
    assert model.networks[0] is network
    kernels = 0
    for new, mine, own in zip(
        model.networks[1].get_weights(),
        network.get_weights(),
        is_classifier(network),
        strict=True,
    ):
        if own and new.ndim > 1:
            kernels += 1
            assert not np.array_equal(new, mine)
        elif not own:
            np.testing.assert_array_equal(new, mine)
    assert kernels == 1
    # What was drawn before does not matter.
    keras.utils.set_random_seed(7)
    again = hosts.build("dividemix", network, source, {}, seed=0, warm=True)
    for mine, own in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, own)


class Watched(nk.CrossEntropy):
    """Notes the weights that it starts from, and the epochs of its plan."""

    def __init__(self, network, num_samples):
        super().__init__(network, num_samples)
        self.start = network.get_weights()
        self.counted = []

    def make_plan(self, *args, **options):
        plan = super().make_plan(*args, **options)
        begin = plan.begin_epoch

        def noted(epoch):
            self.counted.append(epoch)
            begin(epoch)

        plan.begin_epoch = noted
        return plan


def test_a_host_starts_from_the_encoder_and_counts_its_own_epochs(tmp_path):
    source = toy.source(64, rate=0.4)
    network = toy.network()
    made = nk.C2D(
        network,
        source,
        host=lambda network, source: Watched(network, len(source)),
        **SHORT,
    )
    made.compile(nk.MomentumSGD(0.1))
    rates = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rates.append(
            (epoch, round(logs.get("learning_rate", 0.0), 6))
        )
    )
    model = made.fit(
        source,
        batch_size=16,
        verbose=0,
        directory=tmp_path,
        validation_data=source,
        callbacks=[watch],
    )
    assert model.counted == [0, 1, 2]
    # SimCLR's rate follows its own schedule.
    assert rates == [(0, 0.0), (1, 0.0), (2, 0.1), (3, 0.1), (4, 0.01)]
    with np.load(tmp_path / "phases" / "pretrain.npz") as kept:
        encoder = [kept[name] for name in sorted(kept.files)]
    changed = 0
    for start, learnt, before in zip(
        model.start, encoder, network.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(start, learnt)
        changed += not np.array_equal(learnt, before)
    assert changed > len(encoder) / 2


def test_the_released_choices_are_for_dividemix_alone():
    source = toy.source(32)
    made = nk.C2D(toy.network(), source, **SHORT)
    assert made.settings["host_options"] == c2d.RELEASED
    plain = nk.C2D(toy.network(), source, host="cross_entropy", **SHORT)
    assert plain.settings["host_options"] == {}
    own = nk.C2D(
        toy.network(), source, host_options={"warmup_epochs": 1}, **SHORT
    )
    assert own.settings["host_options"] == {"warmup_epochs": 1}


def test_a_trained_network_needs_no_first_phase(tmp_path):
    source = toy.source(64)
    encoder = nk.networks.warm_started(toy.network())
    made = nk.C2D(
        encoder,
        source,
        host="cross_entropy",
        epochs=1,
        drops=(),
        pretrain_epochs=0,
    )
    assert [phase.name for phase in made.phases] == ["host"]
    made.fit(source, batch_size=16, verbose=0, directory=tmp_path)
    assert not (tmp_path / "phases" / "pretrain.npz").exists()
    with pytest.raises(ValueError, match="network='tiny', of random weights"):
        nk.C2D("tiny", source, pretrain_epochs=0)


@pytest.mark.large
def test_a_host_may_learn_from_no_label_but_the_trusted_ones():
    source = toy.source()
    source, trusted = source.split(trusted=2)
    made = nk.C2D(toy.network(), source, host="eg", **SHORT)
    made.compile(nk.MomentumSGD(0.01))
    model = made.fit(source, trusted=trusted, batch_size=32, verbose=0)
    assert type(model) is nk.EG
    assert np.isfinite(model.evaluate(source, verbose=0)[0])


def test_a_host_with_a_trusted_set_asks_for_one():
    source = toy.source(32)
    made = nk.C2D(toy.network(), source, host="l2r", **SHORT)
    with pytest.raises(ValueError, match="Expected `trusted`: l2r learns"):
        made.fit(source, verbose=0)
