import io

import pytest
from rich import console

from trainers.run import progress

SUMMARY = {
    "final": {"test": 0.5},
    "best_by_validation": None,
    "mean_last_10": {"test": 0.5},
    "epochs_averaged": 1,
    "labels": {
        "samples": 100,
        "ok": 30,
        "suspect": 60,
        "relabelled": 8,
        "out_of_distribution": 2,
        "evidence": "cross_epoch_history",
    },
}


def _told(**labels):
    stream = io.StringIO()
    summary = SUMMARY | {"labels": SUMMARY["labels"] | labels}
    progress.print_summary(
        console.Console(file=stream, width=200), summary, "runs/x", []
    )
    return stream.getvalue()


@pytest.mark.parametrize(
    "epochs, warned", [(1.0, True), (4.0, True), (5.0, False), (None, False)]
)
def test_an_audit_of_few_epochs_says_so(epochs, warned):
    told = _told(epochs=epochs)
    assert "Labels found wrong: 70 of 100, 8 of them with a sure" in told
    assert (
        (f"Epochs so far: {epochs:g}." in told)
        if warned
        else ("Epochs so far" not in told)
    )


def test_other_evidence_needs_no_epochs():
    assert "Epochs so far" not in _told(evidence="trusted_labels", epochs=2.0)


def test_summaries_of_older_runs_are_told_too():
    assert "Epochs so far" not in _told()
