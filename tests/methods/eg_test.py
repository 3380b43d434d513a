import numpy as np

import noisy_keras as nk
from noisy_keras.testing import TrustedMethodTests
from noisy_keras.testing import toy


class TestEG(TrustedMethodTests):
    learning_rate = 0.03
    epochs = 35
    # Its steps are among IEG's.
    test_xla_gives_the_same_losses = None
    test_mixed_precision_trains = None
    test_a_class_without_trusted_samples_is_named = None
    test_a_trusted_set_of_other_images_is_refused = None
    test_a_trusted_set_as_arrays = None
    # Of the base class: `TestIEG` has them.
    test_true_labels_reach_no_batch = None
    test_a_run_killed_within_an_epoch_ends_as_if_it_had_not_been = None

    def build(self, source):
        return nk.EG(
            toy.network(),
            source.num_samples,
            strong_view="weak",
            consistency_weight=5.0,
            average_decay=0.9,
        )


def test_given_labels_teach_nothing():
    source = toy.source(32)
    other = source.relabel((source.labels + 1) % toy.CLASSES)
    first, second = (
        nk.EG(toy.network(), 32, strong_view="weak") for _ in range(2)
    )
    second.set_weights(first.get_weights())
    for model, each in ((first, source), (second, other)):
        model.compile(nk.MomentumSGD(0.03))
        model.fit(
            each, trusted=toy.trusted(), batch_size=16, epochs=2, verbose=0
        )
    # That table tells how often they were predicted; nothing learns from it.
    tables = [model.label_history.get_weights() for model in (first, second)]
    np.testing.assert_array_equal(tables[0][0][:, 0], tables[1][0][:, 0])
    for model in (first, second):
        model.label_history.clear()
    for mine, theirs in zip(
        first.get_weights(), second.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
