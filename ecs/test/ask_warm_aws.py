"""The aws command for tests: hands each call to warm_aws.py, and does what a test asks besides.

AWS_TEST_LOG        file that gets a line for each call: the service and the operation
AWS_TEST_KILL       kill the caller after this many calls that change something
AWS_TEST_ROLLBACK   what services run after an update, as after a rollback, whatever was asked for
"""

import json
import os
import signal
import socket
import sys

LOOKS = ("describe-", "list-", "get-", "wait", "help")


def main():
    words = sys.argv[1:]
    named = [word for word in words if not word.startswith("-")]
    changes = not named[1].startswith(LOOKS)
    with open(os.environ["AWS_TEST_LOG"], "a+") as log:
        log.write(f"{' '.join(named[:2])}\n")
        log.flush()
        log.seek(0)
        before = log.read().splitlines()
    server = socket.socket(socket.AF_UNIX)
    server.connect(os.environ["AWS_TEST_SOCKET"])
    given = sys.stdin.read() if "file:///dev/stdin" in words else ""
    request = {"words": words, "environment": dict(os.environ), "input": given}
    with server.makefile("w") as stream:
        stream.write(json.dumps(request) + "\n")
    with server.makefile("r") as stream:
        answer = json.load(stream)
    limit = os.environ.get("AWS_TEST_KILL")
    if limit and changes:
        done = sum(not line.split()[1].startswith(LOOKS) for line in before)
        if done >= int(limit):
            os.kill(os.getppid(), signal.SIGKILL)
    old = os.environ.get("AWS_TEST_ROLLBACK")
    if old and named[1] == "describe-services" and "ecs update-service" in before:
        service = json.loads(answer["stdout"])
        service["taskDefinition"] = old
        reason = "(service x) (deployment y) deployment failed: tasks failed to start."
        service["events"] = [{"id": "1", "createdAt": "9999", "message": reason}]
        answer["stdout"] = json.dumps(service)
    sys.stdout.write(answer["stdout"])
    sys.stderr.write(answer["stderr"])
    return answer["status"]


raise SystemExit(main())
