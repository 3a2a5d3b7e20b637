"""Metrics of your own: one file, one class of keras.metrics.Metric each; `training.metrics=[{_target_: src.metrics.x.X}]`."""
