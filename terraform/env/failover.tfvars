# A stack that writes in the second region while the first one fails: terraform apply -var-file=../failover.tfvars
environment    = "prod2" # a name of its own: nothing collides when the first region comes back
region         = "eu-west-1"
replica_region = null

# The standby API of the first stack has set that region's role already.
api_account_role_managed = false
