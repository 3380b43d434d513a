"""The cost of a meta-gradient, in plain training steps.

All functions are compiled once, in float32, and timed in turn in one process on
the same network and batches of 100 random 32x32 images. Medians of the ratios
within a turn are reported, with the lowest and the highest.

- plain: forward pass, backward pass and optimizer step on the weak view.
- meta: additional time of a step that looks ahead, computes the trusted
  gradient there and the derivatives of all samples' losses along it, and shares
  the forward pass of the weak view, as `nk.IEG` does.
- alone: `ops.meta.meta_gradients` with a forward pass of its own, by each of
  its methods.
- whole: the step of `nk.IEG` relative to the sum of its passes timed
  separately: the plain step, meta, and forward and backward passes of the
  strong view and of the mixed batch of 300.

    python benchmarks/meta_step.py

Written to benchmarks/results/meta_step.json.
"""

import json
import os
import time

import harness
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags

import noisy_keras as nk
from noisy_keras.ops import losses
from noisy_keras.ops import meta

flags.DEFINE_integer("turns", 9, "Number of turns to time.")
flags.DEFINE_list("networks", ["preact_resnet18:16"], "NAME:WIDTH")
FLAGS = flags.FLAGS

_BATCH, _CLASSES = 100, 10


def batch(random):
    def pictures():
        shape = (_BATCH, 32, 32, 3)
        return tf.constant(random.uniform(0, 255, shape), tf.float32)

    def targets():
        return tf.one_hot(random.randint(0, _CLASSES, _BATCH), _CLASSES)

    labels = targets()
    return {
        "index": tf.range(_BATCH),
        "images": pictures(),
        "strong": pictures(),
        "trusted_images": pictures(),
        "target": labels,
        "trusted_target": targets(),
        "label": tf.argmax(labels, axis=1, output_type=tf.int32),
        "seed": tf.zeros([_BATCH, 2], tf.int32),
    }


def contenders(network):
    """Functions without arguments, by name."""
    random = np.random.RandomState(0)
    data = batch(random)
    model = nk.IEG(network, _BATCH)
    model.compile(nk.MomentumSGD(1e-6, weight_decay=5e-4))
    pseudo = tf.nn.softmax(
        tf.constant(random.normal(size=(_BATCH, _CLASSES)), tf.float32)
    )
    mixed = tf.concat([data["images"], data["strong"], data["images"]], axis=0)

    def weighted(logits, weights):
        each = losses.cross_entropy(data["target"], logits)
        return {"loss_weighted": tf.reduce_sum(weights * each)}

    def plain():
        even = tf.fill([_BATCH], 1.0 / _BATCH)
        model.descend(
            0,
            lambda: weighted(
                model.learn(model.parameters(), data["images"]), even
            ),
        )

    def with_meta():
        def terms():
            theta = model.parameters()
            logits, tape, recorded = model.recorded(theta, data["images"])
            with tape:
                ahead = model._lookahead_losses(
                    data["target"], pseudo, recorded
                )
            weights, keep = model._meta_step(theta, tape, ahead, data)
            values = weighted(logits, weights + 1e-9 * keep)
            return values

        model.descend(0, terms)

    def gradients(images):
        def both():
            theta = model.parameters()
            with tf.GradientTape() as tape:
                tape.watch(theta)
                loss = tf.reduce_mean(model.forward(theta, images) ** 2)
            return tape.gradient(loss, theta)

        return both

    def alone(method):
        return lambda: meta.meta_gradients(
            model.forward,
            model.parameters(),
            data["images"],
            data["target"],
            pseudo,
            data["trusted_images"],
            data["trusted_target"],
            accumulators=[m.value for m in model.optimizer.momentum_buffer],
            weight_decay=5e-4,
            method=method,
        )

    made = {
        "plain": plain,
        "with_meta": with_meta,
        "strong": gradients(data["strong"]),
        "mixed": gradients(mixed),
        "whole": lambda: model._train(data),
    }
    made |= {f"alone, {m}": alone(m) for m in meta.METHODS}
    return {name: tf.function(f) for name, f in made.items()}


def measure(network, turns):
    functions = contenders(network)
    times = {name: [] for name in functions}
    for turn in range(turns + 2):
        for name, function in functions.items():
            begin = time.perf_counter()
            for tensor in tf.nest.flatten(function()):
                if tensor is not None:  # Steps return nothing.
                    tensor.numpy()
            if turn >= 2:
                times[name].append(time.perf_counter() - begin)
    t = {name: np.array(v) for name, v in times.items()}
    extra = t["with_meta"] - t["plain"]
    ratios = {
        "meta": extra / t["plain"],
        "whole against its passes": t["whole"]
        / (t["plain"] + extra + t["strong"] + t["mixed"]),
        "whole": t["whole"] / t["plain"],
    }
    for method in meta.METHODS:
        ratios[f"alone, {method}"] = t[f"alone, {method}"] / t["plain"]
    return {
        "median_ms": {
            name: round(1e3 * float(np.median(v)), 1) for name, v in t.items()
        },
        "plain_steps": {
            name: {
                "median": round(float(np.median(v)), 2),
                "lowest_and_highest": [
                    round(float(v.min()), 2),
                    round(float(v.max()), 2),
                ],
            }
            for name, v in ratios.items()
        },
    }


def main(argv):
    del argv
    result = {"machine": harness.machine(), "turns": FLAGS.turns}
    for spec in FLAGS.networks:
        name, _, width = spec.partition(":")
        network = nk.networks.build(
            name,
            image_shape=(32, 32, 3),
            num_classes=_CLASSES,
            width=int(width) if width else None,
        )
        result[spec] = measure(network, FLAGS.turns)
        print(spec, json.dumps(result[spec], indent=1), flush=True)
    path = os.path.join(harness.RESULTS, "meta_step.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(result, stream, indent=1)
        stream.write("\n")


if __name__ == "__main__":
    app.run(main)
