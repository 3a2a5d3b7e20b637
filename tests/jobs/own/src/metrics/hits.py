"""The share of examples whose class is among the two most probable."""

import keras


@keras.saving.register_keras_serializable()
class Hits(keras.metrics.SparseTopKCategoricalAccuracy):
    """Top 2."""

    def __init__(self, name: str = "hits", **options) -> None:
        super().__init__(k=2, name=name, **options)

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype}
