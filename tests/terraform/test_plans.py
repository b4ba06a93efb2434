"""Terraform's actions on real AWS, in plans that need no account."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.terraform.planning import ACCOUNT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.terraform.planning import Plan

NAMES = ("name", "function_name", "bucket", "alarm_name", "dashboard_name")
API_LIMIT = 29
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"


@pytest.fixture(params=["dev", "prod"])
def plan(request: pytest.FixtureRequest) -> Plan:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def test_environments_share_no_name(dev: Plan, prod: Plan, another_prod: Plan) -> None:  # defect 8
    assert {kind for kind, _ in _names(prod)} == {kind for kind, _ in _names(another_prod)}
    assert not _names(dev) & _names(prod)
    assert not _names(another_prod) & _names(prod)


def _names(plan: Plan) -> set[tuple[str, str]]:
    kept = [one for one in plan.resources() if one["mode"] == "managed" and one["type"] != "aws_lambda_alias"]
    kept = [
        one for one in kept if not one["type"].startswith("aws_iam_role_policy")
    ]  # named within their role
    return {
        (one["type"], one["values"][name])
        for one in kept
        for name in NAMES
        if one["values"].get(name) is not None
    }


def test_the_buckets_name_has_account_and_region(dev: Plan) -> None:  # defect 9
    assert f"s3-lambda-api-dev-{ACCOUNT}-eu-north-1" in {one["bucket"] for one in dev.values("aws_s3_bucket")}


def test_another_partition_gets_its_own_arns(china: Plan) -> None:  # defect 10
    text = json.dumps([china.document["planned_values"], china.document["prior_state"]["values"]])

    assert "arn:aws-cn:" in text
    assert "arn:aws:" not in text


def test_each_function_has_a_role_of_its_own(dev: Plan) -> None:  # defect 11
    functions = dev.values("aws_lambda_function")
    roles = [one["name"] for one in dev.values("aws_iam_role")]

    assert len(functions) == 2
    assert sorted(roles) == sorted(one["function_name"] for one in functions)


def test_no_statement_allows_a_pattern_of_actions(plan: Plan) -> None:  # defect 12
    for resource in plan.resources():
        if resource["type"] == "aws_iam_policy_document" and resource["name"] != "key":
            for statement in json.loads(resource["values"].get("json") or '{"Statement": []}')["Statement"]:
                assert statement["Effect"] == "Deny" or "*" not in json.dumps(statement["Action"])


def test_the_api_is_throttled(plan: Plan) -> None:  # defect 13
    settings = [one["settings"][0] for one in plan.values("aws_api_gateway_method_settings")]

    assert settings
    assert all(one["throttling_rate_limit"] > 0 and one["throttling_burst_limit"] > 0 for one in settings)


@pytest.mark.parametrize("name", ["dev", "prod", "failover"])
def test_no_usage_plan_limits_clients_without_a_key(name: str, request: pytest.FixtureRequest) -> None:
    chosen: Plan = request.getfixturevalue(name)

    assert len(chosen.values("aws_api_gateway_usage_plan")) == len(chosen.values("aws_api_gateway_api_key"))


def test_production_takes_signed_requests_only(prod: Plan) -> None:
    assert {one["authorization"] for one in prod.values("aws_api_gateway_method")} == {"AWS_IAM"}


@pytest.mark.parametrize("name", ["dev", "prod", "failover"])
def test_no_stack_touches_the_accounts_role(name: str, request: pytest.FixtureRequest) -> None:
    assert request.getfixturevalue(name).values("aws_api_gateway_account") == []


def test_every_bucket_is_closed_and_owned_and_versioned_but_for_code(plan: Plan) -> None:  # defect 14
    buckets = len(plan.values("aws_s3_bucket"))
    blocks = plan.values("aws_s3_bucket_public_access_block")
    flags = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")

    assert all(block[flag] for block in blocks for flag in flags)
    for kind in ("public_access_block", "ownership_controls", "policy"):
        assert len(plan.values(f"aws_s3_bucket_{kind}")) == buckets, kind
    assert len(plan.values("aws_s3_bucket_versioning")) == buckets - len(plan.values("aws_s3_object"))


def test_code_is_fetched_from_a_bucket_whose_versioning_was_never_turned_on(plan: Plan) -> None:
    """Else S3 may answer NoSuchKey for 15 minutes, and the first apply fails.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/manage-versioning-examples.html
    """
    versioned = [one["address"] for one in plan.resources() if one["type"] == "aws_s3_bucket_versioning"]

    assert versioned
    assert not [address for address in versioned if "artifacts" in address]


def test_requests_are_logged_in_production(prod: Plan) -> None:  # defect 14
    assert len(prod.values("aws_s3_bucket_logging")) == 2
    assert all(stage["access_log_settings"] for stage in prod.values("aws_api_gateway_stage"))


def test_production_keeps_its_objects(prod: Plan) -> None:  # defect 15
    assert not any(one["force_destroy"] for one in prod.values("aws_s3_bucket"))


def test_every_function_ends_before_the_api_gives_up(plan: Plan) -> None:  # defect 18
    assert all(0 < one["timeout"] < API_LIMIT for one in plan.values("aws_lambda_function"))


def test_events_are_retried_and_kept_in_production(prod: Plan) -> None:  # defect 19
    every = prod.values("aws_cloudwatch_event_target")
    targets = [one for one in every if not one["rule"].endswith("_key_tampering")]

    assert len(targets) == 4
    assert all(one["retry_policy"][0]["maximum_retry_attempts"] > 0 for one in targets)
    assert len(prod.values("aws_sqs_queue")) == 4
    assert prod.values("aws_lambda_function_event_invoke_config")[0]["maximum_retry_attempts"] == 2


def test_every_log_ends_and_every_function_is_versioned(plan: Plan) -> None:  # defect 20
    functions = plan.values("aws_lambda_function")
    groups = plan.values("aws_cloudwatch_log_group")

    assert all(one["retention_in_days"] > 0 for one in groups)
    assert {f"/aws/lambda/{one['function_name']}" for one in functions} <= {one["name"] for one in groups}
    assert all(one["publish"] for one in functions)
    assert len(plan.values("aws_lambda_alias")) == len(functions)


def test_nothing_pays_for_traces_that_show_no_call_to_s3(plan: Plan) -> None:
    assert {one["tracing_config"][0]["mode"] for one in plan.values("aws_lambda_function")} == {"PassThrough"}
    assert {one["xray_tracing_enabled"] for one in plan.values("aws_api_gateway_stage")} == {False}
    assert "xray" not in json.dumps([plan.policies("reader"), plan.policies("writer")])


def test_production_is_watched_and_replicated(prod: Plan) -> None:  # defect 20
    assert len(prod.values("aws_cloudwatch_metric_alarm")) == 37
    assert prod.values("aws_cloudwatch_composite_alarm")
    assert prod.values("aws_cloudwatch_dashboard")
    assert prod.values("aws_s3_bucket_replication_configuration")
    assert len(prod.values("aws_api_gateway_rest_api")) == 2


def test_who_tampers_with_a_key_is_told_of_in_its_own_region(prod: Plan) -> None:
    names = {one["name"] for one in prod.values("aws_cloudwatch_event_rule")}

    assert {f"s3_lambda_api_prod{where}_key_tampering" for where in ("", "_standby")} <= names
    assert [one.get("kms_master_key_id") for one in prod.values("aws_sns_topic")] == [None, None]


def test_a_boundary_bounds_every_role(gradual: Plan) -> None:
    roles = gradual.values("aws_iam_role")

    assert len(roles) > 4
    assert {one["permissions_boundary"] for one in roles} == {BOUNDARY}


def test_every_key_of_production_is_rotated(prod: Plan) -> None:
    keys = prod.values("aws_kms_key") + prod.values("aws_kms_replica_key")

    assert len(keys) == 2
    assert all(key["enable_key_rotation"] for key in keys)


def _rules(plan: Plan) -> dict[str, str]:
    return {one["name"]: one["state"] for one in plan.values("aws_cloudwatch_event_rule")}


def test_one_variable_moves_the_schedule_to_the_other_region(prod: Plan, failover: Plan) -> None:
    here, there = (f"create_encrypted_timestamp_prod{where}_schedule" for where in ("", "_standby"))

    assert (_rules(prod)[here], _rules(prod)[there]) == ("ENABLED", "DISABLED")
    assert (_rules(failover)[here], _rules(failover)[there]) == ("DISABLED", "ENABLED")


def test_a_failover_makes_no_role_function_bucket_or_key(prod: Plan, failover: Plan) -> None:
    kinds = {
        "aws_iam_role",
        "aws_lambda_function",
        "aws_s3_bucket",
        "aws_kms_key",
        "aws_api_gateway_rest_api",
    }
    before, after = (
        {one["address"] for one in plan.resources() if one["type"] in kinds} for plan in (prod, failover)
    )

    assert len(before) > len(kinds)
    assert before == after


def test_a_failover_asks_no_sts_of_the_region_that_fails(prod: Plan, failover: Plan) -> None:
    assert prod.asked == {"eu-north-1", "eu-west-1"}
    assert failover.asked == {"eu-west-1"}


def test_alarms_watch_each_region_from_within(prod: Plan, failover: Plan) -> None:
    def watched(plan: Plan, where: str) -> set[str]:
        stem = f"s3_lambda_api_prod{where}_"
        names = {one["alarm_name"] for one in plan.values("aws_cloudwatch_metric_alarm")}
        return {name.removeprefix(stem) for name in names if name.startswith(stem)}

    both = {"create_errors", "retrieve_errors", "api_errors", "api_latency"}

    assert both | {"freshness"} <= watched(prod, "")
    assert both <= watched(prod, "_standby")
    assert ("freshness" in watched(prod, "_standby"), "freshness" in watched(failover, "_standby")) == (
        False,
        True,
    )


def test_a_gradual_deployment_stops_at_alarms_that_are_there(prod: Plan, gradual: Plan) -> None:
    groups = {one["deployment_group_name"]: one for one in gradual.values("aws_codedeploy_deployment_group")}
    alarms = {one["alarm_name"] for one in gradual.values("aws_cloudwatch_metric_alarm")}
    home = [one["address"] for one in gradual.resources() if one["address"].endswith("alias.gradual[0]")]

    assert groups.keys() == {"create", "retrieve"}
    assert "s3_lambda_api_prod_api_errors" in groups["retrieve"]["alarm_configuration"][0]["alarms"]
    assert {name for one in groups.values() for name in one["alarm_configuration"][0]["alarms"]} <= alarms
    assert len(home) == 2
    assert prod.values("aws_codedeploy_deployment_group") == []


def test_the_name_for_clients_has_a_certificate_in_both_regions(failover: Plan) -> None:
    assert [one["domain_name"] for one in failover.values("aws_acm_certificate")] == [
        "latest.example.com"
    ] * 2
    (record,) = [
        one for one in failover.resources() if one["address"] == "module.system.aws_route53_record.public[0]"
    ]
    assert record["values"]["name"] == "latest.example.com"
    assert failover.outputs()["public_url"] == ("https://latest.example.com/retrieve_most_recent_object_prod")


def test_the_record_follows_the_one_variable(failover: Plan) -> None:
    calls = failover.document["configuration"]["root_module"]["module_calls"]
    resources = calls["system"]["module"]["resources"]
    (record,) = [one for one in resources if one["address"] == "aws_route53_record.public"]

    assert record["expressions"]["alias"][0]["name"]["references"] == ["local.serving.name", "local.serving"]


def test_a_client_sends_the_same_key_to_both_regions(failover: Plan) -> None:
    calls = failover.document["configuration"]["root_module"]["module_calls"]
    standby = calls["system"]["module"]["module_calls"]["disaster_recovery"]["expressions"]

    assert standby["api_key"]["references"] == ["module.api_gateway.api_key", "module.api_gateway"]


def test_state_is_in_neither_of_the_two_regions(environments: Path, prod: Plan) -> None:
    example = (environments / "backend.hcl.example").read_text("utf-8")
    (region,) = re.findall(r'^region\s*=\s*"(.+?)"', example, re.MULTILINE)
    defaults = prod.document["variables"]

    assert region not in {defaults["region"]["value"], defaults["replica_region"]["value"]}


def test_every_bucket_of_production_has_a_lifecycle(prod: Plan) -> None:  # defect 21
    assert len(prod.values("aws_s3_bucket_lifecycle_configuration")) == len(prod.values("aws_s3_bucket"))


def test_objects_share_a_data_key(plan: Plan) -> None:  # defect 22
    rules = [one["rule"][0] for one in plan.values("aws_s3_bucket_server_side_encryption_configuration")]

    assert rules
    assert all(rule["bucket_key_enabled"] for rule in rules)


def test_the_functions_run_the_zip_that_is_there(dev: Plan, zip_file: Path) -> None:  # defect 23
    digest = hashlib.sha256(zip_file.read_bytes())

    assert {one["source_code_hash"] for one in dev.values("aws_lambda_function")} == {
        base64.b64encode(digest.digest()).decode()
    }
    assert [one["key"] for one in dev.values("aws_s3_object")] == [f"{digest.hexdigest()}.zip"]


def test_production_is_tagged(prod: Plan) -> None:
    tags = {json.dumps(one["tags_all"], sort_keys=True) for one in prod.values("aws_lambda_function")}

    assert tags == {'{"Environment": "prod", "ManagedBy": "terraform", "Project": "s3-lambda-api"}'}
