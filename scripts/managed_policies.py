"""Write the documents of AWS's own policies that functions' roles have, for the backend `ministack`.

moto has a copy of them all: https://github.com/getmoto/moto/blob/master/moto/iam/aws_managed_policies.py.
Run this with a Python that has moto, such as the one that the harness has installed for LocalStack.
"""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

_FILE = (
    Path(__file__).parents[1]
    / "harness/backends/guests/localstack/lambda_process_executor/managed_policies.json"
)
_SERVICES = (
    "SQS|SNS|DynamoDB|Kinesis|SSM|EventBridge|APIGateway|SES|Cognito|Athena|Bedrock|Rekognition|Textract|Polly"
    "|RDSData|S3|ElasticFileSystem|Transcribe|EC2ContainerRegistry"
)
_WANTED = re.compile(
    rf"AWSLambda|Amazon({_SERVICES})|CloudWatch(Logs|Events|FullAccess$|ReadOnly)|SecretsManager|AWSStepFunctions"
    "|AWSXRay|Comprehend|Translate|AWSAppSync|AWSIoTDataAccess|AWSKeyManagementServicePowerUser"
)


def main() -> None:
    """Write the file, with one policy per line."""
    every = json.loads(import_module("moto.iam.aws_managed_policies").aws_managed_policies_data)
    wanted = {
        f"{policy['Path']}{name}".lstrip("/"): policy["Document"]
        for name, policy in sorted(every.items())
        if policy["Path"] in {"/", "/service-role/"} and _WANTED.match(name)
    }
    lines = [
        f"{json.dumps(name)}: {json.dumps(text, separators=(',', ':'))}" for name, text in wanted.items()
    ]
    _FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
