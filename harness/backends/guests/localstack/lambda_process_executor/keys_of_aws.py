"""The aliases of AWS's own keys: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key.

AWS lists each of them in each account. Its key is made when somebody describes or uses it for the first time.
"""

PREFIX = "alias/aws/"
_SERVICES = """
acm backup codecommit connect dax dms dynamodb ebs elasticfilesystem es fsx glue kafka kinesis kinesisvideo
lambda rds redshift s3 secretsmanager sns sqs ssm workspaces xray
"""
ALIASES = tuple(f"{PREFIX}{service}" for service in _SERVICES.split())


def missing(listed: "list[dict[str, str]]", *, region: str, account: str) -> "list[dict[str, str]]":
    """Return the entries for the aliases that a listing lacks. They have no key yet."""
    names = {entry["AliasName"] for entry in listed}
    arn = f"arn:aws:kms:{region}:{account}:"
    return [{"AliasName": name, "AliasArn": arn + name} for name in ALIASES if name not in names]
