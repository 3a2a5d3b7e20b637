"""Options of conf/trial/ for tests: a function that goes down a slope, and a command."""

import sys

SLOPE = """# Gradient descent on a parabola; one trial of a sweep may interrupt it.
_target_: src.trials.slope.run
objective: min:loss
uses: []
rate: 0.1
interrupted: false
"""
DESCENT = '''"""Gradient descent on a parabola."""

import json
import os
import signal


def run(config, report):
    rate, start = config["trial"]["rate"], report.checkpoint
    done, x = json.loads(start or b"[0, 4.0]")
    (report.folder / "begun").mkdir(exist_ok=True)
    (report.folder / "begun" / "after.txt").write_text(str(done))
    for step in range(done + 1, 6):
        x -= rate * 2 * x
        if step == 3 and rate == 0.4 and config["trial"]["interrupted"] and not start:
            os.kill(os.getpid(), signal.SIGTERM)
        report(step, {"loss": x * x}, checkpoint=json.dumps([step, x]).encode())
    return {"loss": x * x + 1, "x": x}
'''
USING = "_target_: src.trials.slope.run\nobjective: min:loss\nuses: [optimizer]\nrate: 0.1\n"
COMMAND = f"""_target_: src.trials.command.run
objective: min:loss
uses: []
command: [{sys.executable}, -c, "import sys; print('{{\\"loss\\": ' + sys.argv[1] + '}}')", "{{rate}}"]
rate: 0.1
"""
OPTIONS = {"trial/slope.yaml": SLOPE, "trial/using.yaml": USING, "trial/program.yaml": COMMAND}
