import io

import numpy as np
import pytest
from rich import console

from trainers.run import classification

LABELS = {
    "samples": 100,
    "ok": 30,
    "suspect": 60,
    "relabelled": 8,
    "out_of_distribution": 2,
    "evidence": "cross_epoch_history",
}


def printed(**labels):
    stream = io.StringIO()
    out = console.Console(file=stream, width=200)
    classification.print_labels(out, LABELS | labels)
    return stream.getvalue()


@pytest.mark.parametrize(
    "epochs, warned", [(1.0, True), (4.0, True), (5.0, False), (None, False)]
)
def test_an_audit_of_few_epochs_has_a_warning(epochs, warned):
    text = printed(epochs=epochs)
    assert (
        "Labels called wrong: 70 of 100 (70.0%), 8 of them with a sure" in text
    )
    assert (
        (f"Epochs so far: {epochs:g}." in text)
        if warned
        else ("Epochs so far" not in text)
    )


def test_other_evidence_needs_no_epochs():
    assert "Epochs so far" not in printed(evidence="trusted_labels", epochs=2.0)


def test_summaries_of_older_runs_are_printed_too():
    assert "Epochs so far" not in printed()


def test_guessing_is_what_agrees_by_chance_alone():
    labels = np.repeat([0, 1], 50)
    # Two standard errors of a half are 0.1 of 100.
    for right, guessed in ((59, True), (61, False)):
        predicted = labels.copy()
        wrong = np.arange(100 - right)
        # As many of either class, so that chance stays a half.
        wrong = np.where(wrong % 2, wrong // 2, 50 + wrong // 2)
        predicted[wrong] = 1 - predicted[wrong]
        assert classification.is_guessing(predicted, labels) == guessed
    # The most frequent class alone is a guess; finding the rare one is not.
    labels = np.repeat([0, 1], [90, 10])
    assert classification.is_guessing(np.zeros(100, int), labels)
    predicted = labels.copy()
    predicted[:10] = 1
    assert not classification.is_guessing(predicted, labels)


ROW = {"epoch": 9, "validation": 0.4}


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"kept_epoch": 3}, "The model is that of epoch 3, which is right on"),
        ({"no_better_than_guessing": True}, "The accuracy is that of guessing"),
    ],
)
def test_results_say_what_is_unusual(more, text):
    found = {
        "final": ROW,
        "best_by_validation": None,
        "mean_last_10": {"validation": 0.4},
        "epochs_averaged": 9,
    }
    texts = []
    for one in (found, found | more):
        stream = io.StringIO()
        out = console.Console(file=stream, width=200)
        classification.print_results(out, one)
        texts.append(stream.getvalue())
    assert text not in texts[0] and text in texts[1]
