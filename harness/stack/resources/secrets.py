"""Secrets Manager secrets and Systems Manager parameters."""

from __future__ import annotations

from harness.stack.resources.lookup import View


class Secret(View):
    """A secret: read it, replace its text, or rotate it."""

    __slots__ = ()

    def get(self) -> str:
        """Return the current text of the secret."""
        answer = self.client("secretsmanager").get_secret_value(SecretId=self.arn)
        return str(answer["SecretString"])

    def put(self, text: str) -> None:
        """Store `text` as the current version."""
        self.client("secretsmanager").put_secret_value(SecretId=self.arn, SecretString=text)

    def rotate(self, *, timeout: float = 30.0) -> None:
        """Let the secret's rotation function make a new version, and wait until it is the current one.

        Raises:
            NotReachedError: The function had not finished after `timeout` seconds.
        """
        client = self.client("secretsmanager")
        fresh = client.rotate_secret(SecretId=self.arn)["VersionId"]
        self._wait(
            lambda: client.describe_secret(SecretId=self.arn)["VersionIdsToStages"],
            until=lambda stages: "AWSCURRENT" in stages.get(fresh, ()),
            what=f"the rotation of the secret {self.name}",
            timeout=timeout,
            of=None,
        )


class Parameter(View):
    """A parameter: read it, or replace its value."""

    __slots__ = ()

    def get(self) -> str:
        """Return the value. A `SecureString` is decrypted."""
        answer = self.client("ssm").get_parameter(Name=self.name, WithDecryption=True)
        return str(answer["Parameter"]["Value"])

    def put(self, value: str) -> None:
        """Replace the value and keep the parameter's type."""
        kind = self.resource.values["type"]
        self.client("ssm").put_parameter(Name=self.name, Value=value, Type=kind, Overwrite=True)
