"""Losses of your own: one file, one class of keras.losses.Loss each; `training.loss={_target_: src.losses.x.X}`."""
