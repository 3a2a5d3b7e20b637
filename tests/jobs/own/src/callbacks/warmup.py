"""A learning rate that rises in the first epochs."""

import keras


class Warmup(keras.callbacks.Callback):
    """Linear, to the learning rate of the optimizer."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs

    def on_train_begin(self, logs=None) -> None:
        self.rate = float(self.model.optimizer.learning_rate)

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self.model.optimizer.learning_rate = self.rate * min(1, (epoch + 1) / self.epochs)
