"""The ceiling of `bench_events.py`: the calls alone that an event takes (one read, one transaction of three puts), by boto3
in so many threads, at the server that AWS_ENDPOINT_URL names. `peer_events.py EVENTS THREADS TABLE`."""

import concurrent.futures
import json
import sys
import time

import boto3

events, threads, table = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
BODY = json.dumps({"detail": "x" * 1_400})


def store(client, place):
    begun = time.monotonic()
    state = {"pk": {"S": f"STATE#{place % 50}"}, "sk": {"S": f"peer-{place}"}}
    client.get_item(TableName=table, Key=state, ConsistentRead=True)
    event = {"pk": {"S": f"EVENT#peer#{place % 16:x}"}, "sk": {"S": f"peer-{place}"}, "body": {"S": BODY}}
    put = lambda item: {"Put": {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}
    told = {"pk": {"S": f"OUTBOX#{place % 8}"}, "sk": {"S": f"peer-{place}"}, "entry": {"S": BODY}}
    client.transact_write_items(TransactItems=[put(event), put({**state, "history": {"S": BODY}}), put(told)])
    return (time.monotonic() - begun) * 1_000


client = boto3.client("dynamodb")
begun = time.monotonic()
with concurrent.futures.ThreadPoolExecutor(threads) as pool:
    latencies = sorted(pool.map(lambda place: store(client, place), range(events)))
seconds = time.monotonic() - begun
percentile = lambda share: latencies[int((len(latencies) - 1) * share)]
print(
    json.dumps(
        {
            "stored": len(latencies),
            "per_second": len(latencies) / seconds,
            "p50_ms": percentile(0.5),
            "p95_ms": percentile(0.95),
            "p99_ms": percentile(0.99),
        }
    )
)
