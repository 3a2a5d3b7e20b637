"""A factor per feature, which is learnt."""

import keras


@keras.saving.register_keras_serializable()
class Scaled(keras.Layer):
    """Multiplies the last axis."""

    def build(self, input_shape) -> None:
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")

    def call(self, x):
        return x * self.factor
