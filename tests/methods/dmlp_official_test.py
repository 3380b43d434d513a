"""The released script's choices, against an own NumPy version of it."""

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.methods.dmlp.layout import Layout

COUNT, COLUMNS, CLASSES, TRUSTED = 40, 5, 3, 12
RATE, DECAY = 0.01, 3e-4


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def slope(function, value):
    """Central differences."""
    found = np.zeros_like(value)
    for place in np.ndindex(value.shape):
        for sign in (1.0, -1.0):
            moved = value.copy()
            moved[place] += sign * 1e-5
            found[place] += sign * function(moved) / 2e-5
    return found


class Adam:
    def __init__(self, shape):
        self.m, self.v, self.t = np.zeros(shape), np.zeros(shape), 0

    def __call__(self, value, gradient, rate):
        gradient = gradient + DECAY * value
        self.t += 1
        self.m = 0.5 * self.m + 0.5 * gradient
        self.v = 0.999 * self.v + 0.001 * gradient**2
        mean, square = self.m / (1 - 0.5**self.t), self.v / (1 - 0.999**self.t)
        return value - rate * mean / (np.sqrt(square) + 1e-8)


def balance(outputs):
    mean = softmax(outputs).mean(axis=0)
    return np.sum(np.log(1.0 / CLASSES / mean)) / CLASSES


def script(features, labels, trusted_features, trusted, epochs, batches):
    """Label tables and classifiers of both views."""
    wanted = np.eye(CLASSES)[trusted]
    tables = [np.eye(CLASSES)[labels] for _ in range(2)]
    bound = 1.0 / np.sqrt(COLUMNS)
    heads = [
        np.random.RandomState(2 + v).uniform(
            -bound, bound, (COLUMNS + 1, CLASSES)
        )
        for v in range(2)
    ]
    table_steps = [Adam((COUNT, CLASSES)) for _ in range(2)]
    head_steps = [Adam((COLUMNS + 1, CLASSES)) for _ in range(2)]

    def validation_loss(part, rows):
        f = features[rows]
        weights = np.linalg.inv(f.T @ f) @ f.T @ part
        response = trusted_features @ weights
        entropy = -np.sum(wanted * np.log(softmax(response)), axis=1).mean()
        error = np.sum((response - wanted) ** 2)
        return entropy + error + balance(f @ weights)

    def head_loss(head, f, targets):
        q = softmax(f @ head[:-1] + head[-1])
        s = softmax(q)
        entropy = -np.log(s[np.arange(len(s)), targets]).mean()
        penalty = 0.4 * np.sum(s * np.log(s), axis=1).mean()
        return entropy + penalty + 2200.0 * balance(s)

    for epoch in range(epochs):
        for rows in batches:
            for v in range(2):
                gradient = np.zeros((COUNT, CLASSES))
                gradient[rows] = slope(
                    lambda part, r=rows: validation_loss(part, r),
                    tables[v][rows],
                )
                tables[v] = table_steps[v](tables[v], gradient, RATE)
                for part in np.split(rows, 2):
                    targets = tables[v][part].argmax(axis=1)
                    gradient = slope(
                        lambda h, p=part, t=targets: head_loss(
                            h, features[p], t
                        ),
                        heads[v],
                    )
                    rate = 0.006 if epoch <= 3 else 0.0006
                    heads[v] = head_steps[v](heads[v], gradient, rate)
    return tables, heads


@pytest.fixture(scope="module")
def problem():
    random = np.random.RandomState(0)
    labels = random.randint(0, CLASSES, COUNT)
    features = random.normal(size=(COUNT, COLUMNS)) + np.eye(5)[labels]
    trusted = np.arange(TRUSTED) % CLASSES
    near = random.normal(size=(TRUSTED, COLUMNS)) + np.eye(5)[trusted]
    source = nk.data.from_arrays(np.zeros((COUNT, 2, 2, 1), "uint8"), labels)
    return source, features.astype("f"), trusted, near.astype("f")


def test_the_released_script_is_reproduced(problem):
    source, features, trusted, near = problem
    epochs = 5  # The last with the lower rate.
    purifier = nk.LabelPurifier(
        "official", epochs=epochs, batch_size=20, classifier_batch_size=10
    )
    result = purifier.fit(
        source,
        features,
        trusted,
        near,
        test=trusted,
        test_features=near,
        verbose=0,
    )
    batches = Layout.at_random(COUNT, 0, 20, 10, seed=0).samples
    tables, heads = script(
        features.astype(float),
        source.labels,
        near.astype(float),
        trusted,
        epochs,
        batches,
    )
    for found, expected in zip(result.classifiers, heads, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-3)
    positive = [np.maximum(table, 0.0) for table in tables]
    expected = np.mean(
        [p / p.sum(axis=1, keepdims=True) for p in positive], axis=0
    )
    np.testing.assert_allclose(result.labels, expected, atol=1e-3)
    # What it reports: both classifiers' mean on samples for testing.
    p = np.mean([softmax(near @ h[:-1] + h[-1]) for h in heads], axis=0)
    reported = np.mean(p.argmax(axis=1) == trusted)
    assert result.history["test_classifier"][-1] == pytest.approx(reported)
    np.testing.assert_allclose(result.predict(near), p, atol=1e-3)


def test_its_exchange_never_comes(problem):
    purifier = nk.LabelPurifier("official", batch_size=20)
    assert not any(purifier._substitutes(epoch) for epoch in range(200))
    due = [e for e in range(100) if nk.LabelPurifier()._substitutes(e)]
    assert due == [20, 40, 60, 80]
