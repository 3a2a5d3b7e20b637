"""Cross entropy that heeds what is hard (Lin et al. 2017, arXiv:1708.02002)."""

import keras
from keras import ops


@keras.saving.register_keras_serializable()
class Focal(keras.losses.Loss):
    """The cross entropy of an example, times (1 - probability of its class) ** gamma."""

    def __init__(self, gamma: float, name: str = "focal", **options) -> None:
        super().__init__(name=name, **options)
        self.gamma = gamma

    def call(self, y_true, y_pred):
        one_hot = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), y_pred.shape[-1])
        right = ops.sum(one_hot * y_pred, axis=-1)
        return -((1 - right) ** self.gamma) * ops.log(right + 1e-7)

    def get_config(self):
        return {**super().get_config(), "gamma": self.gamma}
