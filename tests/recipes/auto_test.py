import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.labels import noise_rate
from noisy_keras.labels.noise_rate import RateEstimate
from noisy_keras.recipes import candidates
from noisy_keras.testing import toy


def recipe(source, **options):
    made = nk.Auto(toy.network(), source, **{"epochs": 20} | options)
    made.compile(nk.MomentumSGD(0.05, weight_decay=1e-4))
    return made


@pytest.fixture(scope="module")
def fitted():
    """A recipe on noisy labels, what it was trained on, and what it said."""
    source = toy.source(600, rate=0.3)
    train, validation = source.hold_out(0.2)
    made, said = recipe(train), []
    model = made.fit(
        train,
        batch_size=32,
        validation_data=validation,
        verbose=0,
        report=said.append,
    )
    return made, model, train, said


def test_it_learns_and_finds_planted_wrong_labels(fitted):
    made, model, source, _ = fitted
    images, labels = toy.pictures(64, seed=9)
    results = model.evaluate(images, labels, verbose=0, return_dict=True)
    assert results["accuracy"] > 0.9
    audit = made.label_audit(source)
    right = source.labels == source.true_labels
    assert np.mean((audit.clean_probability > 0.5) == right) > 0.9


def test_it_says_what_it_found_and_did(fitted):
    made, _, source, said = fitted
    assert said == made.decisions and len(said) <= 10
    assert said[0].startswith("data: 480 samples of 4 classes")
    assert made.findings["kind"] == "spread"
    assert abs(made.findings["noise_rate"] - 0.3) < 0.1
    # Mistakes were planted in the first part alone, and most are found.
    assert made.findings["planted"] == 10
    assert made.findings["planted_found"] > 0.7
    first, rest = made.phases
    assert (made.labels_of(first, source).labels != source.labels).sum() == 10
    assert made.labels_of(rest, source) is source
    expected, _ = candidates.recommend("spread", rest.epochs)
    assert made.candidate == expected


@pytest.mark.parametrize(
    "candidate",
    [
        "plain",
        "corrected",
        "gce",
        pytest.param("dividemix", marks=pytest.mark.large),
        pytest.param("sanm", marks=pytest.mark.large),
    ],
)
def test_each_candidate_goes_on_with_what_was_learnt(candidate, monkeypatch):
    monkeypatch.setattr(candidates, "_LEAST_EPOCHS", 1)
    monkeypatch.setattr(
        candidates, "DIVIDED_PASSES", {"dividemix": 12, "sanm": 12}
    )
    source = toy.source(80, rate=0.3)
    made = recipe(source, epochs=12, candidate=candidate)
    model = made.fit(source, batch_size=16, verbose=0)
    assert made.candidate == candidate
    epochs = made.phases[1].epochs
    assert epochs == (2 if candidate in ("dividemix", "sanm") else 8)
    # The sum of the predictions of both parts.
    weights = model.prediction_history.weight(np.arange(80)).numpy()
    assert weights.min() >= made.phases[0].epochs + 1
    images, labels = toy.pictures(64, seed=9)
    assert model.evaluate(images, labels, verbose=0)[1] > 0.5


@pytest.mark.large
def test_what_was_stopped_in_the_rest_ends_alike(tmp_path):
    source = toy.source(420, rate=0.3)
    train, validation = source.hold_out(0.1)
    options = {
        "batch_size": 32,
        "validation_data": validation,
        "verbose": 0,
    }
    network = toy.network()

    def made():
        auto = nk.Auto(network, train, epochs=10, candidate="corrected")
        auto.compile(nk.MomentumSGD(0.05))
        return auto

    whole = made().fit(train, **options)

    class Stopped(Exception):
        pass

    def stop(epoch, logs):
        if epoch == 6:
            raise Stopped

    watch = keras.callbacks.LambdaCallback(on_epoch_end=stop)
    with pytest.raises(Stopped):
        made().fit(train, directory=tmp_path, callbacks=[watch], **options)
    again = made()
    model = again.fit(train, directory=tmp_path, **options)
    # Nothing is left to be trained.
    assert made().fit(train, directory=tmp_path, **options) is not None
    for one, other in zip(model.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(again.decisions) >= 5


@pytest.mark.large
def test_a_network_that_got_worse_is_not_kept(monkeypatch):
    source = toy.source(480, rate=0.0)
    train, validation = source.hold_out(0.25)
    made = recipe(train, epochs=12, candidate="plain")
    build = candidates.build

    def spoiled(candidate, network, source):
        # It learns the classes in another order.
        shifted = (source.labels + 1) % 4
        model = build(candidate, network, source)
        plan = model.make_plan
        model.make_plan = lambda source, *args, **kwargs: plan(
            source.relabel(shifted), *args, **kwargs
        )
        return model

    monkeypatch.setattr(candidates, "build", spoiled)
    model = made.fit(
        train, batch_size=16, validation_data=validation, verbose=0
    )
    assert made.findings["kept_epoch"] <= made.phases[0].end + 1
    images, labels = toy.pictures(64, seed=9)
    assert model.evaluate(images, labels, verbose=0)[1] > 0.8


@pytest.mark.parametrize("epochs", [1, 9])
def test_a_small_budget_is_spent_plainly(epochs):
    source = toy.source(20, rate=0.2)
    made = recipe(source, epochs=epochs)
    model = made.fit(source, batch_size=8, verbose=0)
    assert isinstance(model, nk.CrossEntropy)
    assert made.candidate == "plain" and len(made.phases) == 1
    assert any("fewer than 10" in line for line in made.decisions)
    assert len(made.label_audit(source)) == 20


def test_rates_drop_at_the_same_share_of_the_rest():
    source = toy.source(40)
    made = recipe(source, epochs=60, drops=(12, 50))
    first, rest = made.phases
    assert (first.epochs, first.drops) == (18, (12,))
    assert (rest.epochs, rest.drops) == (42, (18, 50))
    first, rest = made._phases(21)
    # It stays as low as it was before the judgement.
    assert rest.drops == (18, 18 + 16)
    with pytest.raises(nk.ConfigurationError, match="within the 60 epochs"):
        recipe(source, epochs=60, drops=(61,))
    with pytest.raises(nk.ConfigurationError, match="a schedule"):
        made.compile(
            keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(1, 9))
        )


def estimate(**values):
    known = dict.fromkeys(
        ("rate", "low", "high", "certain", "random", "contradicted"), 0.0
    )
    return RateEstimate(**known | {"foreign": 0.0, "accuracy": 0.9} | values)


@pytest.mark.parametrize(
    "found, kind",
    [
        (estimate(rate=0.1, certain=0.1), "clean"),
        (estimate(rate=0.3, certain=0.3, random=0.28), "spread"),
        (estimate(rate=0.3, certain=0.3, random=0.02), "concentrated"),
        (estimate(rate=0.2, certain=0.02), "hard"),
        (estimate(rate=0.6, certain=0.6, random=0.6, accuracy=0.3), "hard"),
        (estimate(rate=0.89, certain=0.89, random=0.89), "random"),
        # Images of no class are no reason to doubt the rest.
        (estimate(rate=0.4, certain=0.3, random=0.2, foreign=0.1), "spread"),
    ],
)
def test_the_kind_of_data_follows_from_the_estimate(found, kind):
    assert candidates.kind(found, 10) == kind


def test_every_rule_names_a_candidate_and_says_why():
    rules = candidates.rules()
    assert rules
    for rule in rules:
        assert rule["candidate"] in candidates.CANDIDATES
        assert rule["why"] and rule["least_epochs"] >= 1
    assert candidates.recommend("random", 100)[0] == "plain"


def test_candidates_that_divide_cost_as_much():
    assert candidates.epochs_for("corrected", 42) == 42
    assert candidates.epochs_for("dividemix", 140) == 3 * 140 // 26
    assert candidates.epochs_for("sanm", 42) == 0  # Two epochs are no use.


@pytest.mark.large
def test_one_call_does_it_all():
    source = toy.source(100, rate=0.3)
    # So few samples prove nothing.
    result = nk.auto(
        source, toy.network(), epochs=10, batch_size=32, width=None, verbose=0
    )
    assert result.train.num_samples + result.validation.num_samples == 100
    assert len(result.audit) == 100
    held = result.audit.of_split("validation")
    assert list(held.ids) == list(result.validation.ids)
    assert result.findings["kind"] == "few"
    assert result.findings["noise_rate"] >= 0.0
    with pytest.raises(nk.ConfigurationError, match="from_folder"):
        nk.auto("pictures")


def test_random_labels_are_said_and_not_corrected():
    source = toy.source(600, rate=0.0)
    random = np.random.RandomState(0).randint(0, 4, 600)
    given = source.relabel(random)
    made = recipe(given, epochs=16)
    model = made.fit(given, batch_size=32, verbose=0)
    # Planted mistakes are found no more often than other labels.
    assert made.findings["kind"] == "unproven"
    assert any("may be random" in line for line in made.decisions)
    assert made.candidate == "plain"
    assert type(model) is nk.CrossEntropy and model.correct_from is None


def test_the_note_of_early_predictions_outlives_what_is_memorised():
    random = np.random.RandomState(0)
    true = random.randint(0, 10, 3000)
    wrong = random.uniform(size=3000) < 0.5
    labels = np.where(wrong, (true + random.randint(1, 10, 3000)) % 10, true)
    early = np.full((3000, 10), 0.05) + 0.5 * np.eye(10)[true]
    history = nk.PredictionHistory(3000, 10)
    history.assign(early)
    noise_rate.note_progress(history, labels, 10)
    [[agreement, share]] = history.progress
    # Cohen's kappa: one in ten would agree by chance.
    assert agreement == pytest.approx((0.5 - 0.1) / 0.9, abs=0.03)
    assert share == pytest.approx(0.5, abs=0.05)
    # Half of the wrong labels are memorised from here on.
    known = wrong & (random.uniform(size=3000) < 0.5)
    history.assign(early + 20.0 * known[:, None] * np.eye(10)[labels])
    assert noise_rate.random_share(history, labels, 10) < 0.4
    found = noise_rate.estimate_rate(history, labels, 10)
    assert found.random == pytest.approx(found.contradicted)


@pytest.mark.large
def test_planted_mistakes_leave_nothing_in_the_audit(monkeypatch):
    source = toy.source(480, rate=0.0)
    kept = {}
    take_out = nk.Auto._take_out

    def watched(model, mistakes):
        kept["before"] = model.prediction_history.mean()
        take_out(model, mistakes)
        kept["after"] = model.prediction_history.mean()
        kept["rows"] = mistakes.rows
        kept["labels"] = mistakes.labels[mistakes.rows]

    monkeypatch.setattr(nk.Auto, "_take_out", staticmethod(watched))
    made = recipe(source, epochs=12)
    model = made.fit(source, batch_size=16, verbose=0)
    rows = kept["rows"]
    assert (kept["after"][rows, kept["labels"]] == 0.0).all()
    np.testing.assert_allclose(kept["after"].sum(axis=1), 1.0, rtol=1e-5)
    others = np.setdiff1d(np.arange(480), rows)
    np.testing.assert_array_equal(kept["before"][others], kept["after"][others])
    # No label is wrong, and the mistakes are not counted as noise.
    assert made.findings["noise_rate"] < 0.02
    assert (made.label_audit(source).clean_probability[rows] > 0.5).all()
    assert model.label_history.epochs()[rows].max() == 8


@pytest.mark.large
def test_arrays_that_are_held_out_choose_as_a_source_does():
    source = toy.source(240, rate=0.2)
    made = recipe(source, epochs=10, candidate="plain")
    made.fit(
        source,
        batch_size=16,
        validation_data=toy.pictures(40, seed=3),
        verbose=0,
    )
    assert "by 40 held-out samples" in made.decisions[-1]


def test_samples_that_no_step_has_seen_leave_training_plain():
    source = toy.source(400, rate=0.2)
    made = recipe(source, epochs=10)
    made.fit(source, batch_size=16, steps_per_epoch=2, verbose=0)
    assert made.findings["kind"] == "incomplete"
    assert made.candidate == "plain"


def test_two_hard_classes_are_not_taken_for_noise():
    # Right labels of images that a good network is sure of only now and then.
    random = np.random.RandomState(0)
    labels = random.randint(0, 2, 4000)
    logit = random.normal(1.0, 1.0, 4000) * np.where(labels == 1, 1, -1)
    positive = 1.0 / (1.0 + np.exp(-logit))
    history = nk.PredictionHistory(4000, 2)
    history.assign(np.stack([1.0 - positive, positive], axis=1))
    found = noise_rate.estimate_rate(history, labels, 2)
    assert found.contradicted > 0.1
    assert found.certain < 0.5 * found.contradicted
