import base64

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.labels import division
from noisy_keras.reporting import audit_tally
from noisy_keras.reporting import curves
from noisy_keras.reporting import facts
from noisy_keras.reporting import figures
from noisy_keras.reporting import label_charts
from noisy_keras.reporting import loss_charts
from noisy_keras.reporting import run_files
from noisy_keras.reporting import thumbnails
from tests import toy

LOSSES = np.concatenate([np.linspace(0.02, 0.3, 70), np.linspace(0.5, 0.9, 30)])


@pytest.mark.parametrize(
    "mixture", [nk.mixtures.GaussianMixture(), nk.mixtures.BetaMixture()]
)
def test_drawn_densities_are_the_mixtures(mixture):
    mixture.fit(LOSSES)
    grid = np.linspace(0.001, 0.999, 2001)
    density = loss_charts.density(division.describe(mixture), grid)
    posterior = density / density.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(posterior, mixture.posterior(grid), atol=1e-3)
    # Each has the mass of its weight within the interval.
    mass = np.trapezoid(density, grid, axis=0)
    np.testing.assert_allclose(mass, mixture.weights, atol=0.03)


def test_shown_divisions_are_spread_over_the_run():
    records = [{"epoch": e, "network": k} for e in range(11) for k in (0, 1)]
    found = [r["epoch"] for r in loss_charts.chosen(records)]
    assert found == [0, 2, 4, 6, 8, 10]
    assert loss_charts.chosen(records[:1]) == records[:1]
    assert loss_charts.chosen([]) == []


def test_metrics_are_drawn_where_they_are_numbers():
    records = [
        {
            "epoch": 1,
            "loss": 2.0,
            "part": 2.0,
            "val_accuracy": None,
            "new": 1.0,
        },
        {
            "epoch": 2,
            "loss": 1.0,
            "part": 1.0,
            "val_accuracy": 0.5,
            "seconds": 3.0,
        },
    ]
    with figures.styled():
        made = curves.panels(records, val_split="test")
    texts = {title: text for title, text, _ in made}
    assert list(texts) == ["Accuracy", "Loss", "new"]  # The loss has one part
    assert "test from 0.5 in epoch 2 to 0.5 in epoch 2" in texts["Accuracy"]
    assert "training from 2 in epoch 1 to 1 in epoch 2" in texts["Loss"]


def test_class_names_are_neither_formulas_nor_markup():
    name = r"$\frac{a}$ <script>alert(1)</script> & 漢字"
    with figures.styled():
        canvas, axis = figures.new()
        axis.set_yticks([0.0], [name])
        text = figures.svg(canvas)
    kind, data = text.split(",")
    assert kind == "data:image/svg+xml;base64"
    drawn = base64.b64decode(data).decode()
    assert "<script" not in drawn
    assert r"$\frac{a}$ &lt;script&gt;" in drawn and "漢字" in drawn


def test_small_images_are_kept_and_large_ones_shrunk():
    import tensorflow as tf

    random = np.random.RandomState(0)
    small = random.randint(0, 256, (2, 8, 8, 1)).astype(np.uint8)
    for text, image in zip(
        thumbnails.of_pictures(small, 160), small, strict=True
    ):
        kind, data = text.split(",")
        assert kind == "data:image/png;base64"
        shown = tf.io.decode_png(base64.b64decode(data)).numpy()
        np.testing.assert_array_equal(shown, image)
    [large] = thumbnails.of_pictures(np.ones((1, 300, 200, 3)) / 2, 150)
    kind, data = large.split(",")
    assert kind == "data:image/jpeg;base64"
    shown = tf.io.decode_jpeg(base64.b64decode(data)).numpy()
    assert shown.shape == (150, 100, 3) and abs(shown.mean() - 128) < 2


def test_time_by_part_has_the_slowest_first():
    records = [
        {"epoch": 1, "seconds": 10.0, "training_seconds": 4.0},
        {
            "epoch": 2,
            "seconds": 30.0,
            "training_seconds": 14.0,
            "division_seconds": 20.0,
        },
    ]
    found = facts.timing(records)
    assert found["total"] == "40 s"
    assert found["parts"][0] == ("division of the samples", "20 s", "50%")
    assert found["parts"][1] == ("training", "18 s", "45%")
    assert found["parts"][2][1:] == ("2.0 s", "5%")
    assert [e for e, _, _ in found["epochs"]] == [2, 1]
    assert found["phases"] == []
    # Of earlier versions: no parts are known.
    assert facts.timing([{"epoch": 1, "seconds": 9.0}])["parts"] == []
    assert facts.timing([]) is None


def test_phases_of_a_recipe_are_separated():
    records = [
        {"epoch": e, "phase": phase, "seconds": 5.0}
        for e, phase in ((1, "relabel"), (2, "relabel"), (3, "final"))
    ]
    assert curves.phase_begins(records) == [("relabel", 1), ("final", 3)]
    found = facts.timing(records)["phases"]
    assert found == [("relabel", "10 s", "67%"), ("final", "5.0 s", "33%")]


def test_results_of_recipes_have_their_cards():
    run = run_files.RunFiles("", {}, [], [], None, None, None, None, [])
    run.summary = {
        "purification": {
            "replaced": 1234,
            "right_labels": {"before": 0.64, "after": 0.949},
        },
        "detections": {"detection_1": {"believed": 58, "label_auc": 0.89}},
    }
    assert facts.cards(run, "test") == [
        (
            "labels replaced",
            "1,234",
            "correct labels: 64.0% before, 94.9% after",
        ),
        ("detection 1", "58", "labels kept as clean, AUC 0.890"),
    ]


@pytest.mark.parametrize(
    "seconds, expected",
    [(2.34, "2.3 s"), (65, "65 s"), (600, "10 min"), (9000, "2 h 30 min")],
)
def test_durations(seconds, expected):
    assert facts.duration(seconds) == expected


def test_confusions_are_shaded_by_the_root_of_their_count():
    rows = [[50, 4], [1, 30]]
    shade = label_charts.off_diagonal_shades(rows)
    np.testing.assert_allclose(shade, [[0.0, 1.0], [0.5, 0.0]])
    np.testing.assert_array_equal(
        label_charts.off_diagonal_shades([[3, 0], [0, 2]]), np.zeros((2, 2))
    )


@pytest.mark.parametrize("count", [2, 20])
def test_a_matrix_of_given_and_suggested_labels_is_drawn(count):
    rows = 7 * np.eye(count, dtype=int)
    rows[0, 1] = 3
    found = {"names": [f"class ${k}" for k in range(count)], "rows": rows}
    with figures.styled():
        title, text, canvas = label_charts.draw_confusion(found)
        assert figures.pixels(canvas).std() > 0
    assert title == "Given against suggested labels"
    assert text.startswith(f"3 of {7 * count + 3} labels differ")
    texts = {text.get_text() for text in canvas.axes[0].texts}
    # Twenty classes leave no room for numbers.
    assert texts == ({"3", "7"} if count == 2 else set())


def test_suspects_are_looked_up_in_their_split():
    train, held = toy.source(8), toy.source(8, seed=1)
    suspects = [
        audit_tally.Suspect(row, name, "", "0", "1", "", 0.1, 0.9, "ok", split)
        for row, (name, split) in enumerate(
            [
                (train.ids[3], "train"),
                (held.ids[3], "validation"),
                ("nobody", "train"),
            ]
        )
    ]
    sources = {"train": train, "validation": held}
    first, second, none = thumbnails.images_of(sources, suspects)
    np.testing.assert_allclose(first, train.fetch([3])[0] / 255)
    np.testing.assert_allclose(second, held.fetch([3])[0] / 255)
    assert none is None
    # Of a run without validation, or of version 0.1.0.
    assert thumbnails.of_samples(train, suspects, 64)[1:] == ["", ""]
