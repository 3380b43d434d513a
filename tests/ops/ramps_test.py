import numpy as np

from noisy_keras.ops import ramps


def test_ramp_rises_from_zero_to_one():
    ramp = ramps.linear_ramp([9.0, 10.0, 14.0, 26.0, 40.0], 10, 16)
    np.testing.assert_allclose(ramp, [0.0, 0.0, 0.25, 1.0, 1.0])


def test_ramp_of_no_length_is_a_step():
    np.testing.assert_allclose(ramps.linear_ramp([4.9, 5.0], 5, 0), [0.0, 1.0])
