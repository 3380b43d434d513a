"""What the audits of methods are based on, and the hooks of version 0.1."""

import warnings

import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.core import audits
from noisy_keras.labels import detection
from noisy_keras.labels.audit import EVIDENCE
from noisy_keras.labels.measuring import Measurement
from noisy_keras.testing import toy

COUNT = 64


@pytest.fixture(scope="module")
def source():
    return toy.source(COUNT, rate=0.3)


def build(method, source, **options):
    network = nk.networks.build("tiny", source, width=4)
    model = method(network, source.num_samples, **options)
    model.compile()
    return model


def remember(model, source, index=None):
    """As one epoch in which all given labels were predicted."""
    index = np.arange(COUNT) if index is None else np.asarray(index)
    given = np.eye(source.num_classes, dtype=np.float32)[source.labels[index]]
    data = {"index": index, "label": source.labels[index]}
    nk.NoisyLabelModel.remember(model, data, 0.7 * given + 0.1)


def measurement(source, loss):
    return Measurement(
        np.asarray(loss, np.float32)[:, None],
        np.zeros(source.num_samples, np.int32),
        np.ones(source.num_samples, np.float32),
    )


@pytest.mark.parametrize("method", [nk.CrossEntropy, nk.JointOptim, nk.L2R])
def test_audits_are_based_on_histories_once_there_are_any(method, source):
    model = build(method, source)
    assert model.evidence == "last_predictions"
    remember(model, source)
    assert model.evidence == "cross_epoch_history"
    audit = model.label_audit(source)
    assert audit.evidence == "cross_epoch_history"
    np.testing.assert_array_equal(audit.epochs, np.ones(COUNT))
    np.testing.assert_array_equal(audit.given_share, np.ones(COUNT))
    assert audit.unstable is not None


def test_dividemix_is_judged_by_its_peers_once_divided(source):
    model = build(nk.DivideMix, source)
    assert model.label_audit(source).evidence == "last_predictions"
    for _ in range(2):
        model.co_divide(source)
    audit = model.label_audit(source)
    assert audit.evidence == "peer_networks"
    np.testing.assert_array_equal(audit.epochs, np.full(COUNT, 2))
    same = audit.suggested_label == source.labels
    np.testing.assert_array_equal(audit.given_share, same)


def test_pseudo_labelling_is_judged_by_the_phase_that_divided(source):
    model = build(nk.PseudoLabeling, source)
    assert model.evidence == "last_predictions"
    model.divide(source, np.arange(COUNT) < 40)
    audit = model.label_audit(source)
    assert audit.evidence == "earlier_phase"
    assert np.isnan(audit.given_share).all() and not audit.epochs.any()


@pytest.mark.parametrize("method", [nk.DivideMix, nk.SimCLR])
def test_held_out_samples_are_judged_with_the_others(method, source):
    held = toy.source(20, seed=1)
    audit = build(method, source).label_audit(source, held_out=held)
    assert len(audit) == COUNT + 20
    found = audit.of_split("validation")
    np.testing.assert_array_equal(found.given_label, held.labels)
    assert np.isfinite(found.clean_probability).all()
    # Those in training are judged as without them.
    alone = build(method, source).label_audit(source)
    assert len(audit.of_split("train")) == len(alone) and alone.split is None


def test_held_out_samples_must_fit(source):
    model = build(nk.CrossEntropy, source)
    with pytest.raises(nk.ConfigurationError, match="`held_out` to be a `So"):
        model.label_audit(source, held_out=source.labels)
    other = toy.source(20)
    other.class_names = tuple(f"other {name}" for name in other.class_names)
    with pytest.raises(nk.ConfigurationError, match="samples of the classes"):
        model.label_audit(source, held_out=other)


def test_new_labels_begin_a_new_history(source):
    model = build(nk.JointOptim, source)
    model.begin_with(source)
    remember(model, source)
    assert not model.begin_with(source)
    assert model.label_history.epochs().all()
    assert model.begin_with(source.relabel((source.labels + 1) % toy.CLASSES))
    assert not model.label_history.epochs().any()


def test_neighbours_judge_without_labels(source):
    model = build(nk.SimCLR, source)
    assert model.label_audit(source).evidence == "nearest_neighbors"


def test_all_evidence_is_explained():
    for method in (nk.CrossEntropy, nk.DivideMix, nk.PseudoLabeling):
        assert build(method, toy.source(COUNT)).evidence in EVIDENCE


class HalfSeen(nk.NoisyLabelModel):
    """A method with a history, of which two strategies are tried."""

    def __init__(self, networks, num_samples, **options):
        super().__init__(networks, num_samples, **options)
        self.keep_history()


def test_an_incomplete_history_is_used_only_where_the_strategy_says_so(source):
    model = build(HalfSeen, source)
    remember(model, source, np.arange(40))
    model.audit_strategy = nk.labels.CrossEpochHistory()
    assert model.estimate_clean_probability(source) is None
    assert audits.evidence(model) == "last_predictions"
    model.audit_strategy = nk.labels.CrossEpochHistory(complete=False)
    assert audits.evidence(model) == "cross_epoch_history"
    clean = model.estimate_clean_probability(source)
    # Samples that no step has seen count as clean.
    np.testing.assert_array_equal(clean[40:], 1.0)
    [(loss, mixture)] = audits.loss_divisions(model, source)
    np.testing.assert_array_equal(np.isnan(loss), np.arange(COUNT) >= 40)
    assert mixture["family"] == "gaussian"
    suggested, _ = audits.suggestion(model, measurement(source, np.ones(COUNT)))
    np.testing.assert_array_equal(suggested[:40], source.labels[:40])
    np.testing.assert_array_equal(suggested[40:], 0)


def test_without_tables_the_last_losses_are_divided(source):
    model = build(HalfSeen, source)
    wrong = np.arange(COUNT) < 20
    found = measurement(source, np.where(wrong, 3.0, 0.1))
    assert model.estimate_clean_probability(source) is None
    clean = model.estimate_clean_probability(source, found)
    np.testing.assert_array_equal(clean < 0.5, wrong)


def test_the_detection_of_drpl_divides_a_history(source):
    model = build(HalfSeen, source)
    model.audit_strategy = nk.labels.CrossEpochDetection()
    index = np.arange(COUNT)
    random = np.random.RandomState(0)
    wrong = index < 20
    share = np.where(wrong, 0.1, 0.8) + random.uniform(-0.05, 0.05, COUNT)
    given = np.eye(4, dtype=np.float32)[source.labels]
    share = share[:, None]
    predictions = given * share + (1 - given) * (1 - share) / 3
    model.prediction_history.add(index, predictions.astype(np.float32))
    clean = model.estimate_clean_probability(source)
    np.testing.assert_array_equal(clean < 0.5, wrong)
    expected = detection.detect(model.prediction_history.loss(source.labels))
    np.testing.assert_array_equal(clean, expected.clean_probability)


def test_a_strategy_of_ones_own_judges(source):
    class Even(nk.AuditStrategy):
        def evidence(self, model):
            return "last_predictions"

        def clean_probability(self, model, source, measurement=None):
            return np.arange(len(source)) % 2.0

        def suggestion(self, model, measurement):
            return np.full(COUNT, 3, np.int32), np.ones(COUNT, np.float32)

    class Method(HalfSeen):
        audit_strategy = Even()

    audit = build(Method, source).label_audit(source)
    np.testing.assert_array_equal(audit.clean_probability, [0.0, 1.0] * 32)
    assert set(audit.suggested_label) == {3}


def test_a_strategy_names_what_it_lacks(source):
    model = build(HalfSeen, source)
    model.audit_strategy = nk.AuditStrategy()
    with pytest.raises(NotImplementedError, match="clean_probability"):
        model.label_audit(source)


# Hooks of version 0.1.


def test_deprecated_hooks_agree_with_the_strategy(source):
    model = build(nk.CrossEntropy, source)
    remember(model, source)
    clean = model.estimate_clean_probability(source)
    found = measurement(source, np.ones(COUNT))
    with pytest.warns(DeprecationWarning, match="estimate_clean_probability"):
        np.testing.assert_array_equal(
            model.known_clean_probability(source), clean
        )
    with pytest.warns(DeprecationWarning, match="estimate_clean_probability"):
        np.testing.assert_array_equal(
            model.clean_probabilities(found, source), clean
        )
    with pytest.warns(DeprecationWarning, match="suggestion"):
        suggested, _ = model.suggest(found)
    np.testing.assert_array_equal(suggested, source.labels)
    with pytest.warns(DeprecationWarning, match="loss_divisions"):
        assert len(model.loss_divisions(source)) == 1


class Old(nk.CrossEntropy):
    """Overrides what version 0.1 had hooks for."""

    @property
    def evidence(self):
        return "trusted_labels" if self.trained else super().evidence

    trained = True

    def clean_probabilities(self, measurement, source):
        return np.minimum(super().clean_probabilities(measurement, source), 0.5)

    def known_clean_probability(self, source):
        return None

    def suggest(self, measurement):
        labels, sure = super().suggest(measurement)
        return (labels + 1) % 4, sure

    def loss_divisions(self, source):
        return 2 * super().loss_divisions(source)


def test_a_subclass_that_overrides_deprecated_hooks_is_honoured(source):
    model = build(Old, source)
    remember(model, source)
    with pytest.warns(DeprecationWarning, match="Old.clean_probabilities"):
        audit = model.label_audit(source)
    assert audit.evidence == "trusted_labels"
    assert audit.clean_probability.max() == 0.5
    np.testing.assert_array_equal(
        audit.suggested_label, (source.labels + 1) % 4
    )
    with pytest.warns(DeprecationWarning, match="Old.known_clean_probability"):
        assert model.estimate_clean_probability(source) is None
    with pytest.warns(DeprecationWarning, match="Old.loss_divisions"):
        assert len(audits.loss_divisions(model, source)) == 2
    model.trained = False
    with pytest.warns(DeprecationWarning, match="Old.evidence"):
        assert audits.evidence(model) == "cross_epoch_history"


def test_methods_of_the_library_use_no_deprecated_hook(source, tmp_path):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "`", DeprecationWarning)
        for method in (nk.CrossEntropy, nk.DivideMix, nk.SimCLR):
            model = build(method, source)
            model.label_audit(source)
            audits.loss_divisions(model, source)
            model.save(tmp_path / "model.keras")


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
