output "target" {
  description = "What the name's record has to point to for this region to serve it: host and hosted zone."
  value = {
    name    = aws_api_gateway_domain_name.this.regional_domain_name
    zone_id = aws_api_gateway_domain_name.this.regional_zone_id
  }
  depends_on = [aws_api_gateway_base_path_mapping.this]
}
