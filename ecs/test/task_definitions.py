"""Holds task definitions against cfn-lint's schema: enums, sizes of Fargate tasks, host ports.

CloudFormation writes the same members with a capital first letter, so the files are turned into
one template.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# Below these the keys are the user's own.
FREE = {"options", "dockerLabels", "driverOpts", "labels"}


def pascal(value):
    if isinstance(value, list):
        return [pascal(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key[0].upper() + key[1:]: member if key in FREE else pascal(member)
        for key, member in value.items()
    }


def main():
    resources = {}
    names = {}
    for number, name in enumerate(sys.argv[1:]):
        # CloudFormation would look for something of a variable's name.
        text = re.sub(r"\$\{\w+_ROLE_ARN\}", "arn:aws:iam::123456789012:role/x", Path(name).read_text())
        body = json.loads(re.sub(r"\$\{(\w+)\}", r"\1", text))
        resources[f"File{number}"] = {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": pascal(body),
        }
        names[f"File{number}"] = name
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder, "template.json")
        template.write_text(json.dumps({"Resources": resources}))
        lint = [sys.executable, "-c", "import cfnlint.runner; cfnlint.runner.main()"]
        command = [*lint, "--format", "parseable", str(template)]
        found = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    print(found.stdout, end="")
    for number, name in names.items():
        if number + ":" in found.stdout:
            print(f"{number} is {name}")
    print(f"cfn-lint: {len(names)} task definitions, status {found.returncode}")
    return found.returncode


raise SystemExit(main())
