import numpy as np
import pytest
from sklearn import metrics

from noisy_keras.labels import loss_rules


def test_losses_are_those_above_the_easiest_tenth_of_their_class():
    labels = np.repeat([0, 1], 21)
    loss = np.concatenate([np.arange(21.0), 5.0 + 2.0 * np.arange(21)])
    found = loss_rules.above_easiest(loss, labels)
    # The 10th percentile of 0, 1, ..., 20 is 2; of 5, 7, ..., 45 it is 9.
    np.testing.assert_allclose(found[:21], np.arange(21.0) - 2.0)
    np.testing.assert_allclose(found[21:], 2.0 * np.arange(21) - 4.0)


def test_small_classes_have_the_easiest_tenth_of_all_samples():
    labels = np.repeat([0, 1], [30, 1])
    loss = np.concatenate([np.zeros(30), [7.0]])
    # Its one label would be right by definition.
    assert loss_rules.above_easiest(loss, labels)[30] == pytest.approx(7.0)


def test_hard_classes_are_not_wrong_labels():
    random = np.random.RandomState(0)
    labels = np.repeat([0, 1], 200)
    wrong = np.tile(np.arange(200) < 40, 2)
    loss = random.normal(0.0, 0.1, 400) + 1.0 * labels + 0.6 * wrong
    plain = metrics.roc_auc_score(wrong, loss)
    above = metrics.roc_auc_score(wrong, loss_rules.above_easiest(loss, labels))
    assert plain < 0.8 and above > 0.99


def test_a_label_is_doubted_for_its_loss_or_for_a_likelier_class():
    cases = [
        # Clean probability by the loss; odds against any other class; found.
        (0.9, 3.0, 0.875),
        (0.9, 0.7, (1 + 0.7 / 1.7) / 2),
        (0.9, 0.6, 0.6 / 1.6 / 2),
        (0.1, 3.0, 0.375),
        (0.1, 5.0, (1 + 5 / 6) / 2),
        (0.1, 0.0, 0.0),
    ]
    clean, odds, expected = np.transpose(cases)
    with np.errstate(divide="ignore"):
        found = loss_rules.credibility(clean, np.log(odds))
    np.testing.assert_allclose(found, expected, atol=1e-6)
