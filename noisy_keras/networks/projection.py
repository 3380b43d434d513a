"""The head of contrastive learning, which is thrown away afterwards."""

import keras


def build_projection(embedding_size, hidden, size):
    """A perceptron from embeddings to what a contrastive loss compares.

    Args:
        embedding_size: E.
        hidden: units of the hidden layer, followed by a ReLU; 0 for none.
        size: d, of the projection.

    Returns:
        A `keras.Model` from `[B, E]` to float32 `[B, d]`, not normalised.

    Reference: Chen et al., SimCLR, ICML 2020, section 4.2.
    """
    embedding = keras.Input(
        (embedding_size,), dtype="float32", name="embedding"
    )
    x = embedding
    # In float32 under every policy: a small part, and the loss is sharp.
    if hidden:
        x = keras.layers.Dense(
            hidden,
            activation="relu",
            kernel_initializer="he_normal",
            dtype="float32",
            name="hidden",
        )(x)
    x = keras.layers.Dense(size, dtype="float32", name="projection")(x)
    return keras.Model(embedding, x, name="projection_head")
