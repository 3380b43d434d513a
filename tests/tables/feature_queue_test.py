import keras
import pytest
import tensorflow as tf

import noisy_keras as nk


def pushed(queue, *values):
    queue.push(tf.constant([[float(v)] for v in values]))
    return list(queue.numpy()[:, 0])


def test_new_rows_replace_the_oldest_in_turn():
    queue = nk.FeatureQueue(5, 1)
    assert pushed(queue, 1, 2) == [1, 2, 0, 0, 0]
    assert pushed(queue, 3, 4) == [1, 2, 3, 4, 0]
    assert pushed(queue, 5, 6) == [6, 2, 3, 4, 5]
    assert pushed(queue, 7, 8, 9, 10, 11) == [11, 7, 8, 9, 10]
    assert int(queue.position.numpy()) == 1


def test_replicas_push_in_their_order_and_stay_equal(two_replicas):
    with two_replicas.scope():
        queue = nk.FeatureQueue(6, 1)

    @tf.function
    def push(first):
        def replica():
            context = tf.distribute.get_replica_context()
            number = tf.cast(context.replica_id_in_sync_group, tf.float32)
            rows = tf.stack([[first + 2 * number], [first + 2 * number + 1]])
            queue.push(tf.ensure_shape(rows, [2, 1]))

        two_replicas.run(replica)

    for first, expected in (
        (1.0, [1, 2, 3, 4, 0, 0]),
        (5.0, [7, 8, 3, 4, 5, 6]),
    ):
        push(tf.constant(first))
        for copy in two_replicas.experimental_local_results(queue.rows.value):
            assert list(copy.numpy()[:, 0]) == expected


def test_rows_and_position_are_saved(tmp_path):
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Identity()(inputs))
    model.queue = nk.FeatureQueue(4, 1)
    pushed(model.queue, 1, 2, 3)
    model.save_weights(tmp_path / "queue.weights.h5")
    other = keras.Model(inputs, keras.layers.Identity()(inputs))
    other.queue = nk.FeatureQueue(4, 1)
    other.load_weights(tmp_path / "queue.weights.h5")
    assert pushed(other.queue, 4, 5) == [5, 2, 3, 4]
    config = nk.FeatureQueue.from_config(model.queue.get_config())
    assert config.rows.shape == (4, 1)


def test_a_batch_that_does_not_fit_is_told():
    with pytest.raises(ValueError, match="in a batch, 3. Received: a queue of"):
        pushed(nk.FeatureQueue(2, 1), 1, 2, 3)
