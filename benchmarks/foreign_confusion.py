"""Predicted classes of images of left-out CIFAR-10 classes.

A network that was trained on the other eight classes predicts the images of two
left-out ones. The counts, a row per left-out class and a column per other
class, define non-uniform out-of-distribution noise: `--noise_matrix` of
`benchmarks/drpl.py`. Written to benchmarks/results/foreign_confusion.csv.

    python benchmarks/foreign_confusion.py --data_dir=FOLDER
"""

import os

import harness
import keras
import numpy as np
from absl import app
from absl import flags

import noisy_keras as nk

flags.DEFINE_string("data_dir", None, "Prepared TFDS CIFAR-10.")
FLAGS = flags.FLAGS

LEFT_OUT = ("automobile", "cat")
FILE = os.path.join(harness.RESULTS, "foreign_confusion.csv")


def main(argv):
    del argv
    keras.utils.set_random_seed(0)
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    whole = nk.data.load("cifar10", data_dir=FLAGS.data_dir)
    first = whole.subset(np.arange(10000))
    known = [c for c in whole.class_names if c not in LEFT_OUT]
    learnt = first.of_classes(known)
    network = nk.networks.build("preact_resnet18", learnt, width=16)
    model = nk.CrossEntropy(network, learnt.num_samples)
    model.compile(nk.MomentumSGD(0.05, momentum=0.9, weight_decay=5e-4))
    rate = keras.callbacks.LearningRateScheduler(
        lambda epoch, _: 0.05 if epoch < 8 else 0.005
    )
    model.fit(learnt, epochs=10, callbacks=[rate], verbose=2)
    foreign = whole.of_classes(LEFT_OUT)
    pictures = foreign.fetch(np.arange(foreign.num_samples))
    predicted = model.predict(pictures, batch_size=500, verbose=0).argmax(1)
    counts = np.zeros((len(LEFT_OUT), len(known)), int)
    np.add.at(counts, (foreign.labels, predicted), 1)
    np.savetxt(FILE, counts, "%d", ",")
    print(known, counts, sep="\n")


if __name__ == "__main__":
    flags.mark_flag_as_required("data_dir")
    app.run(main)
