"""Export formats without decoding: from images to probabilities."""

import os
from importlib import util

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.serving import graph
from noisy_keras.serving import proof
from noisy_keras.serving import vector_graph

#: By name of the format: its file, the packages that write it, and the package
#: that runs it.
_FILES = {
    "onnx": ("model.onnx", ("tf2onnx", "onnx"), "onnxruntime"),
    "litert": ("model.tflite", (), "ai_edge_litert"),
    "openvino": ("model.xml", ("openvino",), "openvino"),
    "keras": ("model.keras", (), "keras"),
}
FORMATS = tuple(_FILES)

_PACKAGES = {"ai_edge_litert": "ai-edge-litert"}
# Other runtimes sum in another order and fuse operations.
_TOLERANCE = 1e-4


def require(format):
    """Checks that the packages for a format are installed.

    Args:
        format: str, name of the format. Unknown ones need no packages.

    Raises:
        ImportError: If a package is missing; the message says how to install
            it.
    """
    _, needed, _ = _FILES.get(format, ("", (), ""))
    missing = [name for name in needed if util.find_spec(name) is None]
    if missing:
        raise ImportError(
            f"Expected {', '.join(missing)} to be installed, which "
            f"format={format!r} needs: pip install {' '.join(missing)}"
        )


def write(served, folder, format, verify=True):
    """Writes a model from images to `probabilities`, and its class names.

    Args:
        served: `ServedClassifier`.
        folder: str, folder to create.
        format: str, one of `FORMATS`.
        verify: bool, whether to compare predictions with those of the format's
            runtime, if it is installed.

    Returns:
        Dict with the largest difference of a probability and the runtime, or
        None if nothing was verified.

    Raises:
        RuntimeError: If the runtime predicts differently.
    """
    os.makedirs(folder)
    names = os.path.join(folder, graph.CLASS_NAMES)
    with open(names, "w", encoding="utf-8") as stream:
        stream.writelines(f"{name}\n" for name in served.names)
    name, _, runtime = _FILES[format]
    path = os.path.join(folder, name)
    model = classifier(served)
    if format == "keras":
        model.save(path)
    else:
        # Keras exports only models that have been called.
        model(tf.zeros([1, *served.image_shape]))
        model.export(path, format=format, verbose=False)
    if not verify or util.find_spec(runtime) is None:
        return None
    if isinstance(served, vector_graph.ServedVectors):
        images = given = served.questions()
    else:
        shape = (4, *served.image_shape)
        images = np.random.RandomState(0).randint(0, 256, shape, np.uint8)
        given = (images * (served.pixel_scale / 255.0)).astype(np.float32)
    answer = globals()[f"_ask_{format}"](path, given)
    difference = float(np.abs(answer - served.expected(images)).max())
    bound = _TOLERANCE if served.is_float32 else proof.TOLERANCE_16
    if not difference <= bound:
        raise RuntimeError(
            f"Expected {runtime} to predict as the model does, to {bound}. "
            f"Received: probabilities that differ by {difference:.2g}"
        )
    return {"largest_difference": difference, "runtime": runtime}


def classifier(served):
    """Builds a plain `keras.Model` from images to probabilities.

    Args:
        served: `ServedClassifier`.

    Returns:
        A `keras.Model` from `[B, H, W, C]`, or features `[B, D]`, to float32
        `[B, K]`.
    """
    of_vectors = len(served.image_shape) == 1
    name = "features" if of_vectors else "images"
    images = keras.Input(served.image_shape, name=name)
    networks = served.networks
    if len(networks) > 1:  # Networks of the same name cannot be combined.
        networks = [_copy(n, f"network_{k}") for k, n in enumerate(networks)]
    logits = [network(images)["logits"] for network in networks]
    mean = logits[0] if len(logits) == 1 else keras.layers.Average()(logits)
    scaled = keras.layers.Rescaling(1.0 / served.temperature)(mean)
    answer = keras.layers.Softmax(name="probabilities", dtype="float32")(scaled)
    return keras.Model(images, answer, name="classifier")


def _copy(network, name):
    config = keras.saving.serialize_keras_object(network)
    config["config"]["name"] = name
    copy = keras.saving.deserialize_keras_object(config)
    copy.set_weights(network.get_weights())
    return copy


def _ask_keras(path, images):
    return keras.models.load_model(path).predict(images, verbose=0)


def _ask_onnx(path, images):
    import onnxruntime

    session = onnxruntime.InferenceSession(
        path, providers=["CPUExecutionProvider"]
    )
    [given] = session.get_inputs()
    return session.run(None, {given.name: images})[0]


def _ask_litert(path, images):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path)
    [given] = interpreter.get_input_details()
    interpreter.resize_tensor_input(given["index"], images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], images)
    interpreter.invoke()
    [output] = interpreter.get_output_details()
    return interpreter.get_tensor(output["index"])


def _ask_openvino(path, images):
    import openvino

    core = openvino.Core()
    # In 32 bits, whatever the default of the processor.
    precision = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(path, "CPU", precision)
    return compiled(tf.constant(images).numpy())[0]
