"""The tests that every method must pass, for GCE: `pytest` in this folder."""

from gce import GCE

from noisy_keras import testing


class TestGCE(testing.MethodTests):
    epochs = 12
    learning_rate = 0.1

    def build(self, source):
        return GCE(testing.toy.network(), source)
