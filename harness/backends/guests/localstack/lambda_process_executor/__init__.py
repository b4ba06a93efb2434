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
    resource_arns the ARNs of a call
    environment   the environment variables of a function
    executables   whether this machine can run a program
    toolchains    the programs that run functions
    runtimes      the command for a function of each runtime
    bundles       code archives, unpacked once and shared read-only
    tools         coverage and debuggers in a function's process
    runtime_api   the HTTP server of the AWS Lambda Runtime API
    events        the events of invocations, for a repetition
    child         a process group that can't outlive its parent
    deadlines     the end of an invocation's time
    sandbox       one execution environment: start, invoke, stop
    launcher      the script that the child runs first
    clients       the scripts that it runs then, in the function's own interpreter
    workers       MiniStack's workers on top of a sandbox
    rest_operations the operation that a REST request means
    ministack_asgi answers of the routes that the harness adds to MiniStack
    ministack_calls MiniStack's request log
    ministack_accounts the public access block of an account, on MiniStack
    ministack_alarms all attributes of alarms, of which MiniStack returns a part
    ministack_openapi REST APIs in OpenAPI, which MiniStack lacks
    keys_of_aws   the aliases of AWS's own keys
    ministack_keys AWS's own keys, on MiniStack
    localstack_keys AWS's own keys, on LocalStack
    localstack_calls LocalStack's request log
    localstack_services first requests to a service
    state         the route at which an emulator's state is fetched and put back
    ministack_state the state of MiniStack
    localstack_bodies the bodies of S3's objects in LocalStack
    localstack_workers functions and timers, stopped while LocalStack's state changes
    localstack_state the state of LocalStack
    storage       directories for this LocalStack only, made when LocalStack starts
    patches       features that LocalStack lacks
    executor      LocalStack's `RuntimeExecutor` on top of a sandbox
    plugin        the entry point
"""
