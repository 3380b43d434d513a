"""Meta-gradients of sample weights and label choices on a trusted set.

A training step on noisy labels is useful as far as it lowers the loss on
trusted ones. Let `l_i` be the loss of sample i, `Theta'` the parameters after a
step on the weighted losses and v the gradient of the loss on trusted samples
(the "probe" loss) at `Theta'`. The gradient of the probe loss to the weight of
sample i is then `-step_size <v, grad l_i>`. One directional derivative gives it
for all samples at once, without a second-order graph.

Reference: Zhang, Zhang, Arik, Lee and Pfister, IEG (ICLR 2020 submission; later
Distilling Effective Supervision from Severe Label Noise, CVPR 2020), equations
2 to 4; Ren et al., Learning to Reweight Examples, ICML 2018. "The released
code" is `IEG.meta_optimize` in `ieg/models/model.py` of
https://github.com/google-research/google-research; comments name the lines that
follow or leave it.
"""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from noisy_keras.ops import derivatives
from noisy_keras.ops import losses
from noisy_keras.utils.errors import ConfigurationError

#: Ways to the same directional derivative, see `meta_gradients`.
METHODS = ("double_reverse", "forward", "differences", "nested")


def meta_gradients(
    forward: Callable,
    parameters: list,
    images: tf.Tensor,
    labels: tf.Tensor,
    pseudo_labels: tf.Tensor,
    probe_images: tf.Tensor,
    probe_labels: tf.Tensor,
    step_size: float = 0.1,
    accumulators: list | None = None,
    momentum: float = 0.9,
    lambda_0: float = 0.9,
    weight_decay: float = 0.0,
    method: str = "double_reverse",
) -> tuple[tf.Tensor, tf.Tensor]:
    """Gradients of the probe loss to sample weights and to label choices.

    The look-ahead step is on `sum_i omega_i CE(lambda_i y_i + (1 - lambda_i)
    g_i, z_i)` at `omega = 1 / B` and `lambda = lambda_0`, where y are the given
    labels, g the pseudo-labels and z the logits. Pseudo-labels are constants.
    Source: IEG, equations 2 (omega) and 4 (lambda).

    Args:
        forward: callable of (parameters, images) that returns logits `[., K]`.
            It must not change any state.
        parameters: list of tensors or variables, the network's parameters.
            `forward` is called with tensors.
        images: batch of B training images, in the form that `forward` takes.
        labels: float tensor `[B, K]`, the given labels y as distributions.
        pseudo_labels: float tensor `[B, K]`, pseudo-labels g.
        probe_images: batch of M trusted images, in the form that `forward`
            takes.
        probe_labels: float tensor `[M, K]`, labels of the trusted images.
        step_size: float, step size alpha of the look-ahead step.
        accumulators: list of tensors, the optimizer's momentum before the step
            in PyTorch's form (`m <- mu m + g`), one per parameter; None looks
            ahead without momentum.
        momentum: float in `[0, 1)`, mu of the look-ahead step.
        lambda_0: float in `[0, 1]`, weight of the given labels in the step.
        weight_decay: float, wd >= 0. Adds `wd w` to the gradients of the step
            and of the probe loss.
        method: str, how the derivative along v is computed. `"double_reverse"`:
            two reverse passes of one forward pass, of which a compiled function
            keeps the linear part; exact and the fastest. `"forward"`: forward
            mode; exact. `"differences"`: central differences with two further
            forward passes; about three correct digits in float32. `"nested"`:
            reverse mode through the whole step, the reference for the others.

    Returns:
        Tuple of two float32 tensors `[B]`: the gradients to omega and to
            lambda.

    Raises:
        ValueError: If the method is unknown, or there is not one accumulator
            per parameter.
    """
    if method not in METHODS:
        raise ConfigurationError(
            f"Expected a method, one of {METHODS}. Received: {method!r}"
        )
    parameters = [tf.convert_to_tensor(p) for p in parameters]
    step: dict[str, Any] = {
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
    # The released code lets gradients pass through the pseudo-labels, on which
    # the paper is silent; `IEG(lookahead_through_pseudo_labels=True)` does so.
    # They are constants here, which saves differentiating both views.
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
    change: tf.Tensor,
    labels: tf.Tensor,
    pseudo_labels: tf.Tensor,
    lambda_0: float = 0.9,
    step_size: float = 0.1,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Meta-gradients from the derivative of log-probabilities along v.

    `l_i = -sum_c mix_ic log p_ic`, and therefore `<v, grad l_i> = -sum_c mix_ic
    T_ic`.

    Args:
        change: float tensor `[B, K]`, derivative T of `log softmax(z)` along v.
        labels: float tensor `[B, K]`, the given labels as distributions.
        pseudo_labels: float tensor `[B, K]`.
        lambda_0: float in `[0, 1]`: see `meta_gradients`.
        step_size: float, step size alpha.

    Returns:
        Tuple of two float tensors `[B]`: the gradients to omega and to lambda.
    """
    mixed = lambda_0 * labels + (1.0 - lambda_0) * pseudo_labels
    omega = step_size * tf.reduce_sum(mixed * change, axis=-1)
    # The derivative of l to lambda is -(y - g) log p. The released code
    # weighs it by omega = 1 / B, which leaves its sign as it is.
    share = step_size / tf.cast(tf.shape(change)[0], change.dtype)
    lambda_ = share * tf.reduce_sum((labels - pseudo_labels) * change, axis=-1)
    return omega, lambda_


def lookahead(
    parameters: list,
    gradients: list,
    step_size: float | list = 0.1,
    accumulators: list | None = None,
    momentum: float = 0.9,
    weight_decay: float | list = 0.0,
) -> list:
    """Parameters after one gradient step, as new tensors.

    `w - step_size (mu m + g + wd w)`, the step of an optimizer with momentum.
    Source: IEG section 2.1, "exact momentum update".

    Args:
        parameters: list of float tensors w.
        gradients: list of as many float tensors g; None for a parameter on
            which the loss does not depend.
        step_size: float, step size alpha, or a list of one per parameter.
        accumulators: list of as many float tensors m, the momentum before the
            step; None steps without momentum.
        momentum: float in `[0, 1)`, mu.
        weight_decay: float wd >= 0, or a list of one per parameter.

    Returns:
        List of float tensors, one per parameter.

    Raises:
        ValueError: If there is not one accumulator per parameter.
    """
    if accumulators is None:
        accumulators = [None] * len(parameters)
    if len(accumulators) != len(parameters):
        raise ConfigurationError(
            f"Expected {len(parameters)} accumulators, one for each "
            f"parameter. Received: {len(accumulators)}"
        )
    ahead = []
    for w, g, m, decay, size in zip(
        parameters,
        gradients,
        accumulators,
        _each(weight_decay, parameters),
        _each(step_size, parameters),
        strict=True,
    ):
        # Momentum moves a parameter even where the loss does not depend on it.
        update = tf.zeros_like(w) if g is None else g
        if m is not None:
            # As `meta_momentum_update` of the released code: the momentum
            # before this step, decayed, plus the gradient.
            update += momentum * m
        if decay:
            update += decay * w
        # The released code steps by a constant 0.1 (`meta_stepsize`) and not
        # by the current learning rate; so does the default here.
        ahead.append(w - size * update)
    return ahead


def _each(number: float | list, parameters: list) -> Sequence:
    """Returns one number per parameter."""
    if isinstance(number, (list, tuple)):
        return number
    return [number] * len(parameters)


def probe_gradient(
    forward: Callable,
    parameters: list,
    images: tf.Tensor,
    labels: tf.Tensor,
    weight_decay: float | list = 0.0,
) -> tuple[tf.Tensor, list]:
    """Loss on trusted samples and its gradient, the direction v.

    Source: IEG, equation 2. The released code adds the weight decay.

    Args:
        forward: callable of (parameters, images) that returns logits `[M, K]`.
        parameters: list of float tensors, such as those of `lookahead`.
        images: batch of M trusted images, in the form that `forward` takes.
        labels: float tensor `[M, K]`, their labels.
        weight_decay: float wd >= 0, or a list of one per parameter. Adds `wd w`
            to the gradient, not to the loss.

    Returns:
        Tuple of the mean cross-entropy, a float scalar tensor in nats, and a
        list of float tensors v, one per parameter.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(parameters)
        logits = forward(parameters, images)
        loss = tf.reduce_mean(losses.cross_entropy(labels, logits))
    direction = tape.gradient(
        loss, parameters, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    # `meta_optimize` of the released code adds the L2 penalty to the probe
    # loss, too; the paper does not mention it.
    decays = _each(weight_decay, parameters)
    direction = [
        d + decay * w if decay else d
        for d, w, decay in zip(direction, parameters, decays, strict=True)
    ]
    return loss, direction


def derivative_along(
    tape: tf.GradientTape, outputs: tf.Tensor, parameters: list, direction: list
) -> tf.Tensor:
    """Directional derivative `J v` of outputs that a tape has recorded.

    A reverse pass maps u to `u J`, which is linear in u, and the derivative of
    that map along v is `J v`. A compiled function prunes the values of this
    reverse pass, because a linear map does not need them. The tangent on the
    activations of the recorded forward pass is all that remains.

    Args:
        tape: persistent `tf.GradientTape` that has recorded `outputs`.
        outputs: float tensor of any shape.
        parameters: list of the tensors or watched variables to differentiate
            by.
        direction: list of as many float tensors, v.

    Returns:
        Float tensor of the shape of `outputs`.
    """
    weights = tf.zeros_like(outputs)
    with tf.GradientTape(watch_accessed_variables=False) as outer:
        outer.watch(weights)
        products = tape.gradient(outputs, parameters, output_gradients=weights)
    pairs = zip(products, direction, strict=True)
    used = [(p, d) for p, d in pairs if p is not None]
    products, direction = map(list, zip(*used, strict=True))
    # Some products may not depend on u in TensorFlow's graph.
    return outer.gradient(
        products,
        weights,
        output_gradients=direction,
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )


def _nested(
    forward: Callable,
    parameters: list,
    images: tf.Tensor,
    targets: tuple,
    probe: tuple,
    lambda_0: float,
    step: dict,
) -> tuple:
    """Meta-gradients by reverse mode through the whole step."""
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


def sample_weights(omega_gradient: tf.Tensor) -> tf.Tensor:
    """Weights of samples in proportion to how much they lower the probe loss.

    `w_i = max(0, -d_i)`, then `w_i / (sum_j w_j + 1e-5)`. All weights are zero
    where no sample helps, and their sum is below 1 where gradients are tiny;
    both are intended. Source: IEG, equation 2, in the form of the released
    code.

    Args:
        omega_gradient: float tensor `[B]`, gradients d of `meta_gradients`.

    Returns:
        Float tensor `[B]`, non-negative, summing to at most 1.
    """
    # Clipping at 0 and dividing by the sum plus 1e-5, as `meta_optimize` of
    # the released code does. Its sum is not rescaled to 1 afterwards.
    useful = tf.nn.relu(-omega_gradient)
    return useful / (tf.reduce_sum(useful) + 1e-5)


def keep_label(lambda_gradient: tf.Tensor) -> tf.Tensor:
    """Whether more trust in the given label would lower the probe loss.

    Source: IEG, equation 4. A gradient of zero takes the pseudo-label.

    Args:
        lambda_gradient: float tensor `[B]`, of `meta_gradients`.

    Returns:
        Float tensor `[B]`: 1 keeps the given label, 0 takes the pseudo-label.
    """
    # Strictly below 0, as in the released code: a tie takes the pseudo-label.
    return tf.cast(lambda_gradient < 0.0, lambda_gradient.dtype)
