from __future__ import annotations

import json

import pytest

from planning.__main__ import main

ASKED = ["recommend", "meta-llama/Llama-3.1-8B-Instruct", "--max-model-len", "8192"]
LOAD = ["--requests-per-second", "10", "--input-tokens", "1155", "--output-tokens", "211"]


def recommended(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, list[dict[str, object]]]]:
    code = main([*ASKED, "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def test_instances_come_by_cost_and_carry_the_load(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = recommended(capsys, *LOAD)
    assert code == 0
    costs = [offer["usd_per_hour"] for offer in report["instances"]]
    assert costs == sorted(costs)  # type: ignore[type-var]
    assert len(costs) > 10
    for offer in report["instances"]:
        assert offer["replicas"] * offer["requests_per_second_per_replica"] >= 10  # type: ignore[operator]
        assert offer["time_per_output_token_s"] <= 0.1001  # type: ignore[operator]


def test_an_offer_has_all_its_rates_and_spot_as_a_range(capsys: pytest.CaptureFixture[str]) -> None:
    _, report = recommended(capsys, *LOAD)
    for offer in report["instances"]:
        rates = offer["throughput"]
        assert rates["replicas_needed"] == offer["replicas"]  # type: ignore[index]
        assert rates["slo_requests_per_second"] <= rates["requests_per_second"]  # type: ignore[index]
        assert 0 < offer["spot_usd_per_hour_low"] <= offer["spot_usd_per_hour_high"]  # type: ignore[operator]
        assert offer["spot_usd_per_hour_high"] <= offer["usd_per_hour"]  # type: ignore[operator]


def test_a_looser_promise_never_costs_more(capsys: pytest.CaptureFixture[str]) -> None:
    costs = []
    for share in ("0.99", "0.8"):
        _, report = recommended(capsys, *LOAD, "--slo-share", share)
        costs.append(report["instances"][0]["usd_per_hour"])
    assert costs == sorted(costs, reverse=True)  # type: ignore[type-var]


def test_the_others_have_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    _, report = recommended(capsys, *LOAD)
    reasons = {row["instance"]: row["reason"] for row in report["others"]}
    assert all(reasons.values())
    assert any("bfloat16" in str(reason) for reason in reasons.values())
    offered = {offer["instance"] for offer in report["instances"]}
    assert not offered & set(reasons)


def test_more_load_never_costs_less(capsys: pytest.CaptureFixture[str]) -> None:
    cheapest = []
    for rate in ("1", "5", "20", "80"):
        _, report = recommended(capsys, "--requests-per-second", rate, *LOAD[2:])
        cheapest.append(report["instances"][0]["usd_per_hour"])
    assert cheapest == sorted(cheapest)  # type: ignore[type-var]


def test_an_slo_that_nothing_meets_is_exit_1_with_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = recommended(capsys, *LOAD, "--slo-tpot", "0.0001")
    assert code == 1
    assert report["instances"] == []
    assert any("ms per token even alone" in str(row["reason"]) for row in report["others"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--requests-per-second", "nan", *LOAD[2:]], "--requests-per-second: nan is not above 0"),
        (["--requests-per-second", "0", *LOAD[2:]], "--requests-per-second: 0 is not above 0"),
        (["--requests-per-second", "many", *LOAD[2:]], "--requests-per-second: 'many' is no number"),
        ([*LOAD, "--slo-share", "1"], "--slo-share: 1"),
        ([*LOAD[:2], "--input-tokens", "9000", "--output-tokens", "10"], "shorter than the mean request"),
    ],
)
def test_wrong_input_is_said(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASKED, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_table_has_a_line_for_an_instance_and_one_for_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASKED, *LOAD]) == 0
    text = capsys.readouterr().out
    assert "g6e.xlarge" in text
    assert "no bfloat16" in text
