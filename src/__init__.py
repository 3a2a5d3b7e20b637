"""Trialbook: Hydra composes the configuration of every trial, KerasTuner chooses the next one, MLflow remembers every run.

Verbs run (`python -m src.sweep`), nouns mean, plural folders are where things are added.
"""

import gc
import os

LIBRARIES = {  # environment variables that libraries read when they are imported; those of the user win
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # TensorFlow takes GPU memory only as needed
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_TRUNCATE_LONG_VALUES": "false",  # a cut value is another value; MLflow refuses it instead
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # a request that arrives twice makes two runs; the outbox retries
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # keeps Ray from printing lines itself: this project reports dead workers
}
for _name, _value in LIBRARIES.items():
    os.environ.setdefault(_name, _value)
gc.set_threshold(50_000, 20, 20)  # Python's own 700 cost a quarter of the time that importing TensorFlow takes
