# No credentials and no endpoints here: the provider reads them from its environment (AWS_PROFILE, AWS_ENDPOINT_URL …).
provider "aws" {
  region     = var.region
  sts_region = var.failed_over ? var.replica_region : null # else nothing could be applied while the region fails

  default_tags {
    tags = local.tags
  }
}

provider "aws" {
  alias  = "replica"
  region = coalesce(var.replica_region, var.region)

  default_tags {
    tags = local.tags
  }
}

locals {
  tags = var.tagging_enabled ? { Project = var.project, Environment = var.environment, ManagedBy = "terraform" } : {}
}
