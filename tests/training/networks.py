"""Small networks with every kind of layer, among them some of which a clone is another network."""

from collections.abc import Callable
from typing import Any

import keras


def built(layers: Callable[[], list[keras.layers.Layer]]) -> Callable[..., keras.Model]:
    """A build function of a network that has these layers between its input and its softmax layer."""

    def build(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
        return keras.Sequential([keras.Input(input_shape), *layers(), keras.layers.Flatten(), keras.layers.Dense(num_classes, "softmax")])

    return build


def attention(dropout: float) -> Callable[..., keras.Model]:
    def build(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
        rows = keras.Input(input_shape)
        seen = keras.layers.MultiHeadAttention(2, 4, dropout=dropout)(rows, rows)
        return keras.Model(rows, keras.layers.Dense(num_classes, "softmax")(keras.layers.Flatten()(seen)))

    return build


def shared(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
    pixels, layer = keras.Input(input_shape), keras.layers.Dense(8, "relu")
    nested = keras.Sequential([keras.Input((64,)), keras.layers.Dense(6), keras.layers.BatchNormalization()])
    twice = keras.layers.Flatten()(keras.layers.Add()([layer(pixels), layer(layer(pixels))]))
    return keras.Model(pixels, keras.layers.Dense(num_classes, "softmax")(nested(twice)))


def frozen(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
    model = built(lambda: [keras.layers.Flatten(), keras.layers.Dense(8, name="below"), keras.layers.BatchNormalization()])(
        input_shape, num_classes
    )
    model.get_layer("below").trainable = False
    return model


class Doubling(keras.layers.Layer):
    """Has a loss of its own, and a state that training moves."""

    def build(self, shape: tuple) -> None:
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            self.seen.assign(0.9 * self.seen + keras.ops.mean(inputs))
        self.add_loss(0.01 * keras.ops.mean(keras.ops.square(inputs)))
        return inputs * (2.0 + self.seen)


class Forgetful(keras.layers.Layer):
    """Keeps a number that no configuration has."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.k = 1.0

    def call(self, inputs: Any) -> Any:
        return inputs * self.k


class Unseeded(keras.layers.Layer):
    """Draws from the state that all models share."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs + keras.random.normal(keras.ops.shape(inputs)) if training else inputs


class Dropout(keras.layers.Layer):
    """Has the name of a layer of Keras', and another meaning."""

    def __init__(self, rate: float, **named: Any) -> None:
        super().__init__(**named)
        self.rate = rate

    def get_config(self) -> dict:
        return {**super().get_config(), "rate": self.rate}

    def call(self, inputs: Any) -> Any:
        return inputs * self.rate


class OwnLoss(keras.Model):
    """A Functional model whose loss is its own."""

    factor = 1.0

    def compute_loss(self, *arguments: Any, **named: Any) -> Any:
        return self.factor * super().compute_loss(*arguments, **named)


def own_loss(factor: float) -> Callable[..., keras.Model]:
    def build(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
        pixels = keras.Input(input_shape)
        model = OwnLoss(pixels, keras.layers.Dense(num_classes, "softmax")(keras.layers.Flatten()(pixels)))
        model.factor = factor
        return model

    return build


def forgetful(k: float) -> Callable[..., keras.Model]:
    def build(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
        layer = Forgetful()
        layer.k = k
        return built(lambda: [layer])(input_shape, num_classes)

    return build


ROWS = keras.layers.Reshape  # an 8x8 picture as eight steps of eight numbers, or with a channel
MODELS: dict[str, Callable[..., keras.Model]] = {
    "batch_normalization": built(lambda: [keras.layers.Flatten(), keras.layers.Dense(8), keras.layers.BatchNormalization()]),
    "dropout": built(lambda: [keras.layers.Dropout(0.2), keras.layers.Dense(8), keras.layers.Dropout(0.3)]),
    "noise": built(lambda: [keras.layers.GaussianNoise(0.1), keras.layers.GaussianDropout(0.1)]),
    "regularizers": built(lambda: [keras.layers.Dense(8, kernel_regularizer="l2", activity_regularizer="l2")]),
    "own_state_and_loss": built(lambda: [Doubling()]),
    "shared_and_nested": shared,
    "frozen": frozen,
    "lstm": built(lambda: [keras.layers.LSTM(4)]),
    "gru": built(lambda: [keras.layers.Bidirectional(keras.layers.GRU(3))]),
    "attention": attention(0.0),
    "attention_dropout": attention(0.1),
    "flip": built(lambda: [ROWS((8, 8, 1)), keras.layers.RandomFlip("horizontal")]),
    "convolution": built(lambda: [ROWS((8, 8, 1)), keras.layers.Conv2D(3, 3), keras.layers.AveragePooling2D(2)]),
    "embedding": built(lambda: [keras.layers.Rescaling(9), keras.layers.Flatten(), keras.layers.Embedding(16, 3)]),
}


class Bounded(keras.layers.Layer):
    """Does something only to numbers that training has yet to reach."""

    bound = 1e9

    def call(self, inputs: Any) -> Any:
        return keras.ops.clip(inputs, -self.bound, self.bound)


def bounded(bound: float) -> Callable[..., keras.Model]:
    def build(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
        layer = Bounded()
        layer.bound = bound
        return built(lambda: [keras.layers.Flatten(), keras.layers.Dense(16, "relu"), layer])(input_shape, num_classes)

    return build


class Weighted(keras.layers.Layer):
    """Has a weight without a name."""

    def build(self, shape: tuple) -> None:
        self.w = self.add_weight(shape=(), initializer="ones")

    def call(self, inputs: Any) -> Any:
        return inputs * self.w


PARTS_OF_ITS_OWN = {  # network → one of the same configuration, which gives something else
    "loss": (own_loss(20.0), own_loss(1.0)),
    "number": (forgetful(20.0), forgetful(1.0)),
    "bound": (bounded(2.0), bounded(1e9)),
}


def unseeded(input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
    return built(lambda: [Unseeded()])(input_shape, num_classes)
