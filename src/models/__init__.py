"""Models: one file, one function `build(input_shape, num_classes, *, …) -> keras.Model` (uncompiled), and a YAML in conf/model/."""
