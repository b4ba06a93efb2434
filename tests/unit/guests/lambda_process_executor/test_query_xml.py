from __future__ import annotations

from lambda_process_executor.query_xml import as_xml


def test_the_parameters_of_a_request_become_elements() -> None:
    parameters = {
        "Period": "60",
        "Actions": "",
        "Dimensions.member.2.Name": "b",
        "Dimensions.member.1.Name": "a<b",
        "Dimensions.member.1.Value": "1",
        "Names.member.1": "x",
    }

    assert as_xml(parameters) == (
        "<Period>60</Period><Actions></Actions>"
        "<Dimensions><member><Name>a&lt;b</Name><Value>1</Value></member><member><Name>b</Name></member></Dimensions>"
        "<Names><member>x</member></Names>"
    )
