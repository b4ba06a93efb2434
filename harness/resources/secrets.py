"""Secrets Manager secrets and Systems Manager parameters."""

from __future__ import annotations

from harness.resources.lookup import View


class Secret(View):
    """A secret: read it, or replace its text."""

    __slots__ = ()

    def get(self) -> str:
        """Return the current text of the secret."""
        answer = self.client("secretsmanager").get_secret_value(SecretId=self.resource.values["arn"])
        return str(answer["SecretString"])

    def put(self, text: str) -> None:
        """Store `text` as the current version."""
        self.client("secretsmanager").put_secret_value(
            SecretId=self.resource.values["arn"], SecretString=text
        )


class Parameter(View):
    """A parameter: read it, or replace its value."""

    __slots__ = ()

    def get(self) -> str:
        """Return the value. A `SecureString` is decrypted."""
        name = self.resource.values["name"]
        answer = self.client("ssm").get_parameter(Name=name, WithDecryption=True)
        return str(answer["Parameter"]["Value"])

    def put(self, value: str) -> None:
        """Replace the value and keep the parameter's type."""
        values = self.resource.values
        self.client("ssm").put_parameter(
            Name=values["name"], Value=value, Type=values["type"], Overwrite=True
        )
