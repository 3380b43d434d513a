"""What the audits of the methods rest on, and what they say of histories."""

import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.labels.audit import EVIDENCE
from tests import toy

COUNT = 64


@pytest.fixture(scope="module")
def source():
    return toy.source(COUNT, rate=0.3)


def build(method, source, **options):
    network = nk.networks.build("tiny", source, width=4)
    model = method(network, source.num_samples, **options)
    model.compile()
    return model


def remember(model, source):
    """As one epoch in which all given labels were predicted."""
    index = np.arange(COUNT)
    given = np.eye(source.num_classes, dtype=np.float32)[source.labels]
    model.prediction_history.add(index, 0.7 * given + 0.1)
    model.label_history.add(index, given, source.labels)


@pytest.mark.parametrize("method", [nk.CrossEntropy, nk.JointOptim, nk.L2R])
def test_histories_are_what_audits_rest_on_once_there_are_any(method, source):
    model = build(method, source)
    assert model.evidence == "last_predictions"
    remember(model, source)
    assert model.evidence == "cross_epoch_history"
    audit = model.label_audit(source)
    assert audit.evidence == "cross_epoch_history"
    np.testing.assert_array_equal(audit.epochs, np.ones(COUNT))
    np.testing.assert_array_equal(audit.given_share, np.ones(COUNT))
    assert audit.unsettled is not None


def test_dividemix_rests_on_its_peers_once_divided(source):
    model = build(nk.DivideMix, source)
    assert model.label_audit(source).evidence == "last_predictions"
    for _ in range(2):
        model.co_divide(source)
    audit = model.label_audit(source)
    assert audit.evidence == "peer_networks"
    np.testing.assert_array_equal(audit.epochs, np.full(COUNT, 2))
    same = audit.suggested_label == source.labels
    np.testing.assert_array_equal(audit.given_share, same)


def test_pseudo_labelling_rests_on_who_divided(source):
    model = build(nk.PseudoLabeling, source)
    assert model.evidence == "last_predictions"
    model.divide(source, np.arange(COUNT) < 40)
    audit = model.label_audit(source)
    assert audit.evidence == "earlier_phase"
    assert np.isnan(audit.given_share).all() and not audit.epochs.any()


def test_new_labels_begin_a_new_history(source):
    model = build(nk.JointOptim, source)
    model.begin_with(source)
    remember(model, source)
    assert not model.begin_with(source)
    assert model.label_history.epochs().all()
    assert model.begin_with(source.relabel((source.labels + 1) % toy.CLASSES))
    assert not model.label_history.epochs().any()


def test_neighbours_are_of_no_label(source):
    model = build(nk.SimCLR, source)
    assert model.label_audit(source).evidence == "nearest_neighbors"


def test_all_evidence_is_explained():
    for method in (nk.CrossEntropy, nk.DivideMix, nk.PseudoLabeling):
        assert build(method, toy.source(COUNT)).evidence in EVIDENCE


@pytest.mark.large
def test_foreign_pictures_are_found_and_others_are_not():
    keras.utils.set_random_seed(0)
    whole = nk.data.load("digits")
    known = whole.of_classes([c for c in whole.class_names if c not in "89"])
    foreign = whole.of_classes(["8", "9"])
    noise = nk.data.OpenSetNoise(0.2, seed=0)
    mixed = noise.apply_to(known, foreign)
    wrong = known.with_noise(nk.data.AsymmetricNoise(0.4, seed=0))
    found = []
    for source in (mixed, wrong):
        network = nk.networks.build("tiny", source)
        model = nk.CrossEntropy(network, source.num_samples)
        model.compile(nk.MomentumSGD(0.05, weight_decay=5e-4))
        model.fit(source, epochs=25, batch_size=64, verbose=0)
        verdict = model.label_audit(source).verdict
        found.append(verdict == "out_of_distribution")
    # Most foreign ones are; of mistaken digits, few.
    assert found[0][mixed.foreign].mean() > 0.5
    assert found[0][~mixed.foreign].mean() < 0.05
    assert found[1].mean() < 0.05
