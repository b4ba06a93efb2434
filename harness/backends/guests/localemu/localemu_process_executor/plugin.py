"""LocalEmu's entry points."""

from lambda_process_executor.localstack_calls import note_calls
from lambda_process_executor.localstack_keys import show_keys_of_aws
from lambda_process_executor.localstack_services import load_services_once
from lambda_process_executor.localstack_state import serve_state
from lambda_process_executor.plugin import ProcessRuntimeExecutorPlugin
from lambda_process_executor.storage import keep_buckets_apart

__all__ = [
    "ProcessRuntimeExecutorPlugin",
    "keep_buckets_apart",
    "load_services_once",
    "note_calls",
    "serve_state",
    "show_keys_of_aws",
]
