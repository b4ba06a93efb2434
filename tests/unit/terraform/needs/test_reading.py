from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.terraform.needs import (
    AUTHORIZERS,
    DOCUMENTS,
    FILE_SYSTEMS,
    HTTP_AUTHORIZERS,
    HTTP_INTEGRATIONS,
    IMAGES,
    JSONATA,
    PIPES,
    STREAMS,
    WEBSOCKETS,
    needs_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness import Settings

HTTP_API = 'resource "aws_apigatewayv2_api" "this" {\n  name = "orders"\n}\n'


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> Callable[..., Settings]:
    """Return a function that writes a root of files, by name."""

    def make(**files: str) -> Settings:
        folder = tmp_path / "root"
        for name, text in files.items():
            file = folder / name.replace("__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.with_suffix(file.suffix or ".tf").write_text(text, "utf-8")
        return replace(settings, terraform_dir=folder, variables={})

    return make


def features(settings: Settings) -> set[str]:
    return {need.feature for need in needs_of(settings)}


def test_a_service_is_needed_by_a_resource_of_it(root: Callable[..., Settings]) -> None:
    (need,) = needs_of(root(main=f"# an API\n\n{HTTP_API}"))

    assert need.feature == "apigatewayv2"
    assert str(need) == "HTTP and WebSocket APIs (API Gateway v2) (aws_apigatewayv2_api.this, main.tf:3)"


def pipe(source: str, target: str, more: str = "") -> str:
    return f'resource "aws_pipes_pipe" "a" {{\n  source = {source}\n  target = {target}\n  {more}\n}}'


@pytest.mark.parametrize(
    ("declared", "needed"),
    [
        ('resource "aws_s3_bucket" "a" {}', set()),
        ('data "aws_ecr_repository" "a" {}', {"ecr"}),
        ('data "aws_cloudfront_cache_policy" "a" {}', {"cloudfront"}),
        ('data "aws_cloudtrail_service_account" "a" {}', set()),
        ('data "aws_lb_hosted_zone_id" "a" {}', set()),
        ('data "aws_lambda_function" "a" {}', set()),
        ('resource "aws_cognito_user_pool" "a" {}', {"cognito-idp"}),
        ('resource "aws_cognito_identity_pool" "a" {}', {"cognito-identity"}),
        ('resource "aws_lb_listener" "a" {}', {"elbv2"}),
        ('resource "aws_api_gateway_authorizer" "a" {}', {AUTHORIZERS}),
        ('resource "aws_apigatewayv2_api" "a" { protocol_type = "HTTP" }', {"apigatewayv2"}),
        ('resource "aws_apigatewayv2_authorizer" "a" { authorizer_type = "JWT" }', {"apigatewayv2"}),
        (
            'resource "aws_apigatewayv2_authorizer" "a" { authorizer_type = "REQUEST" }',
            {"apigatewayv2", HTTP_AUTHORIZERS},
        ),
        (
            'resource "aws_apigatewayv2_integration" "a" { integration_subtype = "SQS-SendMessage" }',
            {"apigatewayv2", HTTP_INTEGRATIONS},
        ),
        (
            'resource "aws_apigatewayv2_api" "a" { body = jsonencode({ integrationSubtype = "x" }) }',
            {"apigatewayv2", HTTP_INTEGRATIONS},
        ),
        ('resource "aws_apigatewayv2_api" "a" { protocol_type = "WEBSOCKET" }', {"apigatewayv2", WEBSOCKETS}),
        ('resource "aws_ssm_document" "a" {}', {DOCUMENTS}),
        ('resource "aws_ssm_parameter" "a" {}', set()),
        ('resource "aws_lambda_function" "a" { runtime = "java21" }', {"runtime java21"}),
        ('resource "aws_lambda_function" "a" { package_type = "Image" }', {IMAGES}),
        ('resource "aws_lambda_function" "a" {\n  file_system_config {}\n}', {FILE_SYSTEMS}),
        (
            (
                'resource "aws_lambda_event_source_mapping" "a" {\n'
                "  event_source_arn = aws_dynamodb_table.a.stream_arn\n}"
            ),
            {STREAMS},
        ),
        (
            'resource "aws_lambda_event_source_mapping" "a" {\n  event_source_arn = aws_sqs_queue.a.arn\n}',
            set(),
        ),
        (
            (
                'resource "aws_sfn_state_machine" "a" {\n  definition = jsonencode({\n'
                '    QueryLanguage = "JSONata"\n  })\n}'
            ),
            {JSONATA},
        ),
        (pipe("aws_sqs_queue.a.arn", "aws_sfn_state_machine.a.arn"), {"pipes", PIPES}),
        (pipe("aws_dynamodb_table.a.stream_arn", "aws_lambda_function.a.arn"), {"pipes", PIPES}),
        (
            pipe("var.a", "var.b", "source_parameters {\n    filter_criteria {}\n  }"),
            {"pipes", PIPES},
        ),
        (pipe("var.a", "var.b"), {"pipes"}),
        (pipe("aws_dynamodb_table.a.stream_arn", "aws_sns_topic.a.arn"), {"pipes"}),
        (
            'resource "aws_sfn_state_machine" "a" { definition = "{\\"QueryLanguage\\":\\"JSONata\\"}" }',
            {JSONATA},
        ),
    ],
)
def test_a_feature_is_needed_by_what_a_resource_says(
    root: Callable[..., Settings], declared: str, needed: set[str]
) -> None:
    assert features(root(main=declared)) == needed


def test_a_definition_in_a_file_is_read(root: Callable[..., Settings]) -> None:
    machine = 'templatefile("${path.module}/flow.asl.json", { a = 1 })'
    settings = root(main=f'resource "aws_sfn_state_machine" "a" {{\n  definition = {machine}\n}}')
    (settings.terraform_dir / "flow.asl.json").write_text(json.dumps({"QueryLanguage": "JSONata"}), "utf-8")

    assert features(settings) == {JSONATA}


RUNTIME = 'resource "aws_lambda_function" "a" {\n  runtime = %s\n}\n'


@pytest.mark.parametrize(
    ("expression", "others", "needed"),
    [
        ("var.runtime", 'variable "runtime" { default = "ruby3.3" }', {"runtime ruby3.3"}),
        ("local.runtime", 'locals {\n  runtime = "ruby3.3"\n}', {"runtime ruby3.3"}),
        ("local.a", "locals {\n  a = local.b\n  b = local.a\n}", set()),
        ('"ruby${var.version}"', 'variable "version" { default = "3.3" }', set()),
        ('lookup(var.all, "a")', "", set()),
    ],
)
def test_a_simple_reference_is_followed_and_no_other_expression_is_guessed(
    root: Callable[..., Settings], expression: str, others: str, needed: set[str]
) -> None:
    assert features(root(main=RUNTIME % expression + others)) == needed


def test_what_a_variable_is_given_wins_over_its_default(
    root: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = root(main=RUNTIME % "var.runtime" + 'variable "runtime" { default = "ruby3.3" }')
    (tmp_path / "dev.tfvars").write_text('runtime = "dotnet8"\n', "utf-8")

    assert features(replace(settings, var_files=(tmp_path / "dev.tfvars",))) == {"runtime dotnet8"}
    assert features(replace(settings, environ={"TF_VAR_runtime": "java21"})) == {"runtime java21"}
    assert features(replace(settings, variables={"runtime": "java17"})) == {"runtime java17"}


def test_a_module_is_read_with_what_its_call_hands_over(root: Callable[..., Settings]) -> None:
    call = 'module "%s" {\n  source  = "./function"\n  runtime = %s\n}\n'
    settings = root(
        main=call % ("one", '"ruby3.3"')
        + call % ("two", "var.second")
        + 'variable "second" { default = "java21" }',
        function__main=RUNTIME % "var.runtime" + 'variable "runtime" {}',
    )

    assert [(need.feature, need.address, need.location) for need in needs_of(settings)] == [
        ("runtime ruby3.3", "module.one.aws_lambda_function.a", "function/main.tf:1"),
        ("runtime java21", "module.two.aws_lambda_function.a", "function/main.tf:1"),
    ]


@pytest.mark.parametrize(
    ("count", "needed"),
    [
        ("0", set()),
        ("2", {"apigatewayv2"}),
        ("var.on ? 1 : 0", {"apigatewayv2"}),
        ("!var.on ? 1 : 0", set()),
        ("var.off ? 1 : 0", set()),
        ("length(var.names)", set()),
    ],
)
def test_only_what_is_sure_to_be_made_is_needed(
    root: Callable[..., Settings], count: str, needed: set[str]
) -> None:
    switches = 'variable "on" { default = true }\nvariable "off" { default = false }\n'

    assert (
        features(root(main=f'{switches}resource "aws_apigatewayv2_api" "a" {{\n  count = {count}\n}}'))
        == needed
    )


def test_the_public_modules_of_lambda_and_http_apis_are_known(root: Callable[..., Settings]) -> None:
    settings = root(
        main=(
            'module "f" {\n  source  = "terraform-aws-modules/lambda/aws"\n  runtime = "java21"\n}\n'
            'module "api" {\n  source = "terraform-aws-modules/apigateway-v2/aws"\n}\n'
        )
    )

    assert [str(need) for need in needs_of(settings)] == [
        "runtime java21 (module.f, main.tf:1)",
        "HTTP and WebSocket APIs (API Gateway v2) (module.api, main.tf:5)",
    ]


def test_json_is_read_too(root: Callable[..., Settings]) -> None:
    settings = root(main="")
    declared = {"resource": {"aws_lambda_function": {"a": {"runtime": "java21"}}}}
    (settings.terraform_dir / "more.tf.json").write_text(json.dumps(declared), "utf-8")

    assert [str(need) for need in needs_of(settings)] == [
        "runtime java21 (aws_lambda_function.a, more.tf.json)"
    ]
