"""Trials that are functions: one file, one `run(config, report) -> float | dict[str, float]`, and a YAML in conf/trial/ that names it.

`config["trial"]` has the values of the YAML, `config["seed"]` the seed; `config["data"]` and other groups are present if the YAML lists
them under `uses`. `src/function.py` describes `report`.
"""
