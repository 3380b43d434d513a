"""Fitting a Beta mixture to a million values, compared with NumPy and SciPy.

Ten EM iterations on 600,000 values of Beta(2, 12) and 400,000 of Beta(9, 3):
the published moment matching as a NumPy loop with SciPy's density, and
`noisy_keras.mixtures.BetaMixture` with either estimator. The two of a pair are
timed one after the other in one process, after a first fit of each, which
traces the graph and imports TensorFlow Probability and whose time is reported
as well. The fitted parameters are compared. "detection" is the whole of
`noisy_keras.labels.detection.detect` on as many losses.

    python benchmarks/beta_mixture.py

Written to benchmarks/results/beta_mixture.json.
"""

import json
import os
import statistics
import time

import harness
import numpy as np
from absl import app
from absl import flags
from scipy import stats

from noisy_keras.labels import detection
from noisy_keras.mixtures import BetaMixture

flags.DEFINE_integer("count", 1_000_000, "Number of values.")
flags.DEFINE_integer("repeats", 7, "Number of pairs to time.")
FLAGS = flags.FLAGS

_ROUNDS = 10


def values(count):
    random = np.random.RandomState(0)
    low = random.beta(2, 12, round(0.6 * count))
    return np.r_[low, random.beta(9, 3, count - len(low))]


def numpy_moments(u):
    """The published EM iterations on every value."""
    u = np.clip(u, 1e-4, 1.0 - 1e-4)
    a, b, weights = np.array([1.0, 2.0]), np.array([2.0, 1.0]), np.ones(2) / 2
    for _ in range(_ROUNDS):
        density = [stats.beta.pdf(u, a[k], b[k]) for k in range(2)]
        r = np.maximum(weights[:, None] * density, 1e-12)
        r /= r.sum(axis=0)
        total = r.sum(axis=1)
        mean = r @ u / total
        variance = [r[k] @ (u - mean[k]) ** 2 / total[k] for k in range(2)]
        a = mean * (mean * (1.0 - mean) / variance - 1.0)
        b = a * (1.0 - mean) / mean
        weights = total / total.sum()
    return weights, a, b


def seconds(function, *arguments):
    begin = time.perf_counter()
    found = function(*arguments)
    return time.perf_counter() - begin, found


def main(argv):
    del argv
    u = values(FLAGS.count)
    result = {
        "machine": harness.machine(),
        "values": FLAGS.count,
        "rounds": _ROUNDS,
    }
    _, theirs = seconds(numpy_moments, u)
    for estimator in ("moments", "maximum_likelihood"):
        mixture = BetaMixture(_ROUNDS, estimator)
        first, _ = seconds(mixture.fit, u)
        pairs = [
            (seconds(mixture.fit, u)[0], seconds(numpy_moments, u)[0])
            for _ in range(FLAGS.repeats)
        ]
        ratios = sorted(b / a for a, b in pairs)
        result[estimator] = {
            "first_fit": round(first, 3),
            "seconds": [[round(v, 4) for v in pair] for pair in pairs],
            "times_as_fast": round(statistics.median(ratios), 1),
            "lowest_and_highest": [round(ratios[0], 1), round(ratios[-1], 1)],
        }
        if estimator == "moments":
            mine = mixture.weights, mixture.concentration1
            result[estimator]["largest_relative_difference"] = float(
                max(
                    np.max(np.abs(m / t - 1.0))
                    for m, t in zip(mine, theirs, strict=False)
                )
            )
    loss = -np.log1p(-u)
    detection.detect(loss)
    times = [seconds(detection.detect, loss)[0] for _ in range(FLAGS.repeats)]
    result["detection"] = {"seconds": [round(t, 3) for t in times]}
    print(json.dumps(result, indent=1))
    path = os.path.join(harness.RESULTS, "beta_mixture.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(result, stream, indent=1)
        stream.write("\n")


if __name__ == "__main__":
    app.run(main)
