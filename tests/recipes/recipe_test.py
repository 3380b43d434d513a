import os

import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.recipes import artefacts
from noisy_keras.recipes import phases
from noisy_keras.testing import toy


def test_phases_count_their_epochs_through():
    first, second = phases.in_order(("a", 3, (1, 2)), ("b", 2, (1,)))
    assert (first.first_epoch, first.end, first.drops) == (0, 3, (1, 2))
    assert (second.first_epoch, second.end, second.drops) == (3, 5, (4,))


@pytest.mark.parametrize(
    ("phase", "message"),
    [
        (("a", 0, ()), "at least 1 epoch in phase 'a'. Received: 0"),
        (("a", 1.5, ()), "Received: 1.5"),
        (("a", 3, (4,)), r"within the 3 epochs of phase 'a'.*\(4,\)"),
    ],
)
def test_bad_phases_are_told(phase, message):
    with pytest.raises(ValueError, match=message):
        phases.in_order(phase)


def kept_in(folder, config=None, names=("one", "two", "three")):
    return artefacts.Artefacts(folder, config or {"a": 1}, names)


@pytest.mark.parametrize("on_disk", [True, False])
def test_artefacts_are_kept(tmp_path, on_disk):
    kept = kept_in(tmp_path if on_disk else None)
    assert not kept.has("one")
    kept.save("one", values=np.arange(3), told="fitted")
    assert kept.has("one")
    found = kept.load("one")
    np.testing.assert_array_equal(found["values"], np.arange(3))
    assert str(found["told"]) == "fitted"
    if on_disk:
        assert kept_in(tmp_path).has("one")


def test_artefacts_of_another_configuration_are_refused(tmp_path):
    kept_in(tmp_path, {"a": 1, "b": (1, 2)})
    kept_in(tmp_path, {"a": 1, "b": (1, 2)})
    with pytest.raises(
        nk.recipes.ArtefactError, match=r"a was 1, now 2; b was \[1, 2\], now"
    ):
        kept_in(tmp_path, {"a": 2, "b": (1, 3)})


def test_a_missing_artefact_is_told(tmp_path):
    kept = kept_in(tmp_path)
    kept.save("one", x=1)
    kept.save("three", x=1)
    with pytest.raises(
        nk.recipes.ArtefactError, match="two.npz, from which three.npz"
    ):
        kept_in(tmp_path)


def test_a_broken_artefact_is_told_and_no_pickle_is_read(tmp_path):
    kept = kept_in(tmp_path)
    kept.save("one", x=np.arange(100))
    path = tmp_path / "one.npz"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(nk.recipes.ArtefactError, match="cannot be read"):
        kept.load("one")
    np.savez(path, x=np.array([object()], object))
    with pytest.raises(nk.recipes.ArtefactError, match="cannot be read"):
        kept.load("one")


class TwoPhases(nk.recipes.Recipe):
    """Trains, then trains another network of the same start."""

    artefact_names = ("first",)

    def __init__(self, network, epochs=(2, 3)):
        super().__init__(network)
        self.settings = {"epochs": epochs}
        self.phases = phases.in_order(
            ("first", epochs[0], ()), ("second", epochs[1], (1,))
        )
        self.starts = []

    def default_optimizer(self):
        return nk.MomentumSGD(0.1)

    def run(self, training):
        def build():
            network = training.fresh_network()
            self.starts.append(network.get_weights())
            return nk.CrossEntropy(network, training.source.num_samples)

        first, second = self.phases
        training.train_once(first, build)
        return training.train(second, build)


def rates_of(made, source, **options):
    rates = []

    def watch(phase):
        return [
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: rates.append(
                    (phase.name, epoch, round(logs["learning_rate"], 6))
                )
            )
        ]

    model = made.fit(
        source, batch_size=16, verbose=0, callbacks=watch, **options
    )
    return model, rates


def test_every_phase_starts_alike_and_rates_drop_within_it():
    network = toy.network()
    before = network.get_weights()
    made = TwoPhases(network)
    _, rates = rates_of(made, toy.source(32))
    assert rates == [
        ("first", 0, 0.1),
        ("first", 1, 0.1),
        ("second", 2, 0.1),
        ("second", 3, 0.01),
        ("second", 4, 0.01),
    ]
    for start in made.starts:
        for mine, own in zip(start, before, strict=True):
            np.testing.assert_array_equal(mine, own)
    # The network given is left as it was.
    for mine, own in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, own)


def test_a_list_of_callbacks_is_for_all_phases():
    epochs = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: epochs.append(epoch)
    )
    TwoPhases(toy.network()).fit(
        toy.source(32), batch_size=16, verbose=0, callbacks=[watch]
    )
    assert epochs == [0, 1, 2, 3, 4]


def test_a_schedule_of_rates_is_left_alone():
    made = TwoPhases(toy.network())
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    made.compile(keras.optimizers.SGD(rate))
    model = made.fit(toy.source(32), batch_size=16, verbose=0)
    # Two steps in each of three epochs: each phase has a fresh optimizer.
    assert int(model.optimizer.iterations) == 6


class Stop(Exception):
    pass


@pytest.mark.parametrize(
    "stop_after",
    [
        0,
        pytest.param(1, marks=pytest.mark.large),
        pytest.param(2, marks=pytest.mark.large),
        pytest.param(3, marks=pytest.mark.large),
    ],
)
def test_what_was_stopped_in_any_phase_ends_alike(tmp_path, stop_after):
    source = toy.source(32)
    whole, _ = rates_of(TwoPhases(toy.network()), source)

    def stopping(phase):
        def stop(epoch, logs):
            if epoch == stop_after:
                raise Stop

        # Before the checkpoint of the epoch is written.
        return [keras.callbacks.LambdaCallback(on_epoch_end=stop)]

    keras.utils.set_random_seed(0)
    with pytest.raises(Stop):
        TwoPhases(toy.network()).fit(
            source,
            batch_size=16,
            verbose=0,
            directory=tmp_path,
            callbacks=stopping,
        )
    # As another process would: other random weights, which do not matter.
    keras.utils.set_random_seed(1)
    gone_on, rates = rates_of(
        TwoPhases(toy.network()), source, directory=tmp_path
    )
    assert rates[0][1] == stop_after
    for mine, own in zip(
        gone_on.get_weights(), whole.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(mine, own)
    assert sorted(os.listdir(tmp_path / "phases")) == [
        "first.npz",
        "recipe.json",
        "start.npz",
    ]
    assert os.listdir(tmp_path / "checkpoints") == ["second"]


def test_a_finished_recipe_is_not_run_again(tmp_path):
    source = toy.source(32)
    first, _ = rates_of(TwoPhases(toy.network()), source, directory=tmp_path)
    again, rates = rates_of(
        TwoPhases(toy.network()), source, directory=tmp_path
    )
    assert rates == []
    for mine, own in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, own)


def test_a_phase_made_again_makes_those_after_it_again(tmp_path):
    source = toy.source(32)
    rates_of(TwoPhases(toy.network()), source, directory=tmp_path)
    os.remove(tmp_path / "phases" / "first.npz")
    _, rates = rates_of(TwoPhases(toy.network()), source, directory=tmp_path)
    assert [epoch for _, epoch, _ in rates] == [0, 1, 2, 3, 4]


def test_a_refused_call_leaves_nothing(tmp_path):
    source = toy.source(32)
    images = source.fetch(np.arange(32)).numpy()
    for options, message in (
        ({"seed": -1}, "`seed` to be an integer"),
        ({"batch_size": 64}, "`batch_size` from 1 to 32"),
        ({"steps_per_epoch": 0}, "`steps_per_epoch` from 1"),
        ({"source": images}, "Expected a `Source`.*ndarray"),
        ({"source": toy.source(32, size=8)}, "images .16, 16, 3."),
        (
            {"callbacks": [nk.callbacks.ResumableCheckpoint("x")]},
            "phases cannot share one checkpoint",
        ),
    ):
        arguments = {"source": source, "directory": tmp_path / "run"} | options
        with pytest.raises(ValueError, match=message):
            TwoPhases(toy.network()).fit(**arguments, verbose=0)
    assert not (tmp_path / "run").exists()


def test_a_broken_configuration_is_told(tmp_path):
    kept_in(tmp_path)
    (tmp_path / "recipe.json").write_text("{")
    with pytest.raises(nk.recipes.ArtefactError, match="recipe.json"):
        kept_in(tmp_path)


def test_a_scaled_optimizer_and_its_exclusions_are_kept():
    made = TwoPhases(toy.network())
    inner = nk.MomentumSGD(0.1, weight_decay=1e-4)
    inner.exclude_from_weight_decay(var_names=["bias"])
    made.compile(inner)
    model, _ = rates_of(made, toy.source(32))
    assert model.optimizer._exclude_from_weight_decay_pattern is not None
    made = TwoPhases(toy.network())
    made.compile(keras.optimizers.LossScaleOptimizer(nk.MomentumSGD(0.1)))
    _, rates = rates_of(made, toy.source(32))
    assert rates[-1] == ("second", 4, 0.01)


def test_other_settings_labels_or_optimizers_are_refused(tmp_path):
    source = toy.source(32)
    network = toy.network()
    TwoPhases(network).fit(source, batch_size=16, verbose=0, directory=tmp_path)
    other = source.relabel((source.labels + 1) % toy.CLASSES)
    faster = TwoPhases(network)
    faster.compile(nk.MomentumSGD(0.2))
    for made, data, difference in (
        (TwoPhases(network, (2, 4)), source, r"epochs was \[2, 3\], now"),
        (TwoPhases(network), other, "labels was"),
        (faster, source, "optimizer was"),
    ):
        with pytest.raises(nk.recipes.ArtefactError, match=difference):
            made.fit(data, batch_size=16, verbose=0, directory=tmp_path)
