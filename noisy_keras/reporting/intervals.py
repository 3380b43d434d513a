"""Confidence intervals of proportions."""

import numpy as np

from noisy_keras.utils.errors import ConfigurationError


def wilson_interval(count, total, z=1.959964):
    """Wilson's score interval of a binomial proportion.

    Unlike the normal approximation, it stays in `[0, 1]` and has a positive
    width if the count is 0 or the total.

    Args:
        count: number or array, counts in `[0, total]`.
        total: number or array of the same shape, totals of at least 1.
        z: float, quantile of the normal distribution; the default gives 95 %
            intervals.

    Returns:
        Tuple of the lower and the upper end, floats or arrays.

    Raises:
        ValueError: If a count is outside of `[0, total]` or a total is 0.

    Reference: Wilson, Probable Inference, the Law of Succession, and
    Statistical Inference, JASA 1927; Brown, Cai and DasGupta, Interval
    Estimation for a Binomial Proportion, Statistical Science 2001, equation
    (4).

    Example:
        >>> low, high = wilson_interval(8, 10)
        >>> round(low, 3), round(high, 3)
        (0.49, 0.943)
    """
    count, total = np.asarray(count, float), np.asarray(total, float)
    if not ((total > 0) & (count >= 0) & (count <= total)).all():
        raise ConfigurationError(
            "Expected counts from 0 to totals of at least 1. "
            f"Received: count={count}, total={total}"
        )
    share = count / total
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = (z / (1 + z**2 / total)) * np.sqrt(
        share * (1 - share) / total + z**2 / (4 * total**2)
    )
    # Exactly 0 and 1, which rounding would miss.
    low = np.where(count == 0, 0.0, np.maximum(middle - half, 0.0))
    high = np.where(count == total, 1.0, np.minimum(middle + half, 1.0))
    return (low.item(), high.item()) if low.ndim == 0 else (low, high)
