"""Which method wins where: every method on every kind of noise, equal compute.

Data sets, kinds of noise: see `robustness_data.py`. The rate of the noise is
unknown to the methods, as a user's is, and validation labels are as noisy as
those for training. Compute is counted in forward passes per picture; the
backward pass counts as two. A method's epochs are as many as the budget pays
for; its other settings are those of its preset.

Per run: test accuracy of the last epoch and of the epoch of best validation
accuracy, balanced accuracy, how well labels were judged (AUC, precision and
recall of those called wrong), estimated and true noise rate, all curves.

    python benchmarks/robustness.py --data_dir=FOLDER --part=0/2
    python benchmarks/robustness.py --data_dir=FOLDER --part=1/2
    python benchmarks/robustness.py --report

Parts may run at the same time; finished runs are not repeated. Results are
written to benchmarks/results/robustness.json and robustness.md.
"""

import collections
import json
import os
import time

import keras
import numpy as np
import robustness_data
import robustness_report
from absl import app
from absl import flags

import noisy_keras as nk
from noisy_keras.labels import noise_rate
from noisy_keras.labels.quality import label_quality
from noisy_keras.methods.bases import adaptive_plan
from noisy_keras.recipes import candidates
from trainers import presets

flags.DEFINE_string("data_dir", None, "Prepared TFDS CIFAR-10.")
flags.DEFINE_string("work_dir", "runs/robustness", "Folder of the runs.")
flags.DEFINE_list("datasets", list(robustness_data.DATASETS), "Data sets.")
flags.DEFINE_list("noises", list(robustness_data.NOISES), "Kinds of noise.")
flags.DEFINE_list("budgets", ["60", "200", "600"], "Passes per picture.")
flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds.")
flags.DEFINE_list("methods", ["cross_entropy", "dividemix", "sanm"], "Methods.")
flags.DEFINE_string("part", "0/1", "Which part of the runs: I/N.")
flags.DEFINE_string("before", None, "Folder of runs of an earlier version.")
flags.DEFINE_bool("report", False, "Writes the tables of finished runs.")
FLAGS = flags.FLAGS

#: Passes per picture of an epoch of plain training, and of a later one where
#: two thirds of the labels are taken for right; as counted by `Passes`.
COSTS = {
    **dict.fromkeys(
        ("cross_entropy", "elr", "gce"), (candidates.PLAIN_PASSES,) * 2
    ),
    **{
        method: (candidates.PLAIN_PASSES, passes)
        for method, passes in candidates.DIVIDED_PASSES.items()
    },
}


class Passes:
    """Counts forward passes of a model's networks while it trains.

    A pass that gradients are recorded of counts as three. What a step costs is
    counted while it is traced, and multiplied by the number of steps.
    """

    def __init__(self, model, source):
        self._costs = collections.Counter()
        self._phase, self._planned = None, []
        self._count = source.num_samples
        for network in model.networks:
            network.call = self._counted(network.call)
        steps, make_plan = model.steps, model.make_plan
        model.steps = lambda: {
            phase: self._in_phase(phase, step)
            for phase, step in steps().items()
        }
        model.make_plan = lambda *args, **kwargs: _Counting(
            make_plan(*args, **kwargs), self._planned
        )

    def per_picture(self):
        """Passes per training picture so far."""
        total = sum(self._costs[name] * steps for name, steps in self._planned)
        return total / self._count

    def _counted(self, call):
        from tensorflow.python.eager import record

        def counted(inputs, *args, **kwargs):
            if self._phase is not None:
                factor = 3 if record.could_possibly_record() else 1
                self._costs[self._phase] += factor * int(inputs.shape[0])
            return call(inputs, *args, **kwargs)

        return counted

    def _in_phase(self, phase, step):
        def traced(data):
            self._costs[phase], self._phase = 0, phase
            step(data)
            self._phase = None

        return traced


class _Counting:
    """A plan that notes the steps of its rounds."""

    def __init__(self, plan, planned):
        self._plan, self._planned = plan, planned

    def __getattr__(self, name):
        return getattr(self._plan, name)

    def __call__(self, epoch):
        rounds = self._plan(epoch)
        self._planned += [(r.phase, r.steps) for r in rounds]
        return rounds


class Curves(keras.callbacks.Callback):
    """Test and validation accuracy after each epoch, and the suspect labels."""

    def __init__(self, train, validation, test):
        super().__init__()
        self.sources = {"validation": validation, "test": test}
        self.train = train
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        found = {}
        for name, source in self.sources.items():
            predicted = self.model.predict(source, verbose=0).argmax(axis=1)
            right = predicted == source.labels
            found[name] = float(right.mean())
            if name == "test":
                found["balanced"] = float(
                    np.mean(
                        [
                            right[source.labels == c].mean()
                            for c in np.unique(source.labels)
                        ]
                    )
                )
        clean = self.model.estimate_clean_probability(self.train)
        if clean is not None:
            found["called"] = int((clean < 0.5).sum())
            found |= label_quality(self.train, clean)
        self.epochs.append(found)


def epochs_for(row, method, budget):
    """The most epochs of a row whose passes a budget pays for.

    A method that decides for itself when to divide is taken to do so as late
    as it may. Where it does so earlier, it takes more passes than the budget:
    the tables have what was counted.
    """
    plain, divided = COSTS[method]
    epochs = 1
    while True:
        more = epochs + 1
        first = more
        if plain != divided and more >= adaptive_plan.LEAST_EPOCHS:
            first = round(more * adaptive_plan.LATEST)
        if first * plain + (more - first) * divided > budget:
            return epochs
        epochs = more


def prepared(dataset, noise, budget, method, seed, costs=None):
    """What all runs begin with.

    Args:
        dataset, noise, budget, method, seed: as of `run`.
        costs: str, the method whose passes the budget pays for; default:
            `method`.

    Returns:
        The three sources, the row of the presets, and the network.
    """
    keras.utils.clear_session()
    options = robustness_data.DATASETS[dataset]
    sources = robustness_data.sources(dataset, noise, seed, FLAGS.data_dir)
    keras.utils.set_random_seed(seed)
    row = presets.preset(method, options["preset"])
    row = row.with_epochs(epochs_for(row, costs or method, budget))
    network = nk.networks.build(
        options["network"], sources[0], width=options["width"]
    )
    return sources, row, network


def run(dataset, noise, budget, method, seed):
    """One run: dict of its results."""
    began = time.time()
    (train, validation, test), row, network = prepared(
        dataset, noise, budget, method, seed
    )
    model = row.build(train, network)
    passes = Passes(model, train)
    model.compile(row.optimizer(train.num_samples))
    curves = Curves(train, validation, test)
    model.fit(
        train,
        epochs=row.epochs,
        batch_size=min(row.batch_size, train.num_samples),
        callbacks=[
            row.learning_rate_callback(train.num_samples),
            curves,
        ],
        seed=seed,
        verbose=0,
    )
    seconds = time.time() - began
    return results(model, train, curves.epochs, passes.per_picture(), seconds)


def run_auto(dataset, noise, budget, candidate, seed):
    """One run of `nk.Auto`, as `run`; "kept" is the network that it returns."""
    began = time.time()
    (train, validation, test), row, network = prepared(
        dataset, noise, budget, "auto", seed, "cross_entropy"
    )
    recipe = nk.Auto(
        network,
        train,
        epochs=row.epochs,
        drops=row.learning_rate_drops,
        candidate=candidate,
    )
    recipe.compile(row.optimizer(train.num_samples))
    curves = Curves(train, validation, test)
    model = recipe.fit(
        train,
        batch_size=min(row.batch_size, train.num_samples),
        validation_data=validation,
        callbacks=lambda phase: [curves],
        seed=seed,
        verbose=0,
    )
    rest = recipe.phases[-1].epochs
    first = recipe.phases[0].epochs * candidates.PLAIN_PASSES
    cost = first + rest * candidates.DIVIDED_PASSES.get(
        recipe.candidate, candidates.PLAIN_PASSES
    )
    found = results(model, train, curves.epochs, cost, time.time() - began)
    predicted = model.predict(test, verbose=0).argmax(axis=1)
    return found | {
        "kept": float(np.mean(predicted == test.labels)),
        "candidate": recipe.candidate,
        "findings": recipe.findings,
        "decisions": recipe.decisions,
    }


def results(model, train, epochs, passes, seconds):
    """What is kept of a finished run."""
    audit = model.label_audit(train)
    clean = np.asarray(audit.clean_probability)
    called = clean < 0.5
    wrong = train.labels != train.true_labels
    validation = [e["validation"] for e in epochs]
    chosen = epochs[int(np.argmax(validation))]
    return {
        "last": epochs[-1]["test"],
        "chosen": chosen["test"],
        "best": max(e["test"] for e in epochs),
        "balanced": epochs[-1]["balanced"],
        "called": int(called.sum()),
        "wrong": int(wrong.sum()),
        "true_rate": float(wrong.mean()),
        "estimated_rate": noise_rate.estimate_rate(
            model.prediction_history, train.labels, train.num_classes
        ).rate,
        **label_quality(train, clean),
        "decisions": [
            f"{d.epoch}: {d.text}" for d in getattr(model, "decisions", ())
        ],
        "epochs": len(epochs),
        "passes": passes,
        "seconds": seconds,
        "curves": {
            key: [e.get(key) for e in epochs]
            for key in ("test", "validation", "called", "label_auc")
        },
    }


def names():
    """All conditions asked for: tuples of the arguments of `run`."""
    return [
        (dataset, noise, int(budget), method, int(seed))
        for seed in FLAGS.seeds
        for budget in FLAGS.budgets
        for dataset in FLAGS.datasets
        for noise in FLAGS.noises
        for method in FLAGS.methods
    ]


def path_of(condition):
    return os.path.join(FLAGS.work_dir, "-".join(map(str, condition)) + ".json")


def main(argv):
    del argv
    os.makedirs(FLAGS.work_dir, exist_ok=True)
    if FLAGS.report:
        folders = {"Now": FLAGS.work_dir}
        if FLAGS.before is not None:
            folders["Version 0.1.0"] = FLAGS.before
        robustness_report.write(__doc__, folders)
        return
    part, parts = map(int, FLAGS.part.split("/"))
    for condition in names()[part::parts]:
        path = path_of(condition)
        if os.path.exists(path):
            continue
        dataset, noise, budget, method, seed = condition
        if method.startswith("auto"):
            candidate = method.partition("_")[2] or "auto"
            found = run_auto(dataset, noise, budget, candidate, seed)
        else:
            found = run(dataset, noise, budget, method, seed)
        with open(path + ".part", "w") as stream:
            json.dump(found, stream)
        os.replace(path + ".part", path)
        print(
            *condition,
            *(
                f"{key} {found.get(key) or 0:.3f}"
                for key in ("last", "chosen", "label_auc", "passes")
            ),
            f"called {found['called']}/{found['wrong']}",
            f"{found['seconds']:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    app.run(main)
