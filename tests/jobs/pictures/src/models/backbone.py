"""Augmentation, a backbone as one would load it with weights, and a new head."""

import keras


def build(input_shape: tuple[int, ...], num_classes: int, *, filters: int) -> keras.Model:
    """Takes pictures in [0, 1]."""
    convolutions = [keras.layers.Conv2D(filters, 3, strides=2, activation="relu") for _ in range(2)]
    backbone = keras.Sequential([*convolutions, keras.layers.BatchNormalization(), keras.layers.GlobalAveragePooling2D()], name="backbone")
    augmented = [keras.Input(input_shape), keras.layers.RandomFlip(seed=1), keras.layers.RandomRotation(0.05, seed=2)]
    return keras.Sequential([*augmented, backbone, keras.layers.Dense(num_classes, "softmax", name="head")])
