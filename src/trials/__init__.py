"""Trials that are functions: one file, one `run(config, report) -> float | dict[str, float]`, and a YAML in conf/trial/ that names it.

`config["trial"]` has the values of the YAML, `config["seed"]` the seed, and `config["data"]` and so on those groups that the YAML
lists under `uses`. `src/function.py` describes `report`.
"""
