resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [for place, chart in local.charts : {
      type   = "metric"
      x      = (place % 2) * 12
      y      = floor(place / 2) * 6
      width  = 12
      height = 6
      properties = {
        title   = chart.title
        region  = var.context.region
        view    = "timeSeries"
        period  = 300
        metrics = chart.metrics
      }
    }]
  })
}

locals {
  writer_dimensions = flatten([for name, value in var.freshness.dimensions : [name, value]])
  api_dimensions    = ["ApiName", var.api.name, "Stage", var.api.stage]

  charts = concat(
    [
      {
        title   = "Objects written"
        metrics = [concat([var.freshness.namespace, var.freshness.metric], local.writer_dimensions, [{ stat = "Sum" }])]
      },
      {
        title = "Requests and errors of the API"
        metrics = [
          for metric in ["Count", "4XXError", "5XXError"] :
          concat(["AWS/ApiGateway", metric], local.api_dimensions, [{ stat = "Sum" }])
        ]
      },
      {
        title = "Latency of the API, ms"
        metrics = [
          for statistic in ["p50", "p95", "p99"] :
          concat(["AWS/ApiGateway", "Latency"], local.api_dimensions, [{ stat = statistic, label = statistic }])
        ]
      },
    ],
    [for function in var.functions : {
      title = function.name
      metrics = [
        for metric in ["Invocations", "Errors", "Throttles", "ConcurrentExecutions"] :
        ["AWS/Lambda", metric, "FunctionName", function.name, { stat = metric == "ConcurrentExecutions" ? "Maximum" : "Sum" }]
      ]
    }],
    length(var.dead_letter_queue_names) == 0 ? [] : [{
      title = "Dead letters"
      metrics = [
        for name in var.dead_letter_queue_names :
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", name, { stat = "Maximum" }]
      ]
    }],
  )
}
