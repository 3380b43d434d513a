import pytest

import noisy_keras as nk
from noisy_keras.testing import MethodTests
from noisy_keras.testing import toy


class TestSANM(MethodTests):
    epochs = 8
    phases = ("warmup_0", "warmup_1", "mixmatch_0", "mixmatch_1")
    large = (
        "test_xla_gives_the_same_losses",
        "test_true_labels_reach_no_batch",
        "test_two_replicas_train_with_equal_tables",
        "test_mixed_precision_trains",
    )

    def build(self, source):
        # Flips are among AutoAugment's neighbours; shears move a quarter.
        return nk.SANM(
            toy.network(),
            source,
            warmup_epochs=1,
            unlabeled_weight=5.0,
            plugin={"extra_view": "weak"},
        )


@pytest.mark.large
class TestOfficialSANM(MethodTests):
    epochs = 8
    phases = ("warmup_0", "warmup_1", "mixmatch_0", "mixmatch_1")
    # The steps and tables are those of `TestSANM`.
    test_one_trace_per_phase_however_the_epochs_change = None
    test_two_replicas_train_with_equal_tables = None
    test_a_run_killed_within_an_epoch_ends_as_if_it_had_not_been = None
    test_mixed_precision_trains = None
    test_true_labels_reach_no_batch = None
    test_a_source_that_does_not_fit_is_refused = None

    def build(self, source):
        # The official decoder knows 4x4 maps of 32-pixel images alone.
        return nk.SANM(
            toy.network(),
            source,
            preset="official",
            warmup_epochs=1,
            unlabeled_weight=5.0,
            warmup_view="weak",
            guess_view="weak",
            train_view=None,
            plugin={"decoder": "generic", "extra_view": "weak"},
        )


def test_it_is_the_plugin_on_a_host():
    source = toy.source(32)
    model = nk.SANM("tiny", source, width=4)
    assert isinstance(model, nk.DivideMix)
    assert isinstance(model.plugins[0], nk.AdversarialNoisyMasking)
    assert isinstance(nk.SANM("tiny", source, host="ce"), nk.CrossEntropy)


def test_the_official_preset_is_the_released_code():
    source = toy.source(32, size=32)
    model = nk.SANM("tiny", source, preset="official", width=4)
    plugin = model.plugins[0]
    assert (plugin.activation, plugin.box, plugin.fill) == (
        "energy",
        "corner",
        "channel",
    )
    assert (plugin.area_scale, plugin.masked_copies) == (0.5, 2)
    assert (plugin.ratio, plugin.ratio_range, plugin.ratio_step) == (
        "code",
        (0.02, 0.07),
        0.03,
    )
    assert not plugin.clip_labels
    assert (plugin.extra_view, plugin.extra_views) == ("randaugment", 2)
    assert (model.guess_view, model.train_view, model.warmup_view) == (
        "autoaugment",
        "autoaugment",
        "jitter",
    )
    assert model.warmup_clip_norm == 1.0 and model.separate_guesses
    model.compile()
    history = model.fit(
        source, epochs=1, initial_epoch=0, batch_size=8, verbose=0,
        steps_per_epoch=1,
    )  # fmt: skip
    assert len(history.history["loss"]) == 1


def test_an_unknown_host_or_preset_is_told():
    source = toy.source(32)
    with pytest.raises(ValueError, match=r"\('dividemix', 'ce'\)"):
        nk.SANM("tiny", source, host="co_teaching")
    with pytest.raises(ValueError, match="one of .*official"):
        nk.SANM("tiny", source, preset="paper")
