import numpy as np
import tensorflow as tf

from noisy_keras.data import batches
from tests import toy


def test_every_index_comes_as_often_as_any_other_can():
    random = np.random.RandomState(0)
    order = batches.shuffled(np.arange(10, 20), 7, 4, random)
    assert order.shape == (7, 4)
    counts = np.bincount(order.ravel(), minlength=20)[10:]
    assert counts.min() == 2 and counts.max() == 3
    assert sorted(order.ravel()[:10]) == [*range(10, 20)]


def test_order_is_a_function_of_seed_epoch_and_round():
    def order(*place):
        random = batches.order_random(*place)
        return list(batches.shuffled(np.arange(50), 1, 50, random)[0])

    assert order(1, 2, 0) == order(1, 2, 0)
    others = [order(1, 2, 1), order(1, 3, 0), order(2, 2, 0)]
    assert all(other != order(1, 2, 0) for other in others)


def test_mix_ratios_are_the_larger_share():
    ratios = batches.mix_ratios(4000, 4.0, 0, 0, 0)
    assert ratios.min() >= 0.5 and ratios.max() <= 1.0
    # The mean of max(l, 1 - l) for Beta(4, 4) is 0.6367.
    assert abs(ratios.mean() - 0.6367) < 0.01


def a_round():
    return batches.Round(
        "phase",
        samples={"index": np.arange(24).reshape(6, 4)},
        settings={"seed": np.zeros((6, 2), np.int32), "e": np.arange(6)},
        make_batch=lambda row: {
            "index": row["index"],
            "seed": batches.per_sample(row["seed"], row["index"]),
            "e": batches.per_sample(row["e"], row["index"]),
        },
    )


def read(dataset, field="index"):
    return [b["phase"][field] for b in dataset.as_numpy_iterator()]


def test_a_round_starts_at_any_step():
    one = a_round()
    np.testing.assert_array_equal(read(one.dataset())[4:], read(one.dataset(4)))
    assert one.steps == 6 and int(one.dataset(4).cardinality()) == 2
    assert one.dataset().element_spec["phase"]["index"].shape == (4,)


def test_replicas_share_the_samples_of_a_step():
    one = a_round()
    # The second of two pipelines, each of which serves two replicas.
    share = one.dataset(5, replicas=4, local=(2, 3))
    np.testing.assert_array_equal(read(share), [[22], [23]])
    assert [list(e) for e in read(share, "e")] == [[5], [5]]
    seeds = [tuple(seed[0]) for seed in read(share, "seed")]
    assert len(set(seeds)) == 2
    assert share.element_spec["phase"]["index"].shape == (1,)


def test_ordered_batches_show_every_sample_in_static_shapes():
    source = toy.source(10)
    dataset = batches.ordered(source, 4)
    assert dataset.element_spec["image"].shape == (4, 16, 16, 3)
    seen = [b["index"] for b in dataset.as_numpy_iterator()]
    assert set(np.concatenate(seen)) == set(range(10))
    np.testing.assert_array_equal(seen[-1], [8, 9, 0, 1])


def test_evaluation_shows_every_sample_once():
    source = toy.source(10)
    parts = list(batches.for_evaluation(source, 4).as_numpy_iterator())
    labels = np.concatenate([label for _, label in parts])
    np.testing.assert_array_equal(labels, source.labels)


def test_pipelines_are_not_autotuned():
    # With autotuning the end of an iteration waits for the tuning thread.
    source = toy.source(10)
    for dataset in (
        batches.ordered(source, 4),
        batches.for_evaluation(source, 4),
        batches.mapped(tf.data.Dataset.range(3), lambda i: i),
    ):
        assert dataset.options().autotune.enabled is False
