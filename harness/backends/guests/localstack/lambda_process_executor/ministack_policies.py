"""AWS's own policies on MiniStack 1.5.33, which knows some thirty, and takes all others for empty.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
"""

from __future__ import annotations

import json
import logging
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ministack.services import iam

if TYPE_CHECKING:
    from collections.abc import Callable

LOG = logging.getLogger(__name__)
_OF_AWS = "arn:aws:iam::aws:policy/"
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def install() -> None:
    """Let AWS's own policies allow what they allow on AWS, and those that nobody here knows everything."""
    iam._lookup_policy = _with_those_of_aws(iam._lookup_policy)  # noqa: SLF001 - the version is pinned


def _with_those_of_aws(known: Callable[[str], Any]) -> Callable[[str], Any]:
    @wraps(known)
    def lookup(arn: str) -> object:
        if known(arn) is None and arn.startswith(_OF_AWS):
            name = arn.removeprefix(_OF_AWS)
            record = iam._make_aws_managed_record(name, json.dumps(_document(name)))  # noqa: SLF001
            iam._aws_managed_policies[arn] = record  # noqa: SLF001
        return known(arn)

    return lookup


def _document(name: str) -> object:
    found = _documents().get(name)
    if found is None:
        LOG.warning("the document of AWS's policy %s is not known here: it allows everything", name)
    return found or _EVERYTHING


@cache
def _documents() -> dict[str, Any]:
    file = Path(__file__).with_name("managed_policies.json")
    return dict(json.loads(file.read_text("utf-8")))
