"""Configuration files of a server, and example clients."""

import os
import string

import tensorflow as tf

#: Text at the beginning of files that an export may overwrite. Folders of
#: earlier versions contain it: it must not change.
MARK = "Written by noisy_keras; remove this line to keep changes of yours."

_MODEL = """\
  config {
    name: "$name"
    base_path: "/models/$name"
    model_platform: "tensorflow"
    model_version_policy { latest { num_versions: 1 } }
    # To serve two versions under names:
    #   model_version_policy { specific { versions: 1 versions: 2 } }
    #   version_labels { key: "stable" value: 1 }
    #   version_labels { key: "canary" value: 2 }
  }
"""

_BATCHING = """\
# $mark
# Batching of separate requests. It is disabled (see docker-compose.yml),
# because an invalid image file fails all requests of its batch. A request with
# several images is a batch in any case.
max_batch_size { value: 64 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 100 }
num_batch_threads { value: 4 }
"""

_MONITORING = """\
# $mark
# Prometheus reads http://HOST:8501/monitoring/prometheus/metrics.
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""

_COMPOSE = """\
# $mark
# docker compose -f docker-compose.yml up -d
# The server needs TensorFlow $tensorflow or later. In production, specify the
# image of one release: TF_SERVING_IMAGE=tensorflow/serving:VERSION.
services:
  serving:
    image: $${TF_SERVING_IMAGE:-tensorflow/serving:latest}
    restart: unless-stopped
    ports:
      - "8500:8500"  # gRPC
      - "8501:8501"  # REST
    volumes:
      - .:/models:ro
    command:
      - --model_config_file=/models/models.config
      - --model_config_file_poll_wait_seconds=60
      - --monitoring_config_file=/models/monitoring.config
      # - --enable_batching=true
      # - --batching_parameters_file=/models/batching.config
"""

_REST = '''\
"""Requests predictions for image files over REST.

$mark

python request_rest.py IMAGE...
Needs only Python. --host=HOST:PORT and --model=NAME can be passed first.
"""

import argparse
import base64
import json
import urllib.error
import urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("--host", default="localhost:8501")
parser.add_argument("--model", default="$name")
parser.add_argument("images", nargs="+")
arguments = parser.parse_args()

instances = []
for path in arguments.images:
    with open(path, "rb") as stream:
        text = base64.b64encode(stream.read()).decode()
    instances.append({"image_bytes": {"b64": text}})
request = urllib.request.Request(
    f"http://{arguments.host}/v1/models/{arguments.model}:predict",
    json.dumps({"instances": instances}).encode(),
    {"Content-Type": "application/json"},
)
try:
    with urllib.request.urlopen(request, timeout=60) as response:
        answers = json.load(response)["predictions"]
except urllib.error.HTTPError as error:
    raise SystemExit(f"error: {error.read().decode()}") from error
for path, answer in zip(arguments.images, answers):
    print(f"{path}: {answer['class_name']} ({answer['confidence']:.1%})")
'''

_GRPC = '''\
"""Requests predictions for image files over gRPC.

$mark

python request_grpc.py IMAGE...
Needs tensorflow-serving-api. --host=HOST:PORT and --model=NAME can be passed
first.
"""

import argparse

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc

parser = argparse.ArgumentParser()
parser.add_argument("--host", default="localhost:8500")
parser.add_argument("--model", default="$name")
parser.add_argument("images", nargs="+")
arguments = parser.parse_args()

request = predict_pb2.PredictRequest()
request.model_spec.name = arguments.model
request.model_spec.signature_name = "serving_default"
files = []
for path in arguments.images:
    with open(path, "rb") as stream:
        files.append(stream.read())
request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(files))
channel = grpc.insecure_channel(arguments.host)
service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
try:
    outputs = service.Predict(request, timeout=60).outputs
except grpc.RpcError as error:
    raise SystemExit(f"error: {error.details()}") from error
names = tf.make_ndarray(outputs["class_name"])
confidence = tf.make_ndarray(outputs["confidence"])
for path, name, value in zip(arguments.images, names, confidence):
    print(f"{path}: {name.decode()} ({value:.1%})")
'''

_REST_VECTORS = '''\
"""Requests predictions for features over REST.

$mark

python request_rest.py FILE.csv
Each line of the file is a vector, its numbers separated by commas. Needs only
Python. --host=HOST:PORT and --model=NAME can be passed first.
"""

import argparse
import csv
import json
import urllib.error
import urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("--host", default="localhost:8501")
parser.add_argument("--model", default="$name")
parser.add_argument("file")
arguments = parser.parse_args()

with open(arguments.file, encoding="utf-8", newline="") as stream:
    vectors = [[float(v) for v in row] for row in csv.reader(stream) if row]
request = urllib.request.Request(
    f"http://{arguments.host}/v1/models/{arguments.model}:predict",
    json.dumps({"instances": vectors}).encode(),
    {"Content-Type": "application/json"},
)
try:
    with urllib.request.urlopen(request, timeout=60) as response:
        answers = json.load(response)["predictions"]
except urllib.error.HTTPError as error:
    raise SystemExit(f"error: {error.read().decode()}") from error
for row, answer in enumerate(answers):
    print(f"{row}: {answer['class_name']} ({answer['confidence']:.1%})")
'''

_GRPC_VECTORS = '''\
"""Requests predictions for features over gRPC.

$mark

python request_grpc.py FILE.npy
The file is an array [n, D], as `numpy.save` writes it. Needs
tensorflow-serving-api. --host=HOST:PORT and --model=NAME can be passed first.
"""

import argparse

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc

parser = argparse.ArgumentParser()
parser.add_argument("--host", default="localhost:8500")
parser.add_argument("--model", default="$name")
parser.add_argument("file")
arguments = parser.parse_args()

request = predict_pb2.PredictRequest()
request.model_spec.name = arguments.model
request.model_spec.signature_name = "serving_default"
features = np.load(arguments.file, allow_pickle=False).astype(np.float32)
request.inputs["features"].CopyFrom(tf.make_tensor_proto(features))
channel = grpc.insecure_channel(arguments.host)
service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
try:
    outputs = service.Predict(request, timeout=60).outputs
except grpc.RpcError as error:
    raise SystemExit(f"error: {error.details()}") from error
names = tf.make_ndarray(outputs["class_name"])
confidence = tf.make_ndarray(outputs["confidence"])
for row, (name, value) in enumerate(zip(names, confidence)):
    print(f"{row}: {name.decode()} ({value:.1%})")
'''

_FILES = {
    "batching.config": _BATCHING,
    "monitoring.config": _MONITORING,
    "docker-compose.yml": _COMPOSE,
    "request_rest.py": _REST,
    "request_grpc.py": _GRPC,
}
_VECTOR_FILES = _FILES | {
    "request_rest.py": _REST_VECTORS,
    "request_grpc.py": _GRPC_VECTORS,
}
MODELS = "models.config"


def write(folder, name, of_vectors=False):
    """Writes the files of a server next to the models that it serves.

    Files from which the user has removed the mark are not changed.

    Args:
        folder: str, folder of the models, each in a folder of its own.
        name: str, name of the model in the example clients.
        of_vectors: bool, whether that model takes features.

    Returns:
        List of str, names of the files that would have changed.
    """
    served = "".join(
        string.Template(_MODEL).substitute(name=each) for each in models(folder)
    )
    texts = {MODELS: f"# $mark\nmodel_config_list {{\n{served}}}\n"}
    texts |= _VECTOR_FILES if of_vectors else _FILES
    kept = []
    for file, text in texts.items():
        path = os.path.join(folder, file)
        text = string.Template(text).substitute(
            mark=MARK, name=name, tensorflow=tf.__version__
        )
        if not _write(path, text):
            kept.append(file)
    return kept


def models(folder):
    """Names of the models in a folder that TensorFlow Serving can serve.

    Args:
        folder: str, folder of the models.

    Returns:
        List of str.
    """
    found = []
    for name in sorted(os.listdir(folder)):
        versions = os.path.join(folder, name)
        if os.path.isdir(versions) and any(
            version.isdecimal()
            and os.path.exists(
                os.path.join(versions, version, "saved_model.pb")
            )
            for version in os.listdir(versions)
        ):
            found.append(name)
    return found


def _write(path, text):
    """Writes a file unless the user owns it; whether it is up to date."""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as stream:
            before = stream.read()
        if before == text:
            return True
        if MARK not in before:
            return False
    unfinished = f"{path}.unfinished"
    with open(unfinished, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(unfinished, path)
    return True
