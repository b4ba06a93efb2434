"""LocalStack plugin `process`: each Lambda execution environment is a child process.

MiniStack's functions run on the same modules, up to `clients`; `workers` takes the place of the rest.

Put the directory that holds this package on the `PYTHONPATH` of LocalStack 4.14 and set
`LAMBDA_RUNTIME_EXECUTOR=process`. Functions run without Docker, on AWS's own runtime clients.

Read from LocalStack's environment:

- `LAMBDA_PROCESS_PYTHON`: interpreter of functions of its version; has awslambdaric and boto3. Default:
  LocalStack's own, unless the next one is set.
- `LAMBDA_PROCESS_RUNTIMES`: URL below which each runtime's name leads to what runs it, as JSON; see
  `toolchains`. Default: none, and Python functions run on the interpreter above only.
- `LAMBDA_PROCESS_GATE`: URL of a proxy that hands on what is meant for LocalStack and refuses the rest.
  Default: none.
- `LAMBDA_PROCESS_PROXY`: where there is no gate, URL that functions get as HTTP(S) proxy for all but this
  machine. Default: none.
- `LAMBDA_PROCESS_REQUEST_LOG`: file that each AWS call is noted in. Default: none.
- `LAMBDA_PROCESS_EVENTS`: directory that the latest invocations' events are kept in. Default: none.
- `LAMBDA_PROCESS_TOOLS`: directory of plans for what runs beside functions; see `tools`. Default: none.
- `LAMBDA_PROCESS_INIT_SECONDS`: time a function has to initialise. Default: 10, as on AWS.

Modules, each importing only from those above it; all but the last twelve need only the standard library:

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
    ministack_openapi REST APIs in OpenAPI, which MiniStack lacks
    localstack_calls LocalStack's request log
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
