"""Sharded sets in TFRecord files: writing them, and reading in any order.

A set is some shards, `NAME-00000-of-00016.tfrecord` and so on, and one index
beside them, `NAME.index.npz`, which holds all but the pictures. Every record
is a `tf.train.Example` with `image`, `index`, `label`, `id` and, where it is
known, `true_label`; other programs can read it.
"""
