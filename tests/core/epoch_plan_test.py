"""Epoch plans: the default one, a user's own, and the deprecated name."""

import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.testing import toy


class Own(nk.NoisyLabelModel):
    """A method of one round, which needs no plan."""

    loss_names = ("own",)

    def __init__(self, networks, num_samples, **options):
        super().__init__(networks, num_samples, **options)
        self.seen = nk.SampleTable(num_samples, 1)
        self.built = True

    def steps(self):
        return {"train": self._train}

    def _train(self, data):
        images = tf.cast(data["images"], tf.float32)

        def terms():
            logits = self.networks[0](images, training=True)["logits"]
            probability = tf.reduce_sum(
                data["target"] * tf.nn.softmax(logits), axis=1
            )
            return {"own": 1.0 - tf.reduce_mean(probability)}

        self.descend(0, terms)
        index = data["index"]
        self.seen.write(index, self.seen.read(index) + 1.0)


class Half(nk.OneRoundPlan):
    """A plan that leaves the second half of the samples out."""

    def __init__(self, model, source, *args):
        super().__init__(model, source, *args)
        self.indices = self.indices[: len(source) // 2]
        self.count_steps(None)


def built(cls=Own):
    model = cls([toy.network()], 32)
    model.compile(nk.MomentumSGD(0.05))
    return model


def test_a_method_of_one_round_needs_no_plan():
    model = built()
    history = model.fit(toy.source(32), epochs=2, batch_size=8, verbose=0)
    assert history.history["own"][1] < history.history["own"][0]
    np.testing.assert_array_equal(model.seen.numpy(), 2.0)


def test_a_batch_of_the_default_plan():
    source = toy.source(32)
    [one] = built().make_plan(source, 8, seed=3)(epoch=1)
    assert (one.phase, one.steps, one.batch_size) == ("train", 4, 8)
    [fields] = next(iter(one.dataset())).values()
    assert {name: tuple(t.shape) for name, t in fields.items()} == {
        "index": (8,),
        "images": (8, 16, 16, 3),
        "label": (8,),
        "target": (8, 4),
        "seed": (8, 2),
    }
    np.testing.assert_array_equal(
        fields["label"], source.labels[fields["index"]]
    )
    np.testing.assert_array_equal(
        fields["target"], np.eye(4)[fields["label"].numpy()]
    )


def test_fit_takes_a_plan_of_ones_own():
    model, source = built(), toy.source(32)
    model.fit(Half(model, source, 8), epochs=3, verbose=0)
    seen = model.seen.numpy()[:, 0]
    np.testing.assert_array_equal(seen, 16 * [3.0] + 16 * [0.0])


def test_begin_epoch_comes_before_the_rounds_of_each_epoch():
    calls = []

    class Noted(nk.OneRoundPlan):
        def begin_epoch(self, epoch):
            calls.append(("begin", epoch))

        def __call__(self, epoch):
            calls.append(("rounds", epoch))
            return super().__call__(epoch)

    model = built()
    model.fit(Noted(model, toy.source(32), 16), epochs=2, verbose=0)
    assert calls == [("begin", 0), ("rounds", 0), ("begin", 1), ("rounds", 1)]


def test_a_plan_without_rounds_names_what_it_lacks():
    with pytest.raises(NotImplementedError, match="Lacking must implement"):

        class Lacking(nk.EpochPlan):
            pass

        built().fit(Lacking(), verbose=0)


def test_a_subclass_with_the_deprecated_hook_is_honoured():
    class Old(Own):
        def make_schedule(self, source, batch_size, seed, steps_per_epoch):
            return Half(self, source, batch_size, seed, steps_per_epoch)

    model = built(Old)
    with pytest.warns(DeprecationWarning, match="use `make_plan`"):
        model.fit(toy.source(32), batch_size=8, verbose=0)
    assert model.seen.numpy().sum() == 16.0


def test_the_deprecated_hook_may_build_on_the_inherited_one():
    class Old(nk.CrossEntropy):
        def make_schedule(self, *args):
            plan = super().make_schedule(*args)
            plan.steps = 1
            return plan

    model = built(Old)
    with pytest.warns(DeprecationWarning, match="use `make_plan`"):
        model.fit(toy.source(32), batch_size=8, verbose=0)
    assert model.prediction_history.seen().sum() == 8


def test_the_new_hook_counts_where_it_is_more_derived(recwarn):
    class Old(Own):
        def make_schedule(self, *args):
            raise AssertionError

    class New(Old):
        def make_plan(self, *args):
            return Half(self, *args)

    model = built(New)
    model.fit(toy.source(32), batch_size=8, verbose=0)
    assert model.seen.numpy().sum() == 16.0
    assert not [w for w in recwarn if "make_plan" in str(w.message)]
