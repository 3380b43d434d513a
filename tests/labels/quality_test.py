"""How well labels are told apart, against numbers computed by hand."""

import numpy as np

import noisy_keras as nk
from noisy_keras.labels import quality as quality_module


def test_label_quality_by_hand():
    images = np.zeros((5, 8, 8, 3), np.uint8)
    source = nk.data.from_arrays(
        images, [0, 1, 0, 1, 0], true_labels=[0, 0, 1, 1, -1]
    )
    # Wrong: samples 1 and 2. Suspect: 1 and 3. Sample 4 is not known.
    quality = quality_module.label_quality(source, [0.9, 0.1, 0.6, 0.4, 0.0])
    assert quality["label_precision"] == 0.5
    assert quality["label_recall"] == 0.5
    # Of the four pairs (right, wrong) three are in order: 0.9 > 0.1,
    # 0.9 > 0.6, 0.4 > 0.1, but not 0.4 > 0.6.
    assert quality["label_auc"] == 0.75


def test_trust_quality_by_hand():
    images = np.zeros((5, 8, 8, 3), np.uint8)
    source = nk.data.from_arrays(
        images, [0, 1, 0, 1, 0], true_labels=[0, 0, 1, 1, -1]
    )
    # Clean: 0 and 3; wrong: 1 and 2; sample 4 is not known.
    table = np.array([[2, 3], [0, 1], [1, 2], [4, 2.5], [9, 9]], float)
    assert quality_module.trust_quality(source, "weight", table) == {
        "weight_clean": 3.0,
        "weight_noisy": 0.5,
        "weight_auc": 1.0,
    }
    table[1] = -1.0  # Not seen yet.
    quality = quality_module.trust_quality(source, "weight", table)
    assert quality["weight_noisy"] == 1.0
    assert quality_module.trust_quality(source, "kept", table - 10.0) == {}
    unknown = nk.data.from_arrays(images, [0, 1, 0, 1, 0])
    assert quality_module.trust_quality(unknown, "kept", table) == {"kept": 4.0}


def test_label_quality_without_truth_or_without_noise_is_empty():
    images = np.zeros((2, 8, 8, 3), np.uint8)
    unknown = nk.data.from_arrays(images, [0, 1])
    assert quality_module.label_quality(unknown, [1.0, 1.0]) == {}
    right = nk.data.from_arrays(images, [0, 1], true_labels=[0, 1])
    assert quality_module.label_quality(right, [1.0, 1.0]) == {}
