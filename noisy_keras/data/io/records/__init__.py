"""Sharded data sets in TFRecord files: writing, and reading in any order.

A set consists of shards, `NAME-00000-of-00016.tfrecord` and so on, and one
index file `NAME.index.npz` beside them, which holds everything except the
images. Each record is a `tf.train.Example` with `image`, `index`, `label`,
`id` and, if known, `true_label`, so other programs can read it.
"""
