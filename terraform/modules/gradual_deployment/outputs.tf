output "deployments" {
  description = "For each function that has a newer version than it serves, what `aws deploy create-deployment --cli-input-json` takes."
  value = {
    for key, function in var.functions : key => jsonencode({
      applicationName     = aws_codedeploy_app.this.name
      deploymentGroupName = aws_codedeploy_deployment_group.function[key].deployment_group_name
      revision = {
        revisionType = "AppSpecContent"
        appSpecContent = {
          content = jsonencode({
            version = 0.0
            Resources = [{
              (function.name) = {
                Type = "AWS::Lambda::Function"
                Properties = {
                  Name           = function.name
                  Alias          = function.alias_name
                  CurrentVersion = function.live_version
                  TargetVersion  = function.published_version
                }
              }
            }]
          })
        }
      }
    }) if function.live_version != function.published_version
  }
}
