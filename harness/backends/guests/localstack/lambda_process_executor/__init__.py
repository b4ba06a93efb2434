"""LocalStack plugin `process`: each Lambda execution environment is a child process.

Put the directory that holds this package on the `PYTHONPATH` of LocalStack 4.14 and set
`LAMBDA_RUNTIME_EXECUTOR=process`. Functions run without Docker, on AWS's own runtime client, awslambdaric.

Read from LocalStack's environment:

- `LAMBDA_PROCESS_PYTHON`: interpreter of functions; has awslambdaric and boto3. Default: LocalStack's own.
- `LAMBDA_PROCESS_PROXY`: URL that functions get as HTTP(S) proxy for all but this machine. Default: none.
- `LAMBDA_PROCESS_INIT_SECONDS`: time a function has to initialise. Default: 10, as on AWS.

Modules, each importing only from those above it; all but the last four need only the standard library:

    logs          log frames of awslambdaric; START, END and REPORT lines
    environment   the environment variables of a function
    interpreter   which Python runs functions, and whether it fits a function's runtime
    bundles       code archives, unpacked once and shared read-only
    runtime_api   the HTTP server of the AWS Lambda Runtime API
    child         a process group that can't outlive its parent
    sandbox       one execution environment: start, invoke, stop
    bootstrap     what the child runs (a script; nothing imports it)
    storage       directories of this LocalStack alone; runs when LocalStack starts
    patches       what LocalStack lacks
    executor      LocalStack's `RuntimeExecutor` on top of a sandbox
    plugin        the entry point
"""
