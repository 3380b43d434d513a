import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.labels import detection
from noisy_keras.recipes import divisions
from noisy_keras.recipes.training import Training
from noisy_keras.tables.prediction_history import mean_loss
from noisy_keras.testing import toy

PHASES = {
    "relabel_epochs": 8,
    "relabel_from": 3,
    "relabel_drops": (6,),
    "warmup_epochs": 2,
    "ssl_epochs": 6,
    "ssl_drops": (4,),
    "final_epochs": 8,
    "final_drops": (6,),
}


def recipe(source, **options):
    made = nk.DRPL(toy.network(), source, **PHASES | options)
    made.compile(nk.MomentumSGD(0.05, weight_decay=1e-4))
    return made


@pytest.mark.parametrize(
    "preset",
    ["recommended", pytest.param("official", marks=pytest.mark.large)],
)
def test_it_learns_and_finds_planted_wrong_labels(preset):
    source = toy.source(128, rate=0.3)
    made = recipe(source, preset=preset)
    told = []
    model = made.fit(source, batch_size=16, verbose=0, report=told.append)
    images, labels = toy.pictures(64, seed=9)
    results = model.evaluate(images, labels, verbose=0, return_dict=True)
    assert results["accuracy"] > 0.9
    audit = model.label_audit(source)
    right = source.labels == source.true_labels
    assert np.mean((audit.clean_probability > 0.5) == right) > 0.9
    assert set(made.divisions) == {"detection_1", "detection_2"}
    assert [line[:11] for line in told] == ["detection 1", "detection 2"]
    # The released code has no later judgement than the second detection.
    same = np.allclose(
        audit.clean_probability,
        made.divisions["detection_2"].clean_probability,
    )
    assert same == (preset == "official")
    assert (
        model.labeled.numpy()[:, 0] == made.divisions["detection_2"].labeled
    ).all()


@pytest.mark.large
def test_two_replicas_train(two_replicas):
    source = toy.source(64, rate=0.3)
    short = {name: 1 for name in PHASES if name.endswith("epochs")}
    short |= {name: () for name in PHASES if name.endswith("drops")}
    with two_replicas.scope():
        made = recipe(source, **short, relabel_from=1)
    model = made.fit(source, batch_size=16, verbose=0)
    assert np.isfinite(model.evaluate(source, verbose=0)[0])


@pytest.mark.large
def test_the_released_behaviour_starts_from_scratch(monkeypatch):
    source = toy.source(64, rate=0.3)
    short = {name: 1 for name in PHASES if name.endswith("epochs")}
    short |= {name: () for name in PHASES if name.endswith("drops")}
    divided = []
    divide = nk.PseudoLabeling.divide

    def watched(self, source, labeled, guesses=None, *args, **options):
        divided.append((self.networks[0].get_weights(), guesses))
        divide(self, source, labeled, guesses, *args, **options)

    monkeypatch.setattr(nk.PseudoLabeling, "divide", watched)
    for preset in ("official", "recommended"):
        made = recipe(source, preset=preset, **short, relabel_from=1)
        made.fit(source, batch_size=16, verbose=0)
        start = made.networks[0].get_weights()
        assert len(divided) == 2
        for weights, guesses in divided:
            same = all(map(np.array_equal, weights, start))
            assert same == (preset == "official")
            assert (guesses is None) == (preset == "official")
        divided.clear()


def test_a_warm_start_goes_on_from_the_judge(monkeypatch):
    source = toy.source(64, rate=0.3)
    short = {name: 1 for name in PHASES if name.endswith("epochs")}
    short |= {name: () for name in PHASES if name.endswith("drops")}
    starts = []
    fit = nk.PseudoLabeling.fit

    def watched(self, source, **options):
        if not self.divided:  # A warm-up.
            starts.append(self.networks[0].get_weights())
        return fit(self, source, **options)

    monkeypatch.setattr(nk.PseudoLabeling, "fit", watched)
    made = recipe(source, **short, relabel_from=1, warm_start=True)
    made.fit(source, batch_size=16, verbose=0)
    assert len(starts) == 2
    for weights in starts:
        assert not all(
            map(np.array_equal, weights, made.networks[0].get_weights())
        )


def test_labels_are_judged_by_the_predictions_of_all_phases(monkeypatch):
    source = toy.source(64, rate=0.3)
    short = {name: 2 for name in PHASES if name.endswith("epochs")}
    short |= {name: () for name in PHASES if name.endswith("drops")}
    kept = []
    train = Training.train

    def watched(self, phase, *args):
        model = train(self, phase, *args)
        kept.append((phase.name, model.prediction_history.numpy()))
        return model

    monkeypatch.setattr(Training, "train", watched)
    made = recipe(source, **short, relabel_from=1)
    model = made.fit(source, batch_size=16, verbose=0)
    kept = dict(kept)
    # A prediction sums to 1; each phase has two epochs.
    for epochs, name in ((2, "relabel"), (4, "ssl"), (6, "final")):
        total = sum(0.9**age for age in range(epochs))
        np.testing.assert_allclose(kept[name].sum(axis=1), total, rtol=1e-4)
    for name, phase in (("detection_1", "relabel"), ("detection_2", "ssl")):
        np.testing.assert_allclose(
            made.divisions[name].found["loss"],
            mean_loss(kept[phase], source.labels),
            rtol=1e-5,
        )
    np.testing.assert_allclose(
        model.estimate_clean_probability(source),
        detection.detect(
            mean_loss(kept["final"], source.labels)
        ).clean_probability,
        atol=1e-6,
    )


@pytest.mark.large
def test_the_released_code_judges_by_the_last_network(monkeypatch):
    source = toy.source(64, rate=0.3)
    short = {name: 1 for name in PHASES if name.endswith("epochs")}
    short |= {name: () for name in PHASES if name.endswith("drops")}
    judged = []
    measure = Training.measure

    def watched(self, weights):
        judged.append(measure(self, weights))
        return judged[-1]

    monkeypatch.setattr(Training, "measure", watched)
    made = recipe(source, preset="official", **short, relabel_from=1)
    made.fit(source, batch_size=16, verbose=0)
    for name, measurement in zip(made.divisions, judged, strict=True):
        np.testing.assert_allclose(
            made.divisions[name].found["loss"], measurement.loss[:, 0]
        )


def found(noisy, loss):
    return {
        "noisy_probability": np.asarray(noisy, np.float32),
        "loss": np.asarray(loss, np.float64),
        "outcome": np.asarray("fitted"),
    }


def a_source(labels):
    images = np.zeros((len(labels), 8, 8, 3), np.uint8)
    return nk.data.from_arrays(images, np.asarray(labels))


def test_labels_are_kept_up_to_the_threshold():
    source = a_source([0, 0, 1, 1])
    got = divisions.divide(found([0.1, 0.5, 0.2, 0.9], [0] * 4), 0.2, 0, source)
    np.testing.assert_array_equal(got.labeled, [True, False, True, False])
    assert got.fallback == "" and got.summary == "2 of 4 labels are kept"


def test_a_class_without_labels_gets_back_those_of_lowest_loss():
    source = a_source([0] * 10 + [1] * 10)
    noisy = np.r_[np.zeros(10), np.ones(10)]
    loss = np.r_[np.zeros(10), np.arange(10.0)]
    got = divisions.divide(found(noisy, loss), 0.1, 0.2, source)
    np.testing.assert_array_equal(
        got.labeled, np.r_[np.ones(12), np.zeros(8)] > 0
    )
    assert "1 of 2 classes (1) kept less than 20%" in got.summary
    alone = divisions.divide(found(noisy, loss), 0.1, 0.0, source)
    assert alone.labeled.sum() == 10 and not alone.fallback


def test_the_summary_reports_that_all_or_none_are_kept():
    source = a_source([0, 1] * 10)
    loss = np.arange(20.0)
    every = divisions.divide(found(np.zeros(20), loss), 0.1, 0.1, source)
    assert every.labeled.all()
    assert "none is left for pseudo-labels" in every.summary
    none = divisions.divide(found(np.ones(20), loss), 0.1, 0.0, source)
    # The last resort: a tenth of each class, even if no share was asked.
    np.testing.assert_array_equal(np.flatnonzero(none.labeled), [0, 1])
    assert none.summary.startswith("0 of 20 labels are kept; 2 of 2 classes")


def test_constant_losses_go_on_as_if_all_were_right():
    loss = np.full(20, 0.5)
    got = divisions.divide(
        divisions.detected(loss, False), 0.1, 0.1, a_source([0, 1] * 10)
    )
    assert got.labeled.all()
    assert "all losses are alike" in got.summary


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold_1": 0.0}, r"`threshold_1` in \(0, 1\)"),
        ({"threshold_2": 1.0}, r"`threshold_2` in \(0, 1\)"),
        ({"ssl_epochs": 0}, "`ssl_epochs` to be a whole number of at least 1"),
        ({"warmup_epochs": 0}, "`warmup_epochs`"),
        ({"relabel_from": 8}, "`relabel_from` below `relabel_epochs`"),
        ({"final_drops": (9,)}, "within the 8 epochs of phase 'final'"),
        ({"final_drops": "9"}, "`final_drops` to be a list"),
        ({"random_share": 1.0}, "`random_share`"),
        ({"class_share": -0.1}, "`class_share`"),
        ({"preset": "papers"}, "`preset` to be one of"),
        ({"handover": "no"}, "True or False"),
    ],
)
def test_bad_settings_are_told(options, message):
    source = toy.source(16)
    with pytest.raises(ValueError, match=message):
        recipe(source, **options)
