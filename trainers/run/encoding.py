"""Runs whose images are encoded once, by a frozen backbone."""

import contextlib
import dataclasses
import os
import time

import keras

import noisy_keras as nk
from trainers.run import folder as run_folder

# Images after which features are kept on disk: a minute or so of a small
# network on two cores.
_PART = 1024
_SPLITS = ("train", "validation", "test", "trusted")


class Encoding:
    """The features of a run's images, and how to get from one to the other.

    Attributes:
        name: str, what the encoder is, in words.
        encoder: frozen `keras.Model`.
        features: dict from a split to its `EncodedSource`, or to None.
    """

    def __init__(self, settings, sources, folder, report=None):
        options = settings.training
        keras.utils.set_random_seed(options["seed"])
        backbone = options["frozen_backbone"]
        own = backbone == "efficientnet_lite0"
        self.encoder = nk.networks.build(
            backbone, sources.train, weights="imagenet" if own else "auto"
        )
        self.encoder.trainable = False
        self.features = nk.features.encoded(
            {name: getattr(sources, name) for name in _SPLITS},
            self.encoder,
            os.path.join(folder, run_folder.FEATURES),
            part_size=_PART,
            report=self._progress(report),
        )

    def _progress(self, report):
        """A function of counts to a line, after the first and the last part."""
        if report is None:
            return None
        began = time.monotonic()

        def line(done, total):
            seconds = time.monotonic() - began
            left = seconds * (total - done) / max(done, 1)
            text = f"features of {done:,} of {total:,} images, {seconds:.0f} s"
            report(
                text + (f"; about {left:.0f} s left" if done < total else "")
            )

        return line

    def describe(self):
        """What the run trains on, a line."""
        columns = self.features["train"].image_shape[0]
        return (
            f"trained on {columns} features of each image, made once by "
            f"{self.encoder.name}, which stays frozen"
        )

    def on_features(self, run):
        """The same run, of features.

        Args:
            run: `Run` of images.

        Returns:
            A `Run` to be trained and judged.
        """
        return dataclasses.replace(run, **self.features)

    def on_images(self, run, images):
        """The same run, of images.

        Args:
            run: `Run` of features, trained.
            images: `Run` of images, from before.

        Returns:
            A `Run` whose model takes images.
        """
        sources = {name: getattr(images, name) for name in _SPLITS}
        keeper = run.keeper

        def joined(model):
            return nk.features.with_encoder(model, self.encoder, images.train)

        return dataclasses.replace(
            run,
            **sources,
            model=joined(run.model),
            keeper=None if keeper is None else _Keeper(keeper, joined),
        )


class _Keeper:
    """A `KeepBest` whose models take images."""

    def __init__(self, keeper, joined):
        self.best_epoch = keeper.best_epoch
        self._keeper, self._joined = keeper, joined

    @contextlib.contextmanager
    def weights_of(self, which):
        with self._keeper.weights_of(which) as model:
            yield self._joined(model)
