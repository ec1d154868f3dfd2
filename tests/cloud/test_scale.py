"""Two hundred accounts by a distributed Map, each a shard of its own."""

import json

import pytest
from conftest import DAYS
from deployments import PREFIX, deploy
from runs import CommandLine, bundles, differences, evidence

SETTINGS = "[collection]\naccounts_per_shard = 1\nparallel_shards = 8\n"
ACCOUNTS = 200


@pytest.mark.slow
def test_200_accounts_by_a_distributed_map(cloud, tmp_path):
    deployment = deploy(cloud, SETTINGS)
    with cloud.simulation.of_size(accounts=ACCOUNTS, regions=1, rules=12, resources=3):
        run = deployment.run("daily", DAYS[-1], seconds=900)
        machine = CommandLine(cloud, tmp_path / "reports", SETTINGS)
        machine.run("daily", DAYS[-1])
    assert "CollectDistributed" in run.states()
    assert differences(evidence(deployment.objects()), evidence(machine.objects())) == []
    assert bundles(deployment.objects())[1] == []

    collected = deployment.invocations("collect-results")
    assert len(collected) == ACCOUNTS
    [shards] = [key for key in deployment.objects(PREFIX + "work/") if key.endswith("shards.json")]
    assert len(json.loads(deployment.read(f"{PREFIX}work/{shards}"))) == ACCOUNTS
    # A child execution enters two states; the parent's history holds none of them.
    transitions = len(run.states()) + 2 * ACCOUNTS
    assert transitions == 10 + 2 * ACCOUNTS, "as docs/scale.md and docs/cost.md have it"
    events = len(run.events())
    assert events < 100, "the parent's history does not grow with the shards"
    largest = max(max(line["request_bytes"], line["response_bytes"]) for line in deployment.invocations())
    assert largest < 262_144 / 4
    figures = {"transitions": transitions, "events": events, "largest payload": largest}
    print(f"{ACCOUNTS} accounts: {figures}")
