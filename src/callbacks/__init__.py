"""Callbacks of your own: one file, one class of keras.callbacks.Callback each; `training.callbacks=[{_target_: src.callbacks.x.X}]`."""
