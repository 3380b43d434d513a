import types

import pytest

from noisy_keras.reporting import facts
from noisy_keras.serving import card


def summary(ok, interval):
    return {
        "labels": {"samples": 100, "ok": ok, "relabelled": 3},
        "estimated_noise_rate": 0.3,
        "estimated_noise_interval": interval,
    }


@pytest.mark.parametrize("ok", [60, 70, 80])
def test_rates_that_agree_need_no_word(ok):
    assert facts.two_rates(summary(ok, [0.2, 0.4])) == []


@pytest.mark.parametrize(
    ("ok", "called", "why"),
    [(90, "10.0%", "not known which"), (40, "60.0%", "hard to tell apart")],
)
def test_rates_that_differ_are_explained(ok, called, why):
    [note] = facts.two_rates(summary(ok, [0.2, 0.4]))
    assert f"called wrong: {called}" in note and why in note
    assert "20.0% to 40.0%" in note


def test_summaries_of_earlier_versions_have_no_interval():
    found = summary(90, None)
    del found["estimated_noise_interval"]
    assert facts.two_rates(found) == []


def test_classes_that_lose_most_samples_are_named():
    names = [f"class {k}" for k in range(12)]
    [warning] = facts.warnings({"mostly_wrong": names})
    assert "'class 9'" in warning and "and 2 more" in warning
    assert facts.warnings({"mostly_wrong": []}) == facts.warnings({}) == []


def test_the_page_says_what_a_calibration_has_changed():
    found = {
        "temperature": 1.5,
        "samples": 200,
        "before": {"ece": 0.2, "nll": 1.0},
        "after": {"ece": 0.125, "nll": 0.9},
        "noise_corrected": True,
    }
    [text] = facts.calibrated({"calibration": found})
    assert "0.200 before and 0.125 after" in text and "noise" in text
    found |= {"after": None, "skipped": "it is no better"}
    [text] = facts.calibrated({"calibration": found})
    assert "not scaled, because it is no better" in text
    assert "200 validation samples (corrected for their noise)" in text
    assert text.endswith("is 0.200.")
    found |= {"before": None}
    assert facts.calibrated({"calibration": found})
    assert facts.calibrated({}) == []


def test_calibration_errors_of_one_page_say_by_which_labels_they_are():
    found = {"noise_corrected": True}
    run = types.SimpleNamespace(
        summary={"calibration": found},
        config={},
        records=[],
        calibration={"split": "validation", "expected_calibration_error": 0.2},
    )
    name, value, remark = facts.cards(run, "validation")[-1]
    assert (name, value) == ("calibration error", "0.200")
    assert remark == "expected, validation, by the labels as given"
    found["noise_corrected"] = False
    assert facts.cards(run, "validation")[-1][-1] == "expected, validation"


def test_the_model_card_says_that_the_noise_was_corrected_for():
    found = {
        "before": {"ece": 0.2, "nll": 1.0},
        "after": None,
        "samples": 100,
        "skipped": "it is no better",
    }
    corrected = card._calibration(found | {"noise_corrected": True})
    assert "100 validation samples (corrected for the noise" in corrected
    assert "noise" not in card._calibration(found)
