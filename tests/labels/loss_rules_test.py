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


def test_the_share_of_doubted_labels_is_kept_within_bounds():
    clean = np.array([0.1, 0.2, 0.4, 0.6, 0.7, 0.9])
    as_it_is = loss_rules.within_share(clean, 0.3, 0.6)
    np.testing.assert_allclose(as_it_is, clean, atol=1e-6)
    fewer = loss_rules.within_share(clean, 0.0, 1 / 6)
    # The log-odds are less by those of 0.2, the first label that is kept.
    odds = np.log(clean / (1 - clean)) - np.log(0.2 / 0.8)
    np.testing.assert_allclose(fewer, 1 / (1 + np.exp(-odds)), atol=1e-6)
    assert (fewer < 0.5).sum() == 1
    more = loss_rules.within_share(clean, 5 / 6, 1.0)
    assert (more < 0.5).sum() == 5
    assert (np.diff(more) > 0.0).all()
    assert (loss_rules.within_share(clean, 0.0, 0.0) >= 0.5).all()
    assert (loss_rules.within_share(clean, 1.0, 1.0) < 0.5).all()
    # Certain ones stay finite.
    certain = loss_rules.within_share(np.array([0.0, 1.0, 1.0]), 0.6, 0.7)
    assert np.isfinite(certain).all()
