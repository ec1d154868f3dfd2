"""What nobody can have meant fails at PlanReport, with a code and a sentence, before anything is collected."""

import pytest
from conftest import DAYS

NOW = {"kind": "daily", "as_of": DAYS[-1]}
BAD = {
    "a kind that is none": ({**NOW, "kind": "hourly"}, "Plan.UnknownKind", "hourly"),
    "no kind": ({}, "Plan.BadRequest", "kind"),
    "an audit": ({**NOW, "kind": "audit"}, "Plan.AuditNotYet", "audit"),
    "a day to come": ({**NOW, "as_of": "2999-01-01T00:00:00Z"}, "Plan.FutureDate", "2999"),
    "a time that is none": ({**NOW, "as_of": "yesterday"}, "Plan.BadRequest", "yesterday"),
    "an account that is none": ({**NOW, "scope": {"accounts": ["12345"]}}, "Plan.UnknownAccount", "12345"),
    "an account of someone else": ({**NOW, "scope": {"accounts": ["999999999999"]}}, "Plan.UnknownAccount", "999999999999"),
    "a field that is none": ({**NOW, "knd": "daily"}, "Plan.BadRequest", "knd"),
}
SETTINGS = {
    "no TOML": ("[report", "Plan.BadSettings", "line 1"),
    "a setting that is none": ("[scoring]\nwieghts = 1\n", "Plan.BadSettings", "wieghts"),
}


def refused(deployment, request, code, said):
    deployment.cloud.simulation.show(DAYS[-1])
    run = deployment.start(request).ended()
    assert run.status == "FAILED"
    assert f"{code} in PlanReport" in run.described["cause"]
    assert said in run.described["cause"]
    [notice] = deployment.notices("failure")
    assert f"Error: {code}" in notice and said in notice
    assert len(deployment.invocations("plan-report")) == 1, "no retry mends it"
    assert deployment.invocations() == deployment.invocations("plan-report")
    assert not [key for key in deployment.objects() if not key.startswith("settings/")]


@pytest.mark.parametrize("what", BAD)
def test_bad_requests_are_refused(what, deployment):
    refused(deployment, *BAD[what])


@pytest.mark.parametrize("what", SETTINGS)
def test_bad_settings_are_refused(what, deployment):
    text, code, said = SETTINGS[what]
    deployment.set_settings(text)
    refused(deployment, NOW, code, said)
