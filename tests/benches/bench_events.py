"""Events from when they are sent to when they are stored. With the table in memory it is what the step itself takes. With
DynamoDB it is moto's server that is measured, which answers from one process of Python: the peer, boto3 making the same calls
and nothing else, shows its ceiling. No transaction fails here, as no two batches at once have events of one pair."""

from __future__ import annotations

import contextlib
import pathlib
import sys
import types

from bench import Failed, Table

LEAST = 1_000 / 60
"""Events a second that must be stored, and in how many milliseconds 99 of 100 of them."""
MOST_MS = 5_000


@contextlib.contextmanager
def event_table():
    """An event table at moto's server, and the environment that leads there."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "python"))
    from moto_server import KEYS, moto_server

    with _no_copies(), moto_server() as moto:
        key = lambda attribute, kind: {"AttributeName": attribute, "KeyType": kind}
        indexes = ["by_account", "by_rule", "by_resource", "by_type", "by_status"]
        moto.client("dynamodb", "eu-west-1").create_table(
            TableName="events",
            KeySchema=[key("pk", "HASH"), key("sk", "RANGE")],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", *indexes)],
            GlobalSecondaryIndexes=[
                {"IndexName": name, "KeySchema": [key(name, "HASH"), key("sk", "RANGE")], "Projection": {"ProjectionType": "ALL"}}
                for name in indexes
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        keys = {name.upper(): value for name, value in KEYS.items()}
        yield {**keys, "AWS_ENDPOINT_URL": moto.url, "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}


@contextlib.contextmanager
def _no_copies():
    """moto copies the whole table for each item of a transaction, to put it back if the transaction fails. So each would
    take longer than the one before, and those at once would see each other's."""
    from moto.dynamodb import models

    own = models.copy
    keep = lambda value: value if isinstance(value, models.Table) else own.deepcopy(value)
    models.copy = types.SimpleNamespace(deepcopy=keep)
    try:
        yield
    finally:
        models.copy = own


def row(what: str, senders: int, figure) -> list[str]:
    answer = figure.result()
    milliseconds = [f"{answer[name]:.1f} ms" for name in ("p50_ms", "p95_ms", "p99_ms")]
    return [what, f"{senders}", f"{answer['stored']:,}", f"{answer['per_second']:,.0f}/s", *milliseconds]


def held(figure, events: int):
    answer = figure.result()
    if answer["stored"] != events or answer["per_second"] < LEAST or answer["p99_ms"] > MOST_MS:
        raise Failed(f"of {events} events: {answer}")
    return figure


def run(tools) -> list[Table]:
    program = tools.program("bench-events")
    many, few = (5_000, 500) if tools.quick else (100_000, 2_000)
    rows = []
    for senders in (1, 10):
        figure = tools.measure([program, "memory", f"{many}", f"{senders}"], runs=3)
        rows.append(row("**record-event**, table in memory", senders, held(figure, many)))
    for senders in (1, 4):
        with event_table() as environment:
            figure = tools.measure([program, "dynamodb", f"{few}", f"{senders}", "events"], **environment)
            rows.append(row("**record-event**, DynamoDB by moto", senders, held(figure, few)))
        with event_table() as environment:
            # A batch has 16 events under way.
            peer = [*tools.peer("peer_events.py"), f"{few}", f"{senders * 16}", "events"]
            figure = tools.measure(peer, **environment)
            rows.append(row("boto3: the calls alone, DynamoDB by moto", senders, figure))
    columns = ["", "batches at once", "events stored", "rate", "p50", "p95", "p99"]
    note = (
        "Batches of 25; an event is sent when its batch is handed over, so it waits for those before it in the batch. Each "
        "opens or resolves an incident, so it is a read and a transaction of three puts. The promise is "
        f"{LEAST:.1f} a second, each in {MOST_MS / 1000:.0f} s."
    )
    return [Table("From an event to its place in the table", columns, rows, note)]
