# No credentials and no endpoints here: the provider reads them from its environment.
provider "aws" {
  region = var.region
}
