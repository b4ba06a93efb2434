"""LocalStack plugin `process`: each Lambda execution environment is a child process.

MiniStack's functions use the same modules, up to `clients`. Its `workers` replaces the rest.

Put the directory that holds this package on the `PYTHONPATH` of LocalStack 4.14 and set
`LAMBDA_RUNTIME_EXECUTOR=process`. Functions run without Docker, on AWS's own runtime clients.

Read from LocalStack's environment:

- `LAMBDA_PROCESS_PYTHON`: interpreter for functions of its version, with awslambdaric and boto3. Default:
  LocalStack's own, unless the next one is set.
- `LAMBDA_PROCESS_RUNTIMES`: URL that serves the toolchain of each runtime below the runtime's name, as JSON.
  See `toolchains`. Default: none, and only Python functions run, on the interpreter above.
- `LAMBDA_PROCESS_GATE`: URL of a proxy that forwards requests for LocalStack and refuses all others. Default:
  none.
- `LAMBDA_PROCESS_PROXY`: URL of functions' HTTP(S) proxy for other machines, if there is no gate. Default:
  none.
- `LAMBDA_PROCESS_REQUEST_LOG`: file for the log of AWS calls. Default: none.
- `LAMBDA_PROCESS_REQUEST_LOG_BODIES`: 1 if that log is to have the bodies of calls. Default: it has none.
- `LAMBDA_PROCESS_REDELIVERY_SECONDS`: seconds until a message that a function failed on is visible again.
  Default: the visibility timeout of its queue.
- `LAMBDA_PROCESS_EVENTS`: directory for the events of the latest invocations. Default: none.
- `LAMBDA_PROCESS_TOOLS`: directory of plans for tools beside functions. See `tools`. Default: none.
- `LAMBDA_PROCESS_INIT_SECONDS`: seconds that a function may take to initialise. Default: 10, as on AWS.

Modules, each of which imports only from those above it. All but the last thirteen need only the standard
library:

    logs          log frames of AWS's runtime clients; START, END and REPORT lines
    view          where a function sees its files
    callers       who makes a call
    request_log   one line of JSON for each call
    resource_arns what a call is about
    environment   the environment variables of a function
    executables   whether this machine can run a program
    toolchains    the programs that run functions
    runtimes      what is started for a function of each runtime
    bundles       code archives, unpacked once and shared read-only
    tools         what runs in a function's process beside the function
    runtime_api   the HTTP server of the AWS Lambda Runtime API
    events        what functions were invoked with, for somebody to do so again
    child         a process group that can't outlive its parent
    deadlines     when an invocation has to be done
    sandbox       one execution environment: start, invoke, stop
    launcher      what the child runs first (a script; nothing imports it)
    clients       what it runs then, in the function's own interpreter (scripts)
    workers       MiniStack's workers on top of a sandbox
    rest_operations the operation that a REST request means
    ministack_calls MiniStack's request log
    ministack_alarms alarms whole, which MiniStack gives back in part
    ministack_openapi REST APIs in OpenAPI, which MiniStack lacks
    localstack_calls LocalStack's request log
    localstack_services first requests to a service
    state         where what an emulator holds is handed out, and taken back
    ministack_state what MiniStack holds
    localstack_bodies the bodies of S3's objects in LocalStack
    localstack_workers what works on LocalStack's state: functions, timers
    localstack_state what LocalStack holds
    storage       directories of this LocalStack alone; runs when LocalStack starts
    patches       what LocalStack lacks
    executor      LocalStack's `RuntimeExecutor` on top of a sandbox
    plugin        the entry point
"""
