"""Settings that follow from an estimate of the noise."""

import numpy as np

import noisy_keras as nk
from trainers.presets import dividemix as dividemix_presets
from trainers.run import noise_estimate


def test_an_estimate_chooses_settings_and_is_printed():
    for_estimate = dividemix_presets.for_estimate
    arguments, why = for_estimate(0.45, 0.2)
    assert arguments == {"unlabeled_weight": 25.0} and "50% symmetric" in why
    assert for_estimate(0.1, 0.2)[0] == {"unlabeled_weight": 0.0}
    assert for_estimate(0.45, 0.8)[0] == {"unlabeled_weight": 0.0}
    high = for_estimate(0.95, 0.1)[0]
    assert high == {"unlabeled_weight": 50.0, "clean_threshold": 0.6}
    joint = np.array([[0.5, 0.1], [0.05, 0.35]])
    found = nk.data.NoiseEstimate.of_joint(joint)
    text = noise_estimate.describe(found, ("cat", "dog"), arguments, why)
    assert "15.0% of the labels are wrong" in text
    assert "'dog' labelled 'cat' (10.0% of all)" in text
    assert "unlabeled_weight 25 (50% symmetric" in text
