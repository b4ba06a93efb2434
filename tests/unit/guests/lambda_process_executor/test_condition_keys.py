from __future__ import annotations

from lambda_process_executor.condition_keys import put_object_keys, tag_keys


def test_the_headers_of_a_put_that_policies_ask_for_are_condition_keys() -> None:
    headers = {
        "if-none-match": "*",
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-storage-class": "",
        "x-amz-tagging": "kept=true&of=a%20b",
        "content-type": "text/plain",
    }

    assert put_object_keys(headers) == {
        "s3:if-none-match": "*",
        "s3:x-amz-server-side-encryption": "aws:kms",
        "s3:RequestObjectTag/kept": "true",
        "s3:RequestObjectTag/of": "a b",
        "s3:RequestObjectTagKeys": ["kept", "of"],
    }


def test_the_tags_that_a_request_sets_are_condition_keys() -> None:
    assert tag_keys({"superseded": "true"}) == {
        "s3:RequestObjectTag/superseded": "true",
        "s3:RequestObjectTagKeys": ["superseded"],
    }
    assert put_object_keys({}) == {}
