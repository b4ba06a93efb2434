locals {
  symptoms = merge(local.function_symptoms, local.api_symptoms, local.queue_symptoms, local.freshness, local.replication_symptoms)

  above = { operator = "GreaterThanThreshold", statistic = "Sum", threshold = 0, period = 300, periods = 1, missing = "notBreaching" }

  function_symptoms = merge([for name, function in var.functions : {
    "${name}_errors" = merge(local.above, {
      description = "${function.name} raised errors"
      namespace   = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = function.name }
    })
    "${name}_throttles" = merge(local.above, {
      description = "${function.name} was throttled: its concurrency or the account's is used up"
      namespace   = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = function.name }
    })
    "${name}_duration" = merge(local.above, {
      description = "${function.name}: the slowest twentieth takes over half of its time-out"
      namespace   = "AWS/Lambda", metric = "Duration", dimensions = { FunctionName = function.name }
      statistic   = "p95", threshold = function.timeout_seconds * 500, periods = 3
    })
  }]...)

  api_symptoms = {
    api_errors = merge(local.above, {
      description = "The API answered 5XX"
      namespace   = "AWS/ApiGateway", metric = "5XXError", dimensions = { ApiName = var.api.name, Stage = var.api.stage }
    })
    api_latency = merge(local.above, {
      description = "The API's slowest twentieth takes longer than ${var.api.latency_ms} ms"
      namespace   = "AWS/ApiGateway", metric = "Latency", dimensions = { ApiName = var.api.name, Stage = var.api.stage }
      statistic   = "p95", threshold = var.api.latency_ms, periods = 3
    })
  }

  queue_symptoms = { for name in var.dead_letter_queue_names : "${name}_depth" => merge(local.above, {
    description = "Dead letters wait in ${name}"
    namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = name }
    statistic   = "Maximum"
  }) }

  # Silence is the symptom, so missing data breach. CloudWatch looks back at most a day where a period is under an hour,
  # and has no period above a day.
  freshness = {
    freshness = merge(local.above, {
      description = "No new object for two intervals of the schedule"
      namespace   = var.freshness.namespace, metric = var.freshness.metric, dimensions = var.freshness.dimensions
      operator    = "LessThanThreshold", threshold = 1, period = var.freshness.interval_seconds, periods = 2, missing = "breaching"
    })
  }

  replication_symptoms = var.replication == null ? {} : {
    for symptom, about in {
      replication_lag      = { metric = "ReplicationLatency", statistic = "Maximum", threshold = 900, text = "Replicas are more than 15 minutes behind" }
      replication_failures = { metric = "OperationsFailedReplication", statistic = "Sum", threshold = 0, text = "Objects failed to replicate" }
      } : symptom => merge(local.above, {
        description = about.text
        namespace   = "AWS/S3", metric = about.metric, statistic = about.statistic, threshold = about.threshold
        dimensions = {
          SourceBucket      = var.replication.source_bucket
          DestinationBucket = var.replication.destination_bucket
          RuleId            = var.replication.rule_id
        }
    })
  }
}
