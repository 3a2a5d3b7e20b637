"""Layers of your own: one file, one class of keras.Layer each, for the models that import them."""
