# The name that clients use, if there is one. Both regions can serve it; the record says which one does.
module "domain" {
  source = "../domain"
  count  = var.domain == null ? 0 : 1

  domain_name = var.domain.name
  zone_id     = var.domain.zone_id
  api_id      = module.api_gateway.api_id
  stage_name  = module.api_gateway.stage_name
}

module "standby_domain" {
  source    = "../domain"
  count     = var.domain == null || var.replica_region == null ? 0 : 1
  providers = { aws = aws.replica }

  domain_name = var.domain.name
  zone_id     = var.domain.zone_id
  api_id      = module.disaster_recovery[0].standby_api_id
  stage_name  = module.disaster_recovery[0].standby_api_stage
}

resource "aws_route53_record" "public" {
  count = var.domain == null ? 0 : 1

  zone_id = var.domain.zone_id
  name    = var.domain.name
  type    = "A"

  alias {
    name                   = local.serving.name
    zone_id                = local.serving.zone_id
    evaluate_target_health = false # which region serves is a decision, and the writer follows it
  }
}

locals {
  serving = one(var.failed_over ? module.standby_domain[*].target : module.domain[*].target)
}
