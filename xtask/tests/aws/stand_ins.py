"""Puts the sandbox in place of the functions for verification that an emulator can invoke.

    python3 stand_ins.py SANDBOX OUTPUTS

OUTPUTS is what `cdk deploy --outputs-file` wrote.
"""

import json
import subprocess
import sys
from pathlib import Path

STAND_IN = Path(__file__).parents[2] / "pins/ministack/stand_in.py"
SCENARIOS = ("cold-and-warm-", "failure-", "timeout-", "crash-", "burst-")


def main(sandbox, outputs):
    with open(outputs, encoding="utf-8") as file:
        stacks = json.load(file).values()
    functions = json.loads(next(it["Functions"] for it in stacks if "Functions" in it))
    for name in (name for key, name in functions.items() if key.startswith(SCENARIOS)):
        command = [sys.executable, "-B", STAND_IN, name, sandbox]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


main(*sys.argv[1:])
