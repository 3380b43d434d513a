"""What the residual networks share: contract, sizes, saving, compilation."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.networks import head

# One of each structure, and by how much it shrinks the map.
FAMILIES = {
    "resnet18": 8,
    "resnet29": 4,
    "resnet32": 4,
    "wide_resnet28_2": 4,
}


def build(name, image_shape=(16, 16, 3), width=4):
    return nk.networks.build(
        name, image_shape=image_shape, num_classes=7, width=width
    )


@pytest.fixture(scope="module", params=FAMILIES)
def network(request):
    keras.utils.set_random_seed(0)
    return build(request.param)


def pictures(network, count=4):
    shape = (count, *network.input_shape[1:])
    return np.random.RandomState(1).uniform(0.0, 255.0, shape).astype("float32")


@pytest.mark.parametrize(
    ("name", "depth", "count"),
    [
        # Kernels of 3x3 and the two numbers per normalised channel:
        # stem            9 * 3 * 64                      + 2 * 64 =     1,856
        # 64              4 * 9 * 64^2                    + 8 * 64 =   147,968
        # 128     9 * 64 * 128 + 3 * 9 * 128^2 + 64 * 128 + 10 * 128
        #                                                          =   525,568
        # 256 and 512, likewise                         2,099,712; 8,393,728
        # classes         512 * 10 + 10                            =     5,130
        ("resnet18", 512, 11_173_962),
        # The same, and 1, 2, 4 and 1 blocks more in the stages, of
        # 2 * 9 * D^2 + 4 * D each: 73,984 + 2 * 295,424 + 4 * 1,180,672
        # + 4,720,640 = 10,108,160.
        ("resnet34", 512, 11_173_962 + 10_108_160),
        # stem            9 * 3 * 16 + 2 * 16                      =       464
        # 16              10 * (9 * 16^2 + 2 * 16)                 =    23,360
        # 32              9 * 16 * 32 + 9 * 9 * 32^2 + 10 * 2 * 32 =    88,192
        # 64              9 * 32 * 64 + 9 * 9 * 64^2 + 10 * 2 * 64 =   351,488
        # classes         64 * 10 + 10                             =       650
        ("resnet32", 64, 464_154),
        # stem            9 * 3 * 16 + 2 * 16                      =       464
        # 64, bottleneck of 16: convolutions and their normalised inputs
        #   16 * 16 + 9 * 16^2 + 16 * 64 + 16 * 64 + 2 * 32        =     4,672
        #   2 * (64 * 16 + 9 * 16^2 + 16 * 64 + 2 * (64 + 32))     =     9,088
        # 128, of 64
        #   64 * 64 + 9 * 64^2 + 64 * 128 + 64 * 128 + 2 * 192     =    57,728
        #   2 * (128 * 64 + 9 * 64^2 + 64 * 128 + 2 * 256)         =   107,520
        # 256, of 128
        #   128^2 + 9 * 128^2 + 128 * 256 + 128 * 256 + 2 * 384    =   230,144
        #   2 * (256 * 128 + 9 * 128^2 + 128 * 256 + 2 * 512)      =   428,032
        # the end         2 * 256 + 256 * 10 + 10                  =     3,082
        ("resnet29", 256, 840_730),
        # stem            49 * 3 * 64 + 2 * 64                     =     9,536
        # 64, of 256 between blocks: convolutions, normalised outputs, and
        # the first block's projection
        #   64 * 64 + 9 * 64^2 + 64 * 256 + 64 * 256 + 2 * 640     =    75,008
        #   2 * (256 * 64 + 9 * 64^2 + 64 * 256 + 2 * 384)         =   140,800
        # 128, of 512; likewise              379,392 + 3 * 280,064 = 1,219,584
        # 256, of 1024                   1,512,448 + 5 * 1,117,184 = 7,098,368
        # 512, of 2048                  6,039,552 + 2 * 4,462,592 = 14,964,736
        # classes         2048 * 10 + 10                           =    20,490
        ("resnet50", 2048, 23_508_032 + 20_490),
        # stem            9 * 3 * 16                               =       432
        # 160             9 * 16 * 160 + 7 * 9 * 160^2             = 1,635,840
        # 320             9 * 160 * 320 + 7 * 9 * 320^2            = 6,912,000
        # 640             9 * 320 * 640 + 7 * 9 * 640^2           = 27,648,000
        # normalisations  2 * (16 + 8 * 160 + 8 * 320 + 8 * 640)   =    17,952
        #   (each stage's first one has the channels of the stage before)
        # classes         640 * 10 + 10                            =     6,410
        ("wide_resnet28_10", 640, 36_220_634),
        # The same with 32, 64 and 128: 432 + 69,120 + 276,480 + 1,105,920
        # + 3,616 + 1,290.
        ("wide_resnet28_2", 128, 1_456_858),
    ],
)
def test_full_width_has_the_number_of_parameters(name, depth, count):
    network = nk.networks.build(name, image_shape=(32, 32, 3), num_classes=10)
    trained = sum(int(np.prod(v.shape)) for v in network.trainable_variables)
    assert trained == count
    assert network.output["features"].shape[-1] == depth


@pytest.mark.parametrize("name", FAMILIES)
def test_pictures_may_have_any_size(name):
    network = build(name, (17, 22, 1), width=3)
    outputs = network(pictures(network, 2))
    height, width = (-(-side // FAMILIES[name]) for side in (17, 22))
    assert outputs["features"].shape[1:3] == (height, width)
    assert outputs["logits"].shape == (2, 7)
    assert np.isfinite(outputs["logits"]).all()


def test_kernels_are_initialised_independently(network):
    kernels = [
        layer.kernel.numpy().tobytes()
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]
    assert len(set(kernels)) == len(kernels)


def test_saving_and_loading_changes_nothing(network, tmp_path):
    images = pictures(network)
    network(images, training=True)  # Moves the statistics.
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    head.check(loaded)
    np.testing.assert_array_equal(
        network(images)["logits"], loaded(images)["logits"]
    )


def test_compiled_training_gives_what_eager_training_gives(network):
    images = pictures(network)
    eager = network(images, training=True)["logits"]
    compiled = tf.function(network, jit_compile=True)
    logits = compiled(images, training=True)["logits"]
    np.testing.assert_allclose(logits, eager, rtol=1e-3, atol=1e-3)


def test_mixed_precision_rounds_maps_and_not_logits(network):
    images = pictures(network)
    expected = network(images, training=True)["logits"]
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    rounded = build(network.name)
    for new, old in zip(rounded.variables, network.variables, strict=True):
        new.assign(old)
    with tf.GradientTape() as tape:
        outputs = rounded(images, training=True)
        loss = tf.reduce_sum(outputs["logits"] ** 2)
    assert outputs["features"].dtype == tf.bfloat16
    assert outputs["logits"].dtype == tf.float32
    np.testing.assert_allclose(outputs["logits"], expected, atol=0.2)
    for gradient in tape.gradient(loss, rounded.trainable_variables):
        assert np.isfinite(gradient).all()
