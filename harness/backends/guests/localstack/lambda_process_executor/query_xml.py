"""Parameters of a request in AWS's query protocol, as XML of an answer.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from collections.abc import Mapping
from xml.sax.saxutils import escape

type Tree = dict[str, str | Tree]


def as_xml(parameters: Mapping[str, str]) -> str:
    """Return elements that hold what the parameters say, such as `Actions.member.1`."""
    tree: Tree = {}
    for path, value in parameters.items():
        *above, last = path.split(".")
        place = tree
        for name in above:
            held = place.setdefault(name, {})
            place = held if isinstance(held, dict) else {}
        place[last] = value
    return _children(tree)


def _children(tree: Tree) -> str:
    return "".join(f"<{name}>{_content(held)}</{name}>" for name, held in tree.items())


def _content(held: str | Tree) -> str:
    if isinstance(held, str):
        return escape(held)
    members = held.get("member")
    if not isinstance(members, dict):
        return _children(held)
    in_order = sorted(members.items(), key=lambda member: int(member[0]))
    return "".join(f"<member>{_content(each)}</member>" for _, each in in_order)
