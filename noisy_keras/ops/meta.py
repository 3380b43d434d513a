"""Meta-gradients of sample weights and label choices by a trusted set.

A step on a batch of doubtful labels is good as far as it lowers the loss on
trusted ones. With `l_i` the loss of sample i, `Theta'` the weights after a
step on the weighted losses and v the gradient of the trusted ("probe") loss at
`Theta'`, the gradient of the probe loss to the weight of sample i is
`-step_size <v, grad l_i>`: one directional derivative of all `l_i` at once, no
second-order graph.

Reference: Zhang, Zhang, Arik, Lee and Pfister, IEG (ICLR 2020 submission;
later Distilling Effective Supervision from Severe Label Noise, CVPR 2020),
equations 2 to 4; Ren et al., Learning to Reweight Examples, ICML 2018.
"""

import tensorflow as tf

from noisy_keras.ops import derivatives
from noisy_keras.ops import losses
from noisy_keras.utils.errors import ConfigurationError

#: Ways to the same directional derivative, see `meta_gradients`.
METHODS = ("double_reverse", "forward", "differences", "nested")


def meta_gradients(
    forward,
    parameters,
    images,
    labels,
    pseudo_labels,
    probe_images,
    probe_labels,
    step_size=0.1,
    accumulators=None,
    momentum=0.9,
    lambda_0=0.9,
    weight_decay=0.0,
    method="double_reverse",
):
    """Gradients of the probe loss after one step, to what the step trusts.

    The step is on `sum_i omega_i CE(lambda_i y_i + (1 - lambda_i) g_i, z_i)`
    at `omega = 1 / B` and `lambda = lambda_0`; pseudo-labels are constants.
    Source: IEG equations 2 (omega) and 4 (lambda).

    Args:
        forward: function of (parameters, images) to logits, which changes no
            state.
        parameters: list of tensors, or of what becomes tensors, such as
            variables; `forward` gets tensors.
        images: what `forward` takes, B of them.
        labels: given labels, `[B, K]`.
        pseudo_labels: g, `[B, K]`.
        probe_images: trusted images, M of them.
        probe_labels: their labels, `[M, K]`.
        step_size: alpha of the step.
        accumulators: list of the optimizer's momentum as it stands (PyTorch's
            form, `m <- mu m + g`), for a step that has momentum; or None.
        momentum: mu of such a step.
        lambda_0: trust in the given labels before the step, in `[0, 1]`.
        weight_decay: of the step and of the probe loss; adds `wd w` to their
            gradients.
        method: how the derivative along v is taken. `"double_reverse"`: two
            reverse passes of the same forward, of which a compiled function
            keeps what is linear; the fastest, exact. `"forward"`: forward
            mode; exact. `"differences"`: central differences; two forward
            passes more, exact to about three digits in float32. `"nested"`:
            reverse through the whole step; the reference.

    Returns:
        Gradients to omega and to lambda, float32 `[B]` each.

    Raises:
        ValueError: an unknown method, or accumulators of another number.
    """
    if method not in METHODS:
        raise ConfigurationError(
            f"Expected a method, one of {METHODS}. Received: {method!r}"
        )
    parameters = [tf.convert_to_tensor(p) for p in parameters]
    step = {
        "step_size": step_size,
        "accumulators": accumulators,
        "momentum": momentum,
        "weight_decay": weight_decay,
    }
    probe = (probe_images, probe_labels)
    if method == "nested":
        return _nested(
            forward,
            parameters,
            images,
            (labels, pseudo_labels),
            probe,
            lambda_0,
            step,
        )
    mixed = lambda_0 * labels + (1.0 - lambda_0) * pseudo_labels
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(parameters)
        log_p = tf.nn.log_softmax(forward(parameters, images))
        loss = -tf.reduce_mean(tf.reduce_sum(mixed * log_p, axis=-1))
    ahead = lookahead(parameters, tape.gradient(loss, parameters), **step)
    _, direction = probe_gradient(forward, ahead, *probe, weight_decay)
    if method == "double_reverse":
        change = derivative_along(tape, log_p, parameters, direction)
    else:
        change = getattr(derivatives, method)(
            lambda p: tf.nn.log_softmax(forward(p, images)),
            parameters,
            direction,
        )
    return from_log_probabilities(
        change, labels, pseudo_labels, lambda_0, step_size
    )


def from_log_probabilities(
    change, labels, pseudo_labels, lambda_0=0.9, step_size=0.1
):
    """The meta-gradients from how log-probabilities change along v.

    `l_i = -sum_c mix_ic log p_ic`, so `<v, grad l_i> = -sum_c mix_ic T_ic`.

    Args:
        change: T, `[B, K]`, derivative of `log softmax(z)` along v.
        labels: `[B, K]`.
        pseudo_labels: `[B, K]`.
        lambda_0: see `meta_gradients`.
        step_size: alpha.

    Returns:
        Gradients to omega and to lambda, `[B]` each.
    """
    mixed = lambda_0 * labels + (1.0 - lambda_0) * pseudo_labels
    omega = step_size * tf.reduce_sum(mixed * change, axis=-1)
    # d l / d lambda is -(y - g) log p, weighted by omega = 1 / B.
    share = step_size / tf.cast(tf.shape(change)[0], change.dtype)
    lambda_ = share * tf.reduce_sum((labels - pseudo_labels) * change, axis=-1)
    return omega, lambda_


def lookahead(
    parameters,
    gradients,
    step_size=0.1,
    accumulators=None,
    momentum=0.9,
    weight_decay=0.0,
):
    """Parameters after one step of gradient descent, as new tensors.

    `w - step_size (mu m + g + wd w)`: what an optimizer with momentum would
    do. Source: IEG section 2.1, "exact momentum update".

    Args:
        parameters: list of tensors.
        gradients: as many; None where a parameter has no part in the loss.
        step_size: alpha.
        accumulators: m, as many; or None for a step without momentum.
        momentum: mu.
        weight_decay: wd, or a list of one for each parameter.

    Returns:
        List of tensors.

    Raises:
        ValueError: accumulators of another number.
    """
    if accumulators is None:
        accumulators = [None] * len(parameters)
    if len(accumulators) != len(parameters):
        raise ConfigurationError(
            f"Expected {len(parameters)} accumulators, one for each "
            f"parameter. Received: {len(accumulators)}"
        )
    ahead = []
    for w, g, m, decay in zip(
        parameters,
        gradients,
        accumulators,
        _each(weight_decay, parameters),
        strict=True,
    ):
        # What no loss and no decay moves, momentum still does.
        move = tf.zeros_like(w) if g is None else g
        if m is not None:
            move += momentum * m
        if decay:
            move += decay * w
        ahead.append(w - step_size * move)
    return ahead


def _each(number, parameters):
    """One number for each parameter."""
    if isinstance(number, (list, tuple)):
        return number
    return [number] * len(parameters)


def probe_gradient(forward, parameters, images, labels, weight_decay=0.0):
    """Loss on trusted samples, and its gradient: the direction v.

    Source: IEG equation 2; the released code adds the decay.

    Args:
        forward: function of (parameters, images) to logits.
        parameters: list of tensors, such as those of `lookahead`.
        images: M of them.
        labels: `[M, K]`.
        weight_decay: adds `wd w` to the gradient, not to the loss; a list of
            one for each parameter, or one for all.

    Returns:
        Scalar mean cross-entropy, and a list of tensors.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(parameters)
        logits = forward(parameters, images)
        loss = tf.reduce_mean(losses.cross_entropy(labels, logits))
    direction = tape.gradient(
        loss, parameters, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    decays = _each(weight_decay, parameters)
    direction = [
        d + decay * w if decay else d
        for d, w, decay in zip(direction, parameters, decays, strict=True)
    ]
    return loss, direction


def derivative_along(tape, outputs, parameters, direction):
    """Directional derivative of what a tape recorded: `J v`.

    A reverse pass maps u to `u J`, which is linear in u; its derivative to u
    along v is `J v`. In a compiled function the values of that reverse pass
    are pruned, because nothing linear needs them: what is left is the tangent
    alone, on the activations of the forward pass that was made anyway.

    Args:
        tape: persistent `tf.GradientTape` that recorded `outputs`.
        outputs: tensor of any shape.
        parameters: list of the tensors (or watched variables) to move.
        direction: v, a list of as many tensors.

    Returns:
        Tensor of the shape of `outputs`.
    """
    weights = tf.zeros_like(outputs)
    with tf.GradientTape(watch_accessed_variables=False) as outer:
        outer.watch(weights)
        pulled = tape.gradient(outputs, parameters, output_gradients=weights)
    pairs = zip(pulled, direction, strict=True)
    used = [(p, d) for p, d in pairs if p is not None]
    pulled, direction = map(list, zip(*used, strict=True))
    # TensorFlow may have no part for u in some of them.
    return outer.gradient(
        pulled,
        weights,
        output_gradients=direction,
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )


def _nested(forward, parameters, images, targets, probe, lambda_0, step):
    """Reverse mode through the step itself."""
    labels, pseudo_labels = targets
    count = tf.shape(labels)[0]
    even = 1.0 / tf.cast(count, labels.dtype)
    omega = tf.fill([count], even)
    trust = tf.fill([count], tf.cast(lambda_0, labels.dtype))
    with tf.GradientTape() as outer:
        outer.watch([omega, trust])
        with tf.GradientTape() as inner:
            inner.watch(parameters)
            share = trust[:, None]
            mixed = share * labels + (1.0 - share) * pseudo_labels
            each = losses.cross_entropy(mixed, forward(parameters, images))
            loss = tf.reduce_sum(omega * each)
        ahead = lookahead(parameters, inner.gradient(loss, parameters), **step)
        decay = step["weight_decay"]
        probe_loss = tf.reduce_mean(
            losses.cross_entropy(probe[1], forward(ahead, probe[0]))
        ) + 0.5 * decay * tf.add_n([tf.reduce_sum(w * w) for w in ahead])
    return tuple(outer.gradient(probe_loss, [omega, trust]))


def sample_weights(omega_gradient):
    """Weights of samples: as far as more of each would lower the probe loss.

    `w_i = max(0, -d_i)`, then `w_i / (sum_j w_j + 1e-5)`. All may be zero; the
    sum is below 1 where gradients are tiny, which is meant.
    Source: IEG equation 2, in the form of the released code.

    Args:
        omega_gradient: `[B]`.

    Returns:
        `[B]`, non-negative, summing to at most 1.
    """
    useful = tf.nn.relu(-omega_gradient)
    return useful / (tf.reduce_sum(useful) + 1e-5)


def keep_label(lambda_gradient):
    """Whether more trust in a given label would lower the probe loss.

    Source: IEG equation 4; a gradient of zero takes the pseudo-label.

    Args:
        lambda_gradient: `[B]`.

    Returns:
        `[B]`: 1 keeps the given label, 0 takes the pseudo-label.
    """
    return tf.cast(lambda_gradient < 0.0, lambda_gradient.dtype)
