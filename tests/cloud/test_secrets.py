"""No secret is in what a run writes, prints or says: credentials and secrets are planted, and everything is searched."""

import pathlib

from conftest import DAYS, SETTINGS
from deployments import deploy

CREDENTIALS = {"AWS_SECRET_ACCESS_KEY": "planted-KEY-7f3a", "AWS_SESSION_TOKEN": "planted-TOKEN-91bc"}
WEBHOOK = "https://hooks.example.com/services/planted-HOOK-5e20"


def everything(deployment, runs):
    """All there is to read after the runs: objects, notices, histories, and what every process printed."""
    folder = deployment.cloud.folder
    printed = [path for path in [*folder.glob("*.log"), *deployment.cloud.host.logs.glob("*.log")]]
    texts = {str(path): path.read_bytes() for path in printed}
    texts |= {f"object {key}": body for key, body in deployment.objects("").items()}
    for topic in deployment.topics:
        texts |= {f"notice {topic} {number}": body.encode() for number, body in enumerate(deployment.notices(topic))}
    texts |= {f"history {run.arn}": repr(run.events()).encode() for run in runs}
    return texts


def holders(texts, secret):
    return [name for name, text in texts.items() if secret.encode() in text]


def test_no_secret_is_in_anything_that_a_run_leaves(cloud):
    deployment = deploy(cloud, SETTINGS, environment=CREDENTIALS)
    cloud.client("secretsmanager").create_secret(Name=f"{deployment.name}/slack-webhook", SecretString=WEBHOOK)
    runs = [deployment.run("daily", DAYS[-1])]
    assert runs[0].status == "SUCCEEDED", runs[0].described.get("cause")
    # Errors are where secrets are printed by mistake: one of each step, and one of a store that is not there.
    deployment.set_faults(deployment.fault("notify", {"error": {"errorType": "Notify.Failed", "errorMessage": "made up"}}))
    runs.append(deployment.run("weekly", DAYS[-1]))
    deployment.set_faults()
    cloud.host.register(deployment.functions({**CREDENTIALS, "PLUMBLINE_BUCKET": "no-such-bucket"}))
    runs.append(deployment.run("daily", DAYS[0]))
    assert [run.status for run in runs] == ["SUCCEEDED", "FAILED", "FAILED"]

    texts = everything(deployment, runs)
    for secret in [*CREDENTIALS.values(), WEBHOOK]:
        assert holders(texts, secret) == []
    assert holders(texts, runs[0].arn.rsplit(":", 1)[1]), "the search finds what is there"
    logs = [name for name in texts if pathlib.Path(name).parent == cloud.host.logs and deployment.name in name]
    assert len(logs) == 6, "every function printed something that was searched"
