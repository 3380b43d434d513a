"""One of two workers of `distribution_test`: trains and writes what it got."""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.testing import toy


def main(output, method):
    # Before anything else: the strategy starts the cluster.
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    keras.utils.set_random_seed(0)
    source = toy.source(64)
    with strategy.scope():
        if method == "sanm":
            model = nk.SANM(
                toy.network(), source, warmup_epochs=1, unlabeled_weight=2.0
            )
        elif method == "ieg":
            model = nk.IEG(toy.network(), source.num_samples)
        else:
            model = nk.CrossEntropy(toy.network(), source.num_samples)
        model.compile(nk.MomentumSGD(0.05))
    trusted = {}
    if method == "ieg":
        trusted["trusted"] = toy.pictures(12, seed=7)
    history = model.fit(
        source,
        epochs=2,
        batch_size=16,
        verbose=0,
        validation_data=toy.source(32, seed=5),
        callbacks=[nk.callbacks.ResumableCheckpoint(output + ".checkpoints")],
        **trusted,
    )
    audit = model.label_audit(source)
    np.savez(
        output,
        history=json.dumps(history.history),
        clean=audit.clean_probability,
        **{f"weight_{i}": w for i, w in enumerate(model.get_weights())},
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
