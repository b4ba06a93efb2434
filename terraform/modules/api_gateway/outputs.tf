output "api_id" {
  description = "Id of the REST API."
  value       = aws_api_gateway_rest_api.this.id
}

output "stage_name" {
  description = "Stage that the API is served from, known once it exists."
  value       = aws_api_gateway_stage.this.stage_name
}

output "path" {
  description = "Path below the stage, with its leading slash."
  value       = "/${aws_api_gateway_resource.latest.path_part}" # its own `path` is stale after an update in place
}

output "execution_arn" {
  description = "ARN that calls to the API are authorized against, without stage, method and path."
  value       = aws_api_gateway_rest_api.this.execution_arn
}

output "url" {
  description = "Public URL of the most recent object."
  value = join("", [
    "https://${aws_api_gateway_rest_api.this.id}.execute-api.${var.context.region}",
    ".${var.context.dns_suffix}/${aws_api_gateway_stage.this.stage_name}",
    "/${aws_api_gateway_resource.latest.path_part}",
  ])
}

output "api_key" {
  description = "Key that clients send in `x-api-key`; null where none is required."
  value       = one(aws_api_gateway_api_key.client[*].value)
  sensitive   = true
}

output "redeployment_trigger" {
  description = "Hash of everything that a deployment is a snapshot of."
  value       = aws_api_gateway_deployment.this.triggers.redeployment
}

output "throttled_metric" {
  description = "Namespace and name of the metric that counts throttled requests; null without an access log."
  value       = var.access_logs == null ? null : { namespace = var.name, name = local.throttled_metric }
}
