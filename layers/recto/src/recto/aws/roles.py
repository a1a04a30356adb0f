"""Objects as another role sees them: with its rights, for as long as one invocation needs."""

from typing import Any

import boto3

from recto.aws.clients import client, errors_of
from recto.aws.s3 import S3Objects

SECONDS = 900
"""The shortest that STS gives."""


class RoleObjects:
    """`recto.ports.ObjectStore`s by the ARN of a role."""

    def __init__(self, caller: str) -> None:
        self._caller = caller
        self._sts = client("sts", caller)

    def __call__(self, role_arn: str) -> S3Objects:
        """AccessError where the role may not be assumed."""
        with errors_of(f"AssumeRole {role_arn}"):
            answer: dict[str, Any] = self._sts.assume_role(
                RoleArn=role_arn, RoleSessionName=self._caller, DurationSeconds=SECONDS
            )
        keys = answer["Credentials"]
        session = boto3.Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
        return S3Objects(self._caller, session)
