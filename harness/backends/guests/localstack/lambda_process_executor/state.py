"""Where an emulator hands out what it holds for some accounts, and takes it back.

`GET /_harness/state?accounts=000000000000` answers with bytes that only the same version of the same emulator
understands. `PUT` lets them take the place of what it holds for these accounts.
"""

PATH = "/_harness/state"
UNREADABLE = "this is no state of this emulator"


def accounts_of(text: str) -> frozenset[str]:
    """Return the accounts that a query names, separated by commas."""
    return frozenset(filter(None, text.split(",")))
