"""Rules of AWS that emulators do not enforce, checked against the applied resources.

A rule is a generator of violations, registered with its source:

    @rule("https://docs.aws.amazon.com/…")
    def name_has_no_dots(resources: Resources) -> Iterator[Broken]:
        for bucket in resources.of("aws_s3_bucket"):
            if "." in bucket.values["bucket"]:
                yield bucket, "its name has a dot, so it can't be served over TLS by its own host"
"""

from harness.terraform.rules import events, functions, roles, storage  # noqa: F401 - each registers its rules
from harness.terraform.rules.registry import Broken, Refusal, Resources, lines_of, refusals, rule

__all__ = ["Broken", "Refusal", "Resources", "lines_of", "refusals", "rule"]
