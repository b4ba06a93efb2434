mock_provider "aws" {
  mock_resource "aws_acm_certificate" {
    defaults = {
      arn = "arn:aws:acm:eu-north-1:111122223333:certificate/mocked"
      domain_validation_options = [{
        domain_name           = "latest.example.com"
        resource_record_name  = "_proof.latest.example.com."
        resource_record_type  = "CNAME"
        resource_record_value = "_proof.acm-validations.aws."
      }]
    }
  }
  mock_resource "aws_acm_certificate_validation" {
    defaults = { certificate_arn = "arn:aws:acm:eu-north-1:111122223333:certificate/mocked" }
  }
  mock_resource "aws_api_gateway_domain_name" {
    defaults = { regional_domain_name = "d-mocked.execute-api.eu-north-1.amazonaws.com", regional_zone_id = "ZREGION" }
  }
}

variables {
  domain_name = "latest.example.com"
  zone_id     = "Z0123456789"
  api_id      = "abc123"
  stage_name  = "prod"
}

run "serves_the_name_from_this_region" {
  command = plan

  override_resource {
    target          = aws_acm_certificate.this
    override_during = plan
    values = {
      arn = "arn:aws:acm:eu-north-1:111122223333:certificate/mocked"
      domain_validation_options = [{
        domain_name           = "latest.example.com"
        resource_record_name  = "_proof.latest.example.com."
        resource_record_type  = "CNAME"
        resource_record_value = "_proof.acm-validations.aws."
      }]
    }
  }

  assert {
    condition     = one(aws_api_gateway_domain_name.this.endpoint_configuration).types == tolist(["REGIONAL"])
    error_message = "An edge-optimised name would depend on one region's certificate."
  }

  assert {
    condition     = aws_api_gateway_domain_name.this.security_policy == "TLS_1_2"
    error_message = "Old TLS must be refused."
  }

  assert {
    condition     = aws_api_gateway_base_path_mapping.this.api_id == "abc123" && aws_api_gateway_base_path_mapping.this.stage_name == "prod"
    error_message = "The name must lead to the stage."
  }

  assert {
    condition     = alltrue([for record in aws_route53_record.validation : record.allow_overwrite])
    error_message = "Both regions prove the name by the same record."
  }
}

run "refuses_what_is_no_name_zone_or_api" {
  command = plan

  variables {
    domain_name = "https://latest.example.com"
    zone_id     = "example.com"
    api_id      = "arn:aws:apigateway"
    stage_name  = "a/b"
  }

  expect_failures = [var.domain_name, var.zone_id, var.api_id, var.stage_name]
}
