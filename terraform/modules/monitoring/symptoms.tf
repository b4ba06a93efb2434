locals {
  symptoms = merge(local.function_symptoms, local.queued_symptoms, local.rule_symptoms, local.api_symptoms, local.throttle_symptoms, local.queue_symptoms, local.freshness, local.replication_symptoms)

  above = {
    operator   = "GreaterThanThreshold", threshold = 0, statistic = "Sum", period = 300, missing = "notBreaching"
    expression = null, operands = {}
    periods    = 1, breaching_periods = null # null for all of them
  }

  function_symptoms = merge([for name, function in var.functions : {
    "${name}_errors" = merge(local.above, {
      description = "${function.name} raised errors"
      namespace   = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = function.name }
    })
    "${name}_throttles" = merge(local.above, {
      description = "${function.name} was throttled: its concurrency or the account's is used up"
      namespace   = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = function.name }
    })
    # CloudWatch has p95 of few points too (`evaluate` is its default): with `ignore`, fewer than 200 a period would not count.
    # A function that runs once an interval has a point in each period only if the period is the interval.
    "${name}_duration" = merge(local.above, {
      description = "${function.name}: the slowest twentieth takes over half of its time-out"
      namespace   = "AWS/Lambda", metric = "Duration", dimensions = { FunctionName = function.name }
      statistic   = "p95", threshold = function.timeout_seconds * 500, period = max(300, function.interval_seconds), periods = 3
    })
  }]...)

  # Events that are lost without a trace: the function never failed on them.
  queued_symptoms = merge([for name, function in var.functions : !function.asynchronous ? {} : {
    "${name}_dropped" = merge(local.above, {
      description = "Events for ${function.name} were dropped before it ran: too old, or too many"
      namespace   = "AWS/Lambda", metric = "AsyncEventsDropped", dimensions = { FunctionName = function.name }
    })
    "${name}_dead_letters_lost" = merge(local.above, {
      description = "Events that ${function.name} failed on did not reach their queue"
      namespace   = "AWS/Lambda", metric = "DestinationDeliveryFailures", dimensions = { FunctionName = function.name }
    })
  }]...)

  rule_symptoms = merge([for name in var.rule_names : merge(
    {
      "${name}_failed" = merge(local.above, {
        description = "Events that ${name} matched did not reach the function, and are not tried again"
        namespace   = "AWS/Events", metric = "FailedInvocations", dimensions = { RuleName = name }
      })
    },
    length(var.dead_letter_queue_names) == 0 ? {} : {
      "${name}_undelivered_lost" = merge(local.above, {
        description = "Events that ${name} could not deliver did not reach their queue"
        namespace   = "AWS/Events", metric = "InvocationsFailedToBeSentToDlq", dimensions = { RuleName = name }
      })
    },
  )]...)

  throttle_symptoms = var.api.throttled == null ? {} : {
    api_throttles = merge(local.above, {
      description = "The API refused requests with 429: the stage's rate or the plan's is used up"
      namespace   = var.api.throttled.namespace, metric = var.api.throttled.name, dimensions = null
    })
  }

  api_symptoms = {
    api_errors = merge(local.above, {
      description = "The API answered more than ${var.api.error_percent} % with 5XX"
      namespace   = "AWS/ApiGateway", metric = null, dimensions = { ApiName = var.api.name, Stage = var.api.stage }
      expression  = "100 * errors / requests", operands = { errors = "5XXError", requests = "Count" }
      threshold   = var.api.error_percent, periods = 3, breaching_periods = 2
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

  # Silence is the symptom. CloudWatch ignores what missing data are to mean while enough older points are in range, so an
  # expression makes points of the silence; a metric that has never been there stays missing, and that breaches.
  freshness = !var.freshness.alarm_enabled ? {} : {
    freshness = merge(local.above, {
      description = "No new object for two intervals of the schedule"
      namespace   = var.freshness.namespace, metric = null, dimensions = var.freshness.dimensions
      expression  = "FILL(written, 0)", operands = { written = var.freshness.metric }
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
