from __future__ import annotations

import pytest
from lambda_process_executor.rest_operations import operation_of


@pytest.mark.parametrize(
    ("service", "method", "target", "headers", "operation", "parameters"),
    [
        ("s3", "GET", "/", {}, "ListBuckets", {}),
        ("s3", "GET", "/b?list-type=2&prefix=a", {}, "ListObjectsV2", {"Bucket": "b"}),
        ("s3", "GET", "/b/", {}, "ListObjects", {"Bucket": "b"}),
        ("s3", "GET", "/b/a/c%20d", {}, "GetObject", {"Bucket": "b", "Key": "a/c d"}),
        ("s3", "GET", "/b/folder/", {}, "GetObject", {"Bucket": "b", "Key": "folder/"}),
        ("s3", "HEAD", "/b/k", {}, "HeadObject", {"Bucket": "b", "Key": "k"}),
        ("s3", "PUT", "/b/k", {}, "PutObject", {"Bucket": "b", "Key": "k"}),
        ("s3", "PUT", "/b/k", {"x-amz-copy-source": "b/o"}, "CopyObject", {"Bucket": "b", "Key": "k"}),
        ("s3", "PUT", "/b/k?partNumber=1&uploadId=u", {}, "UploadPart", {"Bucket": "b", "Key": "k"}),
        ("s3", "POST", "/b?delete", {}, "DeleteObjects", {"Bucket": "b"}),
        ("s3", "GET", "/b?lifecycle", {}, "GetBucketLifecycleConfiguration", {"Bucket": "b"}),
        ("lambda", "POST", "/2015-03-31/functions/f/invocations", {}, "Invoke", {"FunctionName": "f"}),
        (
            "lambda",
            "POST",
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Ax/invocations",
            {},
            "Invoke",
            {"FunctionName": "arn:aws:lambda:x"},
        ),
        ("apigateway", "GET", "/restapis/a", {}, "GetRestApi", {"restapi_id": "a"}),
    ],
)  # fmt: skip
def test_method_path_query_and_headers_tell_the_operation(
    service: str,
    method: str,
    target: str,
    headers: dict[str, str],
    operation: str,
    parameters: dict[str, str],
) -> None:
    assert operation_of(service, method, target, headers) == (operation, parameters)


def test_what_no_operation_asks_for_is_none() -> None:
    assert operation_of("lambda", "GET", "/_ministack/health", {}) is None
    assert operation_of("no-such-service", "GET", "/", {}) is None
