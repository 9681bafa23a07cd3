"""The aws command, kept warm: its own code, loaded once, forked for each call.

Python needs most of a second to load it, and the tests make thousands of calls. Listens on the
socket that is its argument; bin/aws beside it is the command.
"""

import gc
import json
import os
import socket
import sys
import tempfile

import awscli.clidriver

SERVICES = [
    "application-autoscaling", "autoscaling", "cloudwatch", "ec2", "ecr", "ecs", "elbv2", "iam",
    "logs", "servicediscovery", "ssm", "sts",
]  # fmt: skip


def call(driver, request, connection):
    """In a child of its own: environment, input and output are those of the caller."""
    os.environ.clear()
    os.environ.update(request["environment"])
    outputs = [tempfile.TemporaryFile() for _ in range(2)]
    reading, writing = os.pipe()
    os.write(writing, request["input"].encode())
    os.close(writing)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(reading, 0)
    os.dup2(outputs[0].fileno(), 1)
    os.dup2(outputs[1].fileno(), 2)
    try:
        status = driver.main(request["words"])
    except SystemExit as exit:
        status = exit.code
    sys.stdout.flush()
    sys.stderr.flush()
    texts = []
    for output in outputs:
        output.seek(0)
        texts.append(output.read().decode())
    answer = {"status": status or 0, "stdout": texts[0], "stderr": texts[1]}
    with connection.makefile("w") as stream:
        json.dump(answer, stream)


def main():
    driver = awscli.clidriver.create_clidriver()
    for service in SERVICES:
        driver.session.get_service_model(service)
        driver.session.get_service_data(service)
    # Collecting garbage in a child would copy all that it shares with this process.
    gc.disable()
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(64)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            pass
        if os.fork() == 0:
            with connection.makefile("r") as stream:
                call(driver, json.loads(stream.readline()), connection)
            connection.close()
            os._exit(0)
        connection.close()


main()
