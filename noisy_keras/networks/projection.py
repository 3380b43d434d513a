"""The projection head of contrastive learning, discarded after training."""

import keras


def build_projection(embedding_size, hidden, size):
    """Builds a perceptron from embeddings to the inputs of a contrastive loss.

    Reference: Chen et al., SimCLR, ICML 2020, section 4.2.

    Args:
        embedding_size: int, size E of the embeddings.
        hidden: int, units of the hidden layer, which is followed by a ReLU; 0
            for none.
        size: int, size d of the projections.

    Returns:
        A `keras.Model` from `[B, E]` to float32 `[B, d]`, not normalised.
    """
    embedding = keras.Input(
        (embedding_size,), dtype="float32", name="embedding"
    )
    x = embedding
    # In float32 under every policy: it costs little, and the exponentials of
    # the contrastive loss amplify rounding errors.
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
