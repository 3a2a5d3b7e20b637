"""Trialbook: Hydra composes the configuration of every trial, KerasTuner chooses the next one, MLflow remembers every run.

Verbs run (`python -m src.sweep`), nouns mean, plural folders are where things are added.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is first imported, whoever does it
