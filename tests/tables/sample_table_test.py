import keras
import numpy as np
import pytest
import tensorflow as tf

from noisy_keras import SampleTable


@pytest.mark.parametrize("jit", [False, True])
def test_rows_are_written_and_read(jit):
    table = SampleTable(5, 2, initial_value=0.5)

    @tf.function(jit_compile=jit)
    def swap(index, rows):
        table.write(index, rows)
        return table.read(index)

    rows = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(swap(tf.constant([4, 1]), rows), rows)
    expected = np.full((5, 2), 0.5)
    expected[[4, 1]] = rows
    np.testing.assert_array_equal(table.numpy(), expected)


def test_two_replicas_keep_equal_tables(two_replicas):
    strategy = two_replicas
    with strategy.scope():
        table = SampleTable(16, 2)

    @tf.function
    def write(index, rows):
        strategy.run(table.write, args=(index, rows))

    index = np.random.RandomState(0).permutation(16).astype(np.int32)
    rows = np.random.RandomState(1).uniform(size=(16, 2)).astype(np.float32)
    dataset = tf.data.Dataset.from_tensor_slices((index, rows)).batch(8)
    for batch in strategy.experimental_distribute_dataset(dataset):
        write(*batch)
    for copy in strategy.experimental_local_results(table.rows.value):
        np.testing.assert_array_equal(copy.numpy()[index], rows)


def test_assign_replaces_the_whole_and_checks_the_shape():
    table = SampleTable(3, 1)
    table.assign([[1], [2], [3]])
    np.testing.assert_array_equal(table.numpy(), [[1.0], [2.0], [3.0]])
    with pytest.raises(ValueError, match=r"shape \(3, 1\)"):
        table.assign([1, 2, 3])


def test_an_empty_table_is_told():
    with pytest.raises(ValueError, match="at least one row"):
        SampleTable(0, 2)


def test_it_is_saved_but_not_trained():
    table = SampleTable(3, 1)
    assert table.trainable_variables == []
    assert len(table.non_trainable_variables) == 1
    copy = SampleTable.from_config(table.get_config())
    assert (copy.num_samples, copy.width) == (3, 1)


def test_it_stays_in_float32_under_mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    table = SampleTable(2, 1)
    table.assign([[1e-7], [70000.0]])
    np.testing.assert_allclose(table.read([0, 1]), [[1e-7], [70000.0]])
