"""A variational autoencoder with a step and metrics of its own (Kingma and Welling 2014, arXiv:1312.6114)."""

import math

import keras
import tensorflow as tf
from keras import ops


class VAE(keras.Model):
    """Gives the picture that the mean of its code decodes to."""

    def __init__(self, input_shape: tuple[int, ...], code: int) -> None:
        super().__init__()
        self.encoder = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(32, "relu"), keras.layers.Dense(2 * code)])
        self.decoder = keras.Sequential(
            [keras.layers.Dense(32, "relu"), keras.layers.Dense(math.prod(input_shape), "sigmoid"), keras.layers.Reshape(input_shape)]
        )
        self.seeds = keras.random.SeedGenerator(0)
        self.trackers = [keras.metrics.Mean(name) for name in ("loss", "reconstruction", "divergence")]

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return self.trackers

    def call(self, x, training: bool = False):
        mean, _ = ops.split(self.encoder(x), 2, axis=1)
        return self.decoder(mean)

    def _parts(self, x):
        mean, log_variance = ops.split(self.encoder(x), 2, axis=1)
        code = mean + ops.exp(log_variance / 2) * keras.random.normal(ops.shape(mean), seed=self.seeds)
        reconstruction = ops.mean(ops.sum(ops.square(x - self.decoder(code)), axis=(1, 2)))
        divergence = -0.5 * ops.mean(ops.sum(1 + log_variance - ops.square(mean) - ops.exp(log_variance), axis=1))
        return reconstruction + divergence, reconstruction, divergence

    def train_step(self, data):
        with tf.GradientTape() as tape:
            losses = self._parts(data[0])
        self.optimizer.apply_gradients(zip(tape.gradient(losses[0], self.trainable_weights), self.trainable_weights, strict=True))
        return self._report(losses)

    def test_step(self, data):
        return self._report(self._parts(data[0]))

    def _report(self, losses):
        for tracker, loss in zip(self.trackers, losses, strict=True):
            tracker.update_state(loss)
        return {tracker.name: tracker.result() for tracker in self.trackers}


def build(input_shape: tuple[int, ...], *, code: int) -> keras.Model:
    """Takes and gives pictures."""
    return VAE(input_shape, code)
