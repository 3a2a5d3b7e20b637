"""Text → words that the training split has → their mean embedding → classes."""

import keras


def build(num_classes: int, data, *, dimensions: int) -> keras.Model:
    """Takes strings, shape (batch,)."""
    vectorize = keras.layers.TextVectorization(output_sequence_length=10)
    vectorize.adapt(data)
    text = keras.Input((), dtype="string")
    words = keras.layers.Embedding(vectorize.vocabulary_size(), dimensions)(vectorize(text))
    return keras.Model(text, keras.layers.Dense(num_classes, "softmax")(keras.layers.GlobalAveragePooling1D()(words)))
