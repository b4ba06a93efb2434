"""One execution environment of a function: a process to start, to invoke, to replace when broken, to stop."""

import selectors
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lambda_process_executor import callers, events, hot, logs, request_log, tools
from lambda_process_executor.child import Child, ExitedError
from lambda_process_executor.deadlines import Deadline
from lambda_process_executor.request_log import NO_READS, Reads
from lambda_process_executor.runtime_api import (
    TOO_LARGE,
    InitFailedError,
    Invocation,
    Reply,
    RuntimeApi,
    error_reply,
)
from lambda_process_executor.runtimes import Command
from lambda_process_executor.view import ON_LAMBDA, View, files, launch_command

if TYPE_CHECKING:
    from concurrent.futures import Future

type InitError = InitFailedError | ExitedError

READ_BYTES = 2**16
DEBUGGER_POLL = 0.2  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The specification of an execution environment. Times in seconds, sizes in bytes, memory in MB.

    Attributes:
        command: the command.
        environment: all variables of the process but the address of the Runtime API.
        watched: the names of those whose reads the log is to have.
        view: the paths at which the process sees the three directories.
        code: directory of the function's code, and the working directory.
        layers: directory of its merged layers.
        scratch: directory of this environment alone. `stop` removes it.
        timeout: how long an invocation may take.
        hot: directory for sources that replace a part of the code.
        shared: directories of file systems, by the path at which the process sees them.
    """

    command: Command
    version: str
    environment: Mapping[str, str]
    view: View
    code: Path
    layers: Path
    scratch: Path
    timeout: float
    memory_size: int
    init_timeout: float = 10.0
    max_response: int = 6 * 2**20 + 100
    has_json_logs: bool = False
    watched: tuple[str, ...] = ()
    hot: Path | None = None
    shared: Mapping[str, Path] = field(default_factory=dict)

    @property
    def request_for_reads(self) -> dict[str, str]:
        """Return the variable that has a process tell what it reads, if it can and a log is to have that."""
        is_logged = self.watched and self.command.takes_tools and request_log.open_log()
        return {"_HARNESS_VARIABLES": ",".join(self.watched)} if is_logged else {}

    @property
    def function(self) -> str:
        """Its name. Empty if no tools can run beside it."""
        return self.environment.get("AWS_LAMBDA_FUNCTION_NAME", "") if self.command.takes_tools else ""

    def plan(self, over: Mapping[str, str], tool: tools.Tool) -> dict[str, object]:
        """Return the launcher's plan."""
        command = self.command
        plan = {"argv": command.argv, "has_log_frames": command.has_log_frames}
        if self.view != ON_LAMBDA:
            return plan
        kept = (*command.kept, *map(Path, tool.kept))
        seen = files(
            self.code,
            self.layers,
            self.scratch,
            packages=command.packages,
            kept=kept,
            shared=self.shared,
        )
        return plan | seen | {"over": dict(over)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of an invocation for its caller."""

    payload: bytes
    is_error: bool
    logs: logs.LogText


class StoppedError(Exception):
    """The environment was stopped before it was done."""

    def __init__(self) -> None:
        super().__init__("the execution environment was stopped before it was done")


class Sandbox:
    """An execution environment. `invoke` is called by one thread at a time, `stop` by any."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._platform = logs.JsonPlatform() if spec.has_json_logs else logs.TextPlatform()
        self._lock = threading.Lock()
        self._runtime: _Runtime | None = None
        self._is_stopped = False
        self._init_duration: float | None = None
        self._init_error: InitError | None = None
        self._messages: list[str] = []
        self._peak_memory = 0
        self._caller = callers.remember(spec.environment)

    def start(self) -> InitError | None:
        """Start the function's process, wait until it is initialised, and return its error, if any.

        The error is also the outcome of the next invocation. A slow initialisation is not an error. As on
        AWS, it is tried again as part of the next invocation. One that waits for a debugger is left to the
        next invocation too, because that has no time limit then.

        Raises:
            StoppedError: `stop` was called in the meantime.
        """
        began = time.monotonic()
        if tools.tool_for(self._spec.function).kind == tools.DEBUGGER:
            return None
        try:
            self._ensure_running(Deadline(self._spec.init_timeout))
        except TimeoutError:
            self._end_failed_init(time.monotonic() - began, "timeout", None)
        except (InitFailedError, ExitedError) as error:
            self._init_error = error
            self._end_failed_init(time.monotonic() - began, "error", _reply_of(error, "").error_type)
        else:
            self._init_duration = time.monotonic() - began
        return self._init_error

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run one invocation to its end, and set its deadline.

        Raises:
            StoppedError: `stop` was called in the meantime.
        """
        if self._runtime and not self._runtime.is_current:
            self._drop_runtime()
            self.start()
        self._messages.append(self._platform.start(invocation.request_id, self._spec.version))
        began, begun = time.monotonic(), time.time()
        self._caller.request_id = invocation.request_id
        try:
            reply, status = self._reply(invocation, Deadline(self._spec.timeout, self._is_debugged))
        finally:
            self._caller.request_id = ""
        report = self._report(invocation.request_id, time.monotonic() - began, reply, status)
        request_log.note_invocation(
            self._caller.function,
            invocation.function_arn,
            invocation.request_id,
            begun,
            reply.error_type or "",
            NO_READS if status or self._runtime is None else self._runtime.reads,
        )
        events.keep(self._caller.function, invocation, reply.error_type or "")
        self._messages += [self._platform.end(invocation.request_id), self._platform.report(report)]
        messages, self._messages = self._messages, []
        return Outcome(
            payload=reply.body, is_error=reply.error_type is not None, logs=logs.LogText.of(messages)
        )

    def stop(self) -> None:
        """Kill the process with all its children, and remove the scratch directory."""
        with self._lock:
            self._is_stopped = True
        callers.forget(self._caller)
        self._drop_runtime()
        shutil.rmtree(self._spec.scratch, ignore_errors=True)

    @property
    def pid(self) -> int | None:
        """Id of the function's process, or None if there is none."""
        return self._runtime.pid if self._runtime else None

    def pending_logs(self) -> str:
        """Return log lines that belong to no invocation yet."""
        return str(logs.LogText.of(self._messages))

    def _is_debugged(self) -> bool:
        return self._runtime is not None and self._runtime.is_debugged

    def _reply(self, invocation: Invocation, deadline: Deadline) -> tuple[Reply, str | None]:
        """Return the reply, and Lambda's name for an error of the environment, if any."""
        try:
            self._raise_init_error()
            return self._exchange(invocation, deadline), None
        except TimeoutError:
            self._drop_runtime()
            return self._time_out(invocation.request_id), "timeout"
        except (InitFailedError, ExitedError) as error:
            self._drop_runtime()
            reply = _reply_of(error, invocation.request_id)
            if isinstance(error, ExitedError):
                self._messages += [f"RequestId: {invocation.request_id} Error: {error}\n{reply.error_type}"]
            return reply, "error"

    def _raise_init_error(self) -> None:
        error, self._init_error = self._init_error, None
        if error:
            raise error

    def _exchange(self, invocation: Invocation, deadline: Deadline) -> Reply:
        """Let the process answer. If it ended before it took the invocation, start a new one."""
        runtime = self._ensure_running(deadline)
        try:
            return self._exchange_with(runtime, invocation, deadline)
        except ExitedError:
            if runtime.has_taken(invocation.request_id):
                raise
        self._drop_runtime()
        return self._exchange_with(self._ensure_running(deadline), invocation, deadline)

    def _exchange_with(self, runtime: "_Runtime", invocation: Invocation, deadline: Deadline) -> Reply:
        submitted = runtime.submit(replace(invocation, deadline_ms=deadline.epoch_ms()))
        reply = self._wait(runtime, submitted, deadline)
        self._messages += runtime.rest_of_output()
        self._peak_memory = max(self._peak_memory, runtime.peak_memory())
        if reply.error_type == TOO_LARGE:  # awslambdaric gives up when a response is refused
            self._drop_runtime()
        return reply

    def _ensure_running(self, deadline: Deadline) -> "_Runtime":
        """Return the running process, or start one and wait until it is ready."""
        if self._runtime and not self._runtime.is_alive:
            self._drop_runtime()
        with self._lock:
            if self._is_stopped:
                raise StoppedError
            self._runtime = self._runtime or _Runtime(self._spec)
            runtime = self._runtime
        self._wait(runtime, runtime.ready, deadline)
        return runtime

    def _wait[T](self, runtime: "_Runtime", future: "Future[T]", deadline: Deadline) -> T:
        """Wait for a future while reading the process's output, so that it never blocks on a full pipe."""
        try:
            return runtime.wait(future, deadline, self._messages.extend)
        except Exception as error:
            self._messages += runtime.rest_of_output()
            if self._is_stopped:
                raise StoppedError from error
            raise

    def _end_failed_init(self, duration: float, status: str, error_type: str | None) -> None:
        self._drop_runtime()
        self._messages.append(self._platform.init_report(duration, status, error_type))

    def _drop_runtime(self) -> None:
        with self._lock:
            runtime, self._runtime = self._runtime, None
        if runtime:
            self._peak_memory = max(self._peak_memory, runtime.peak_memory())
            runtime.close()

    def _time_out(self, request_id: str) -> Reply:
        message = f"{logs.utc_now()} {request_id} Task timed out after {self._spec.timeout:.2f} seconds"
        self._messages.append(message)
        return error_reply("Sandbox.Timedout", message)

    def _report(self, request_id: str, duration: float, reply: Reply, status: str | None) -> logs.Report:
        init_duration, self._init_duration = self._init_duration, None
        return logs.Report(
            request_id=request_id,
            duration=duration,
            memory_size=self._spec.memory_size,
            max_memory=self._peak_memory,
            init_duration=init_duration,
            status=status,
            error_type=reply.error_type if status == "error" else None,
        )


def _reply_of(error: InitError, request_id: str) -> Reply:
    if isinstance(error, InitFailedError):
        return error.reply
    return error_reply("Runtime.ExitError", f"RequestId: {request_id} Error: {error}")


class _Runtime:
    """The function's process together with its Runtime API and its output."""

    def __init__(self, spec: Spec) -> None:
        self._tool = tools.take(spec.function) if spec.function else tools.NONE
        self._api = RuntimeApi(spec.max_response, self._tool)
        self._decoder = logs.MessageDecoder()
        self._in_use = threading.Lock()
        self._awake, self._alarm = socket.socketpair()
        self._spec, self._hot = spec, hot.now(spec.hot)
        try:
            self._child = self._start(spec)
        except OSError:
            tools.give_back(self._tool)
            self._close_ends()
            raise
        self.ready = self._api.ready
        self.submit = self._api.submit
        self.has_taken = self._api.has_taken
        self.peak_memory = self._child.peak_memory
        if self.is_debugged:
            threading.Thread(target=self._end_with_its_debugger, daemon=True).start()

    def _start(self, spec: Spec) -> Child:
        address = {"AWS_LAMBDA_RUNTIME_API": self._api.address}
        return Child(
            launch_command(spec.plan(self._hot.over, self._tool)),
            environment={**spec.environment, **address, **self._tool.variables, **spec.request_for_reads},
            directory=spec.code,
            on_exit=lambda code: self._api.fail(ExitedError(code)),
            mark="=".join(*address.items()),
        )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._child.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process was not seen to end yet."""
        return self._child.is_alive

    @property
    def is_current(self) -> bool:
        """Whether its sources and its tools are still the present ones."""
        is_same_tool = not self._spec.function or tools.stands(self._tool, self._spec.function)
        return is_same_tool and self._hot.stamp == hot.now(self._spec.hot).stamp

    @property
    def reads(self) -> Reads:
        """What it has told of its variables."""
        return self._api.reads

    @property
    def is_debugged(self) -> bool:
        """Whether it has a debugger, or waits for one, and somebody still wants that."""
        return self._tool.kind == tools.DEBUGGER and tools.stands(self._tool, self._spec.function)

    def _end_with_its_debugger(self) -> None:
        """End the process, which holds the debugger's port, when nobody wants to debug it any more."""
        while self.is_alive and self.is_debugged:
            time.sleep(DEBUGGER_POLL)
        with self._in_use:  # an invocation may go on
            self._child.kill()

    def wait[T](self, future: "Future[T]", deadline: Deadline, take: Callable[[list[str]], object]) -> T:
        """Return a future's result, and pass the process's messages to `take` meanwhile.

        Raises:
            TimeoutError: there is no result at the deadline.
        """
        future.add_done_callback(self._wake)
        with self._in_use, selectors.DefaultSelector() as selector:
            selector.register(self._child.output, selectors.EVENT_READ)
            selector.register(self._awake, selectors.EVENT_READ)
            while not future.done():
                if (remaining := deadline.wait()) <= 0:
                    raise TimeoutError
                for key, _ in selector.select(remaining):
                    self._attend(selector, key.fileobj, take)
        return future.result(0)

    def rest_of_output(self) -> list[str]:
        """Return the messages written until now, an unfinished one included."""
        messages: list[str] = []
        with self._in_use:
            while not self._child.output.closed and (data := self._child.output.read(READ_BYTES)):
                messages += self._decoder.feed(data)
        return messages + self._decoder.flush()

    def close(self) -> None:
        """Kill the process with all its children."""
        tools.give_back(self._tool)
        self._child.kill()
        self._api.fail(ExitedError(-signal.SIGKILL))
        with self._in_use:
            self._child.close()
            self._close_ends()

    def _attend(
        self, selector: selectors.BaseSelector, source: object, take: Callable[[list[str]], object]
    ) -> None:
        if source is self._awake:
            self._awake.recv(READ_BYTES)
        elif data := self._child.output.read(READ_BYTES):
            take(self._decoder.feed(data))
        elif data is not None:
            selector.unregister(self._child.output)

    def _wake(self, _future: object) -> None:
        with suppress(OSError):
            self._alarm.send(b"!")

    def _close_ends(self) -> None:
        self._api.close()
        self._awake.close()
        self._alarm.close()
