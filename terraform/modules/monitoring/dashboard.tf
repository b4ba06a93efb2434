resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [for place, widget in local.widgets : merge(widget, {
      x      = (place % 2) * 12
      y      = floor(place / 2) * 6
      width  = 12
      height = 6
    })]
  })
}

locals {
  written        = concat([var.freshness.namespace, var.freshness.metric], local.dimensions.writer)
  api_dimensions = ["ApiName", var.api.name, "Stage", var.api.stage]

  dimensions = {
    writer      = flatten([for name, value in var.freshness.dimensions : [name, value]])
    reader      = var.reads == null ? [] : flatten([for name, value in var.reads.dimensions : [name, value]])
    replication = var.replication == null ? [] : ["SourceBucket", var.replication.source_bucket, "DestinationBucket", var.replication.destination_bucket, "RuleId", var.replication.rule_id]
  }

  widgets = concat(
    [{
      type       = "alarm"
      properties = { title = "Alarms", alarms = [for alarm in aws_cloudwatch_metric_alarm.symptom : alarm.arn] }
    }],
    [for chart in local.charts : {
      type = "metric"
      properties = {
        title       = chart.title
        region      = var.context.region
        view        = "timeSeries"
        period      = 300
        metrics     = chart.metrics
        annotations = { horizontal = [for value in compact([try(chart.alarm_above, null)]) : { label = "alarm", value = tonumber(value) }] }
      }
    }],
    [for function in var.functions : {
      type = "log"
      properties = {
        title  = "${function.name}: where the time went"
        region = var.context.region
        view   = "table"
        query  = "SOURCE '/aws/lambda/${function.name}' | filter ispresent(s3_ms.GetObject) | stats count(), pct(s3_ms.GetObject, 95), max(s3_ms.PutObject), max(s3_ms.ListObjectsV2) by bin(5m)"
      }
    }],
  )

  charts = concat(
    [
      {
        title   = "Objects written"
        metrics = [concat(local.written, [{ stat = "Sum" }])]
      },
      {
        title = "Requests and errors of the API"
        metrics = [
          for metric in ["Count", "4XXError", "5XXError"] :
          concat(["AWS/ApiGateway", metric], local.api_dimensions, [{ stat = "Sum" }])
        ]
      },
      {
        title       = "Latency of the API, ms"
        alarm_above = var.api.latency_ms
        metrics = [
          for statistic in ["p50", "p95", "p99"] :
          concat(["AWS/ApiGateway", "Latency"], local.api_dimensions, [{ stat = statistic, label = statistic }])
        ]
      },
    ],
    [for chart in [
      { title = "Age of the answer, s", metrics = { FreshnessAge = "Maximum" } },
      { title = "Reads that a pointer misled, and that failed", metrics = { Repairs = "Sum", Throttled = "Sum", Failures = "Sum" } },
      ] : {
      title   = chart.title
      metrics = [for metric, statistic in chart.metrics : concat([var.reads.namespace, metric], local.dimensions.reader, [{ stat = statistic }])]
    } if var.reads != null],
    [for function in var.functions : {
      title = function.name
      metrics = [
        for metric in ["Invocations", "Errors", "Throttles", "ConcurrentExecutions"] :
        ["AWS/Lambda", metric, "FunctionName", function.name, { stat = metric == "ConcurrentExecutions" ? "Maximum" : "Sum" }]
      ]
    }],
    [for function in var.functions : {
      title       = "${function.name}: duration, ms"
      alarm_above = function.timeout_seconds * 500
      metrics     = [["AWS/Lambda", "Duration", "FunctionName", function.name, { stat = "p95" }]]
    }],
    length(var.dead_letter_queue_names) == 0 ? [] : [{
      title = "Dead letters"
      metrics = [
        for name in var.dead_letter_queue_names :
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", name, { stat = "Maximum" }]
      ]
    }],
    var.replication == null ? [] : [{
      title = "Replication: seconds behind, and objects that wait"
      metrics = [
        for metric in ["ReplicationLatency", "OperationsPendingReplication"] :
        concat(["AWS/S3", metric], local.dimensions.replication, [{ stat = "Maximum" }])
      ]
    }],
  )
}
