import io

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
        (f"Predictions per label so far: {epochs:g}." in text)
        if warned
        else ("Predictions per label so far" not in text)
    )


def test_other_evidence_needs_no_epochs():
    assert "Predictions per label so far" not in printed(
        evidence="trusted_labels", epochs=2.0
    )


def test_summaries_of_older_runs_are_printed_too():
    assert "Predictions per label so far" not in printed()


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
