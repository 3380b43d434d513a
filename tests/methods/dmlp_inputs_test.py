import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.methods.dmlp import run as run_module
from noisy_keras.methods.dmlp.data import Data
from noisy_keras.methods.dmlp.result import predictions
from noisy_keras.methods.dmlp.run import Run
from tests.methods import dmlp_test
from tests.methods.dmlp_test import CLASSES
from tests.methods.dmlp_test import accuracy
from tests.methods.dmlp_test import as_source
from tests.methods.dmlp_test import gaussians
from tests.methods.dmlp_test import purifier

problem = dmlp_test.problem


def test_two_views_exchange_what_they_found(problem):
    source, features, trusted, near = problem
    random = np.random.RandomState(3)
    views, near_views = (
        [f, (f + random.normal(size=f.shape)).astype(np.float32)]
        for f in (features, near)
    )
    result = purifier(epochs=12).fit(
        source, views, trusted, near_views, verbose=0
    )
    assert len(result.classifiers) == 2
    before = np.mean(source.labels == source.true_labels)
    assert accuracy(source, result) > before + 0.2
    both = result.predict(near_views)
    alone = [
        predictions([classifier], [view], result.regresses)
        for classifier, view in zip(result.classifiers, near_views, strict=True)
    ]
    np.testing.assert_allclose(both, np.mean(alone, axis=0), atol=1e-6)
    with pytest.raises(
        ValueError, match=r"as many views .* \[16, 16\].* \[16\]"
    ):
        purifier().fit(source, views, trusted, near)


def test_views_exchange_crosswise(problem):
    data = Data(*problem, held_out=0.0, seed=0)
    settings = purifier(held_out=0.0, export="labels", twin_views=True)
    run = Run(settings, data)
    heads = [np.full((17, CLASSES), -9.0, np.float32) for _ in range(2)]
    for number, (head, view) in enumerate(zip(heads, run.views, strict=True)):
        head[:-1], head[-1, number] = 0.0, 9.0
        view.classifier.assign(head)
    start = data.start
    run.substitute()
    for number, view in enumerate(run.views):
        rows = np.stack([r.numpy() for r in view.labels])
        table = run._layout.gather("samples", rows)
        other = np.eye(CLASSES)[1 - number]
        np.testing.assert_allclose(table, 0.5 * start + 0.5 * other, atol=1e-5)


@pytest.mark.parametrize("optimizer", ["adam", "whole_table_adam"])
def test_moments_are_those_of_the_labels_as_they_are(problem, optimizer):
    data = Data(*problem, held_out=0.2, seed=0)
    settings = purifier(
        twin_views=True,
        label_optimizer=optimizer,
        label_weight_decay=0.1,
        classifier_batch_size=40,
    )
    run = Run(settings, data)

    def check():
        for view in run.views:
            for k, labels in enumerate(view.labels):
                batch = view.batch(k)
                counted = labels.numpy() * batch.weight.numpy()[:, None]
                np.testing.assert_allclose(
                    view.moments[k],
                    batch.features.numpy().T @ counted,
                    rtol=1e-4,
                    atol=1e-3,
                )

    check()
    for k in range(run.num_batches):
        run.visit(k, np.float32([0.01, 0.006]))
        check()
    run.substitute()
    check()


def test_runs_repeat_and_seeds_differ(problem):
    results = [
        purifier(epochs=3, seed=seed).fit(*problem, verbose=0)
        for seed in (0, 0, 1)
    ]
    assert results[0].history == results[1].history
    np.testing.assert_array_equal(results[0].labels, results[1].labels)
    assert results[0].history != results[2].history


def test_true_labels_change_nothing_but_what_is_measured(problem):
    source, *rest = problem
    lied = source.relabel(source.labels)
    lied.true_labels = (source.true_labels + 1) % CLASSES
    results = [
        purifier(epochs=3).fit(s, *rest, verbose=0) for s in (source, lied)
    ]
    np.testing.assert_array_equal(results[0].labels, results[1].labels)
    measured = [r.history.pop("label_accuracy") for r in results]
    assert measured[0] != measured[1]
    assert results[0].history == results[1].history


def test_soft_labels_are_where_the_table_starts(problem):
    source, *rest = problem
    rows = np.full((len(source), CLASSES), 0.1, np.float32)
    rows[np.arange(len(source)), source.labels] = 0.7
    still = purifier(epochs=1, export="labels", label_learning_rate=0.0)
    result = still.fit(source.relabel(rows), *rest, verbose=0)
    np.testing.assert_allclose(result.labels, rows, atol=1e-6)


def test_gradient_descent_and_the_papers_form_purify(problem):
    source, *_ = problem
    result = purifier(
        epochs=30,
        substitute_every=0,
        form="paper",
        label_optimizer="gradient_descent",
        label_learning_rate=5.0,
        entropy_weight=1.0,
        balance_weight=0.0,
        export="response",
    ).fit(*problem, verbose=0)
    losses = result.history["loss"]
    assert losses[-1] < losses[0]
    before = np.mean(source.labels == source.true_labels)
    assert accuracy(source, result) > before + 0.2


def test_a_prior_moves_the_classifier(problem):
    prior = (0.1, 0.2, 0.3, 0.4)
    result = purifier(
        epochs=20,
        balance_weight=1e4,
        prior=prior,
        export="classifier",
        classifier_learning_rate=0.05,
        classifier_drop=20,
    ).fit(*problem, verbose=0)
    np.testing.assert_allclose(result.labels.mean(axis=0), prior, atol=0.08)


def test_a_prior_may_come_from_the_data(problem):
    data = Data(*problem, held_out=0.2, seed=0)
    run = Run(purifier(prior="validation"), data)
    expected = np.bincount(problem[2]) / 120.0
    np.testing.assert_allclose(run.steps.prior, expected, rtol=1e-6)
    run = Run(purifier(prior="estimated"), data)
    expected = run.noise.joint.sum(axis=0)
    np.testing.assert_allclose(run.steps.prior, expected, rtol=1e-6)
    # The noise leaves classes about as frequent as they are.
    np.testing.assert_allclose(expected, 0.25, atol=0.1)


def test_xla_changes_nothing(problem):
    few = {"epochs": 3, "classifier_batch_size": 40, "export": "classifier"}
    plain, compiled = (
        purifier(**few, jit_compile=jit).fit(*problem, verbose=0)
        for jit in (False, True)
    )
    np.testing.assert_allclose(compiled.labels, plain.labels, atol=1e-3)


def test_samples_that_are_also_trusted_take_no_part(problem):
    source, features, trusted, near = problem
    near = near.copy()
    near[:7] = features[50:57]
    with pytest.warns(UserWarning, match="7 training samples .* trusted"):
        result = purifier(epochs=2).fit(
            source, features, trusted, near, verbose=0
        )
    np.testing.assert_array_equal(result.label[50:57], trusted[:7])
    np.testing.assert_array_equal(result.confidence[50:57], 1.0)
    # Their given labels count for nothing.
    labels = source.labels.copy()
    labels[50:57] = (labels[50:57] + 1) % CLASSES
    with pytest.warns(UserWarning, match="7 training samples"):
        other = purifier(epochs=2).fit(
            source.relabel(labels), features, trusted, near, verbose=0
        )
    np.testing.assert_array_equal(result.labels, other.labels)
    # What trusted samples say of it differs.
    near[119], trusted = near[0], trusted.copy()
    trusted[119] = (trusted[0] + 1) % CLASSES
    with (
        pytest.warns(UserWarning, match="6 training samples .* trusted"),
        pytest.warns(UserWarning, match="1 training samples .* differ"),
    ):
        Data(source, features, trusted, near, 0.2, 0)
    with pytest.raises(ValueError, match="each is also among the trusted"):
        purifier().fit(source, features, source.labels, features, verbose=0)


def test_classes_with_one_sample_are_purified():
    features, labels = gaussians()
    near, trusted = gaussians(120, seed=5)
    for classes in (labels, trusted):
        classes[classes == 3] = 0
        classes[7] = 3
    result = purifier(epochs=2).fit(
        as_source(labels, 0.0), features, trusted, near, verbose=0
    )
    assert np.isfinite(result.labels).all()


def test_bad_data_are_told(problem):
    source, features, trusted, near = problem
    broken, constant = features.copy(), np.ones_like(features)
    broken[[3, 9], 2] = np.nan
    for changed, message in (
        ({"source": source.labels}, "`source` to be a source.*from_arrays"),
        ({"features": features[:-1]}, "for each of 400 samples .* 399 rows"),
        ({"features": broken}, "NaN or infinity in 2 rows, the first at 3"),
        ({"features": features * 1e300}, "NaN or infinity in 400 rows"),
        ({"features": constant}, "tell samples apart.*400 rows"),
        ({"features": features[0]}, r"of shape \[N, D\]"),
        ({"features": [features] * 3}, "one or two views.* 3"),
        ({"features": features.astype(str)}, r"numbers of shape \[N, D\]"),
        ({"trusted": trusted[:-1]}, "for each of 119 trusted samples"),
        ({"trusted": np.minimum(trusted, 2)}, "of every class.* class 3"),
        ({"trusted": trusted + 1}, r"`trusted` in \[0, 4\)"),
        ({"trusted": as_source(trusted % 3, classes=3)}, "source's classes"),
        ({"trusted_features": near[:, 1:]}, r"\[16\].* \[15\]"),
        ({"test": trusted}, "together.* only `test`"),
        ({"test_features": near}, "together.* only `test_features`"),
    ):
        given = {
            "source": source,
            "features": features,
            "trusted": trusted,
            "trusted_features": near,
        }
        with pytest.raises(ValueError, match=message):
            purifier(epochs=1).fit(**given | changed, verbose=0)


def test_batches_of_nothing_are_told(problem):
    source, features, trusted, near = problem
    empty = features.copy()
    empty[:390] = 0.0
    with pytest.raises(ValueError, match="none counts, all are zero"):
        purifier(epochs=1, batch_size=2).fit(
            source, empty, trusted, near, verbose=0
        )


def test_predictions_want_the_views_they_were_made_of(problem):
    source, features, trusted, near = problem
    twins = purifier(epochs=1, twin_views=True).fit(*problem, verbose=0)
    assert twins.twin_views
    np.testing.assert_array_equal(
        twins.predict(near), twins.predict([near, near])
    )
    assert twins.predict(near[:0]).shape == (0, CLASSES)
    both = purifier(epochs=1).fit(
        source,
        [features, features * 2.0],
        trusted,
        [near, near * 2.0],
        verbose=0,
    )
    assert not both.twin_views
    broken = near.copy()
    broken[5, 1] = np.nan
    for wrong, message in (
        (near, "of 2 views with 16, 16 columns"),
        ([near, near[:-1]], "Expected 120 rows"),
        ([near, broken], "NaN or infinity in 1 of 120"),
    ):
        with pytest.raises(ValueError, match=message):
            both.predict(wrong)


def test_other_test_samples_leave_gaps_in_the_history(
    problem, tmp_path, monkeypatch
):
    monkeypatch.setattr(run_module, "SECONDS_BETWEEN_SAVES", 0.0)

    def stop(epoch, record):
        if epoch == 1:
            raise KeyboardInterrupt

    near, labels = problem[3], problem[2]
    with pytest.raises(KeyboardInterrupt):
        purifier(epochs=4).fit(
            *problem, directory=tmp_path, verbose=0, on_epoch_end=stop
        )
    result = purifier(epochs=4).fit(
        *problem, labels, near, directory=tmp_path, verbose=0
    )
    told = result.history["test_response"]
    assert len(told) == len(result.history["loss"]) == 4
    assert np.isnan(told[0]) and np.isfinite(told[-1])


def test_bad_settings_are_told(problem):
    for options, message in (
        ({"epochs": float("inf")}, "`epochs` to be a whole number"),
        ({"preset": "best"}, "`preset` to be one of"),
        ({"epochs": 0}, "`epochs` to be a whole number of at least 1"),
        ({"form": "mine"}, "`form` to be one of"),
        ({"held_out": 1.0}, r"`held_out` in \[0, 1\)"),
        ({"held_out": 0.0}, "`held_out` above 0"),
        ({"prior": "mine"}, "`prior` to be one of"),
        ({"prior": (0.5, 0.6)}, "sum to 1"),
        ({"substitution_rate": 0.0}, r"in \(0, 1\]"),
    ):
        with pytest.raises(ValueError, match=message):
            nk.LabelPurifier(**options)
    with pytest.raises(ValueError, match="each of 4 .* 2 shares"):
        purifier(prior=(0.5, 0.5)).fit(*problem, verbose=0)
    with pytest.raises(ValueError, match="at least 2 classes"):
        nk.data.from_arrays(np.zeros((3, 2, 2, 1), "uint8"), [0, 0, 0])


def test_divergence_is_told(problem):
    wild = purifier(epochs=30, label_learning_rate=1e38)
    with pytest.raises(FloatingPointError, match="Lower label_learning_rate"):
        wild.fit(*problem, verbose=0)
