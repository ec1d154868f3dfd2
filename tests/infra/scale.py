"""Computes the tables of docs/scale.md and docs/cost.md; `python tests/infra/scale.py` writes them into the documents.

Every number is a formula over the assumptions below. What is measured says where; everything else is an estimate and
is called one in the documents.
"""

import json
import re
import sys
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZES = (50, 500, 5_000)

# --- The organization

REGIONS = 4
RULES = 100  # with results, in each account and region
RESOURCES = 50  # with results, in each account and region
RESULTS = 500  # in each account and region: 10 million over 5,000 accounts
NONCOMPLIANT_RULES = 0.225  # of the rules of an account and region; the share behind the example of docs/call-plan.md
NONCOMPLIANT_RESULTS = 1 / 12  # as the data of docs/performance.md
CHANGED = 0.05  # of the noncompliant rules, since a snapshot 6 hours ago: their annotations are read anew
ACCOUNTS_PER_UNIT = 50

# --- The workflow: what a test compares with the templates

ACCOUNTS_PER_SHARD = 25
INLINE_SHARDS = 40
LAMBDA_SECONDS = 900
SHARE_OF_LAMBDA = 0.8  # a shard is planned for so much of a function's time
MEMORY_MB = {
    "plan-report": 512,
    "collect-results": 512,
    "score-compliance": 3_008,
    "render-report": 2_048,
    "seal-report": 512,
    "notify": 1_024,
}
PATH = [
    "PlanReport",
    "Collect",
    "{map}",
    "Collected",
    "ScoreCompliance",
    "RenderReport",
    "SealReport",
    "Deliver",
    "Notify",
    "Done",
]
SHARD_PATH = ["{map}Shard", "{map}ShardEnded"]
EVENT_MEMORY_MB = {"record-event": 512, "send-alerts": 512, "sweep-outbox": 256}
ALERT_PATH = ["WaitUntilClosed", "SendAlerts", "Done"]
INDEXES = 5
ALARM_METRICS = 22  # of all alarms, each paid by the metrics it looks at
RETRIES = 5 + 5 + 2  # of one task, when every one is used up
PAYLOAD_LIMIT = 262_144
HISTORY_LIMIT = 25_000

# --- Events: estimates until measured

EVENTS_A_DAY = 100  # of one account: 450,000 in 90 days of 50 accounts
COMPLIANCE_CHANGES = 0.10  # of the events; the others are changes of configuration, and remediation
ALERTS = 0.01  # of the events, each an outbox entry
ALERTS_A_WINDOW = 2  # told by one execution
EVENTS_A_BATCH = 5  # of the 25 that fit: a consumer that keeps up seldom finds more
EVENT_KB = 2  # the item, its body deflated if it is longer
INDEXED_KB = 0.6  # what an index holds of it
ENVELOPE_KB = 4  # the event as it is archived
HISTORY_DAYS = 400
ARCHIVE_DAYS = 30
OWN_METRICS = 20  # kinds, codes, routes, and the counts of the event source mapping
MINUTES = 365 / 12 * 24 * 60  # of a month

# --- List prices of us-east-1 in US dollars, November 2026

PRICES = {
    "Lambda, GB-second on arm64": 0.0000133334,
    "Lambda, request": 0.20 / 1e6,
    "Step Functions, transition (Standard)": 25 / 1e6,
    "S3, PUT or LIST": 5 / 1e6,
    "S3, GET": 0.4 / 1e6,
    "S3, GB-month": 0.023,
    "KMS, request": 3 / 1e6,
    "KMS, key-month": 1.0,
    "CloudWatch Logs, GB in": 0.50,
    "CloudWatch, metric-month": 0.30,
    "CloudWatch, metric of an alarm, month": 0.10,
    "DynamoDB, write unit (on demand)": 0.625 / 1e6,
    "DynamoDB, read unit (on demand)": 0.125 / 1e6,
    "DynamoDB, GB-month": 0.25,
    "DynamoDB, point-in-time recovery, GB-month": 0.20,
    "EventBridge, event to another account": 1.0 / 1e6,
    "EventBridge, GB archived": 0.10,
    "EventBridge, GB-month of an archive": 0.023,
    "SQS, request": 0.40 / 1e6,
}
MONTHS_KEPT = 36
RUNS_PER_MONTH = {"daily": 365 / 12, "weekly": 52 / 12, "snapshot": 4 * 365 / 12}


@dataclass(frozen=True)
class Organization:
    """A number of accounts, and what follows from it by docs/call-plan.md."""

    accounts: int
    regions: int = REGIONS

    @property
    def scopes(self):
        return self.accounts * self.regions

    @property
    def results(self):
        return self.scopes * RESULTS

    @property
    def noncompliant(self):
        return round(self.results * NONCOMPLIANT_RESULTS)

    def shards(self, accounts_per_shard=ACCOUNTS_PER_SHARD):
        return ceil(self.accounts / accounts_per_shard)

    @property
    def mode(self):
        return "Inline" if self.shards() <= INLINE_SHARDS else "Distributed"

    def plan_calls(self):
        """Terms 1 and 2, the look, and AWS Organizations."""
        listings = ceil(self.scopes / 100) + ceil(self.scopes * RULES / 1_000) + 1
        units = ceil(self.accounts / ACCOUNTS_PER_UNIT)
        return listings + 2 * units + ceil(self.accounts / 20)

    def collect_calls(self, way):
        """Terms 3 and 4 over all shards: `first`, `next` (annotations reused) or `details` (no ResourceCompliance)."""
        triples = self.scopes * RULES
        if way == "details":
            return triples
        in_a_shard = min(self.accounts, ACCOUNTS_PER_SHARD) * self.regions * RESOURCES
        queries = self.shards() * ceil(in_a_shard / 100)
        noncompliant = round(triples * NONCOMPLIANT_RULES)
        return queries + (noncompliant if way == "first" else round(noncompliant * CHANGED))

    def calls(self, way):
        return self.plan_calls() + self.collect_calls(way)

    def transitions(self):
        return len(PATH) + len(SHARD_PATH) * self.shards()

    def history(self, retries=0):
        """Events of the execution that a user sees; a child execution of a distributed map has its own."""
        tasks, maps = 5, 1
        plain = len(PATH) - tasks - maps
        inline = self.mode == "Inline"
        events = 2 + 5 * tasks + (4 if inline else 6) * maps + 2 * plain + 3 * retries * tasks
        shard = 2 + 5 + 2 + 3 * retries
        return events + (self.shards() * shard if inline else 0)


def reference(number):
    """A shard's reference, as plan-report writes it."""
    sha256 = "0" * 64
    return {"key": f"work/20261121T070000Z-{sha256[:12]}/shards/{number:04}-{sha256[:12]}.json", "sha256": sha256}


def size(value):
    return len(json.dumps(value, separators=(",", ":")))


def payload_of_plan(org):
    """The greatest payload of a run: what plan-report answers."""
    execution = "arn:aws:states:eu-central-1:111122223333:execution:plumbline-production-report:" + "0" * 80
    inline = org.mode == "Inline"
    return size(
        {
            "kind": "snapshot",
            "as_of": "2026-11-21T07:00:00Z",
            "collect": True,
            "plan": reference(0),
            "settings": reference(0),
            "snapshot": None,
            "shards": [reference(number) for number in range(org.shards())] if inline else [],
            "shard_list": None if inline else reference(0),
            "shard_count": org.shards(),
            "map_mode": org.mode.lower(),
            "map_concurrency": 4,
            "execution": {"arn": execution, "name": "0" * 80, "started_at": "2026-11-21T07:00:00.000Z"},
        }
    )


def payload_of_map(org):
    """What a map hands out when every shard is hopeless, with the longest code."""
    return size([{"hopeless": "Organizations.Credentials"}] * org.shards())


def accounts_in_a_shard(rate, concurrency, way):
    """The most accounts that one function collects in its time, at its part of the rate."""
    calls = SHARE_OF_LAMBDA * LAMBDA_SECONDS * rate / concurrency
    org = Organization(ACCOUNTS_PER_SHARD)
    return floor(calls * ACCOUNTS_PER_SHARD / org.collect_calls(way))


# --- Durations of the steps, in seconds: estimates until measured


def seconds(org, way, rate):
    per_cpu = 1_769  # MB for which Lambda gives one processor
    render_cpu = 2 + org.noncompliant * 40.6 / 100_000  # docs/performance.md: 100,000 rows
    return {
        "plan-report": 2 + org.plan_calls() / rate,
        "collect-results": 2 * org.shards() + org.collect_calls(way) / rate,
        "score-compliance": 3 + org.results * 28.9 / 10e6,  # docs/performance.md: two snapshots of 10 million
        "render-report": render_cpu * per_cpu / MEMORY_MB["render-report"],
        "seal-report": 3 + bundle_bytes(org) / 50e6,
        "notify": 30,
    }


def snapshot_bytes(org):
    """docs/performance.md: 8.27 bytes a result, and annotations three times that."""
    return org.results * 8.27 * 4


def bundle_bytes(org):
    """A copy of the snapshot, the PDF (94 MB for 100,000 rows), and the lists at some 300 bytes a row, twice."""
    return snapshot_bytes(org) + org.noncompliant * (940 + 600)


def objects(org):
    """Objects written by a run: work, snapshot, bundle (PDF volumes of some 1,160 rows), delivery."""
    work = 4 + 2 * org.shards()
    snapshot = 2 * org.shards() + 3
    bundle = snapshot + 20 + ceil(org.noncompliant / 1_160)
    return work + snapshot + bundle + 1


def gb_seconds(org, way, rate):
    return {step: MEMORY_MB[step] / 1_024 * time for step, time in seconds(org, way, rate).items()}


def cost(org, way, rate, kind="daily"):
    """US dollars of one run by service. A snapshot run renders no documents and notifies nobody."""
    whole = kind != "snapshot"
    used = gb_seconds(org, way, rate)
    if not whole:
        used["render-report"] = MEMORY_MB["render-report"] / 1_024 * 2
        used["notify"] = 0
    invocations = org.shards() + (5 if whole else 4)
    puts = objects(org) if whole else objects(org) - ceil(org.noncompliant / 1_160) - 16
    gets = 3 * puts + 14 * org.shards()  # each object read back by the next step, and a week of history
    gb = (snapshot_bytes(org) + (bundle_bytes(org) if whole else snapshot_bytes(org))) / 1e9
    return {
        "Lambda": sum(used.values()) * PRICES["Lambda, GB-second on arm64"] + invocations * PRICES["Lambda, request"],
        "Step Functions": org.transitions() * PRICES["Step Functions, transition (Standard)"],
        "S3 requests": puts * PRICES["S3, PUT or LIST"] + gets * PRICES["S3, GET"],
        "S3, kept one month": gb * PRICES["S3, GB-month"],
        "KMS": (puts + gets) / 100 * PRICES["KMS, request"],  # a bucket key asks KMS for a few of its objects only
        "Logs": invocations * 5e-6 * PRICES["CloudWatch Logs, GB in"],
    }


def write_units(part_of_events):
    """Of one event: a transaction writes double, index entries follow singly. Sizes round up to a KB."""
    event = 2 * ceil(EVENT_KB) + INDEXES * ceil(INDEXED_KB)
    state, outbox, told = 2 * 1, 2 * 1, 1
    return event + part_of_events["state"] * state + part_of_events["outbox"] * (outbox + told)


def events_month(org):
    """US dollars of a month's events by service."""
    events = org.accounts * EVENTS_A_DAY * 365 / 12
    batches, alerts = events / EVENTS_A_BATCH, events * ALERTS / ALERTS_A_WINDOW
    writes = events * write_units({"state": COMPLIANCE_CHANGES, "outbox": ALERTS})
    # The state of a pair, what an alert reads, and 8 shards of the outbox each minute, half a unit each where nothing stands.
    reads = events * COMPLIANCE_CHANGES + alerts * 10 + MINUTES * 8 * 0.5
    kept = org.accounts * EVENTS_A_DAY * HISTORY_DAYS * (EVENT_KB + INDEXES * (INDEXED_KB + 0.1)) / 1e6
    archived = events * ENVELOPE_KB / 1e6
    # Seconds: a batch 0.1 and 0.05 for each event, an alert 2, a sweep 0.1.
    seconds = {"record-event": batches * (0.1 + 0.05 * EVENTS_A_BATCH), "send-alerts": alerts * 2, "sweep-outbox": MINUTES * 0.1}
    invocations = batches + alerts + MINUTES
    used = sum(EVENT_MEMORY_MB[step] / 1_024 * time for step, time in seconds.items())
    return {
        "EventBridge, paid where it happened": events * PRICES["EventBridge, event to another account"],
        "archive": archived * PRICES["EventBridge, GB archived"]
        + archived * 12 / 365 * ARCHIVE_DAYS * PRICES["EventBridge, GB-month of an archive"],
        # Sent one by one, received and deleted by batch, and 5 pollers that ask every 20 s.
        "SQS": (events + 2 * batches + MINUTES * 15) * PRICES["SQS, request"],
        "Lambda": used * PRICES["Lambda, GB-second on arm64"] + invocations * PRICES["Lambda, request"],
        "DynamoDB, writes": writes * PRICES["DynamoDB, write unit (on demand)"],
        "DynamoDB, reads": reads * PRICES["DynamoDB, read unit (on demand)"],
        f"DynamoDB, {HISTORY_DAYS} days, once there are as many": kept
        * (PRICES["DynamoDB, GB-month"] + PRICES["DynamoDB, point-in-time recovery, GB-month"]),
        "Step Functions": alerts * len(ALERT_PATH) * PRICES["Step Functions, transition (Standard)"],
        "KMS": 30_000 * 2 * PRICES["KMS, request"],  # data keys of two queues, anew every 5 minutes
        "Logs": (events * 0.5e-6 + invocations * 1e-6) * PRICES["CloudWatch Logs, GB in"],
        "metrics and alarms": OWN_METRICS * PRICES["CloudWatch, metric-month"]
        + ALARM_METRICS * PRICES["CloudWatch, metric of an alarm, month"],
    }


# --- Tables


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def duration(value):
    if value < 90:
        return f"{value:.0f} s"
    if value < 90 * 60:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.1f} h"


def dollars(value):
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"


def each(function):
    return [function(Organization(accounts)) for accounts in SIZES]


def accounts_head(first):
    return [first, *[f"{accounts:,} accounts" for accounts in SIZES]]


def calls_table():
    rows = [
        ["results", *each(lambda org: f"{org.results:,}")],
        ["of them noncompliant", *each(lambda org: f"{org.noncompliant:,}")],
        ["calls to plan", *each(lambda org: f"{org.plan_calls():,}")],
        ["calls, first run", *each(lambda org: f"{org.calls('first'):,}")],
        ["calls, next run (annotations reused)", *each(lambda org: f"{org.calls('next'):,}")],
        ["calls without ResourceCompliance", *each(lambda org: f"{org.calls('details'):,}")],
    ]
    return table(accounts_head(""), rows)


def wall_table():
    names = {"first": "first run", "next": "next run", "details": "without ResourceCompliance"}
    rows = []
    for rate in (5, 10, 20):
        for way, name in names.items():
            rows.append([f"{rate}/s", name, *each(lambda org, w=way, r=rate: duration(org.calls(w) / r))])
    return table(["rate", *accounts_head("run")], rows)


def workflow_table():
    rows = [
        ["shards of 25 accounts", *each(lambda org: f"{org.shards():,}")],
        ["map", *each(lambda org: org.mode.lower())],
        ["child executions", *each(lambda org: f"{org.shards() if org.mode == 'Distributed' else 0:,}")],
        ["state transitions", *each(lambda org: f"{org.transitions():,}")],
        ["history events of the execution", *each(lambda org: f"{org.history():,}")],
        ["the same with every retry used up", *each(lambda org: f"{org.history(RETRIES):,}")],
        ["greatest payload (of 262,144 bytes)", *each(lambda org: f"{payload_of_plan(org):,}")],
        ["payload of the map, every shard hopeless", *each(lambda org: f"{payload_of_map(org):,}")],
    ]
    return table(accounts_head(""), rows)


def limits_table():
    inline = Organization(INLINE_SHARDS * ACCOUNTS_PER_SHARD)
    most = floor(PAYLOAD_LIMIT / (payload_of_map(Organization(25_000)) / 1_000))
    rows = [
        [f"inline map of {INLINE_SHARDS} shards, payload", f"{payload_of_plan(inline):,} of {PAYLOAD_LIMIT:,} bytes"],
        [f"inline map of {INLINE_SHARDS} shards, history with every retry", f"{inline.history(RETRIES):,} of {HISTORY_LIMIT:,} events"],
        ["distributed map, every shard hopeless", f"{most:,} shards before its payload is full"],
        ["plan-report, 80 % of its 900 s, at 5/s, 4 regions", f"{most_accounts(5, 4):,} accounts"],
        ["plan-report, 80 % of its 900 s, at 20/s, 4 regions", f"{most_accounts(20, 4):,} accounts"],
        ["plan-report, 80 % of its 900 s, at 20/s, 17 regions", f"{most_accounts(20, 17):,} accounts"],
    ]
    return table(["limit", "reached at"], rows)


def most_accounts(rate, regions):
    """Accounts, by hundreds, that plan-report can plan within its time."""
    accounts = 100
    while Organization(accounts + 100, regions).plan_calls() / rate <= SHARE_OF_LAMBDA * LAMBDA_SECONDS:
        accounts += 100
    return accounts


def shards_table():
    rows = []
    for rate in (5, 20):
        for concurrency in (1, 4, 40):
            fits = [f"{accounts_in_a_shard(rate, concurrency, way):,}" for way in ("first", "next", "details")]
            rows.append([f"{rate}/s", str(concurrency), *fits])
    return table(["rate", "shards at once", "first run", "next run", "without ResourceCompliance"], rows)


def prices_table():
    return table(["what", "price"], [[name, f"${price:.10f}".rstrip("0").rstrip(".")] for name, price in PRICES.items()])


def seconds_table():
    rows = []
    for step, memory in MEMORY_MB.items():
        rows.append([step, f"{memory:,} MB", *each(lambda org, s=step: duration(seconds(org, "next", 5)[s]))])
    return table(["step", *accounts_head("memory")], rows)


def cost_table(way):
    services = cost(Organization(50), way, 5)
    rows = [[name, *each(lambda org, n=name: dollars(cost(org, way, 5)[n]))] for name in services]
    rows.append(["**all**", *each(lambda org: f"**{dollars(sum(cost(org, way, 5).values()))}**")])
    return table(accounts_head(""), rows)


def month_table():
    def runs(org):
        return sum(count * sum(cost(org, "next", 5, kind).values()) for kind, count in RUNS_PER_MONTH.items())

    def kept(org):
        month = sum(count * cost(org, "next", 5, kind)["S3, kept one month"] for kind, count in RUNS_PER_MONTH.items())
        return (MONTHS_KEPT - 1) * month

    fixed = [
        ["runs: daily, weekly, and a snapshot every 6 hours", runs],
        ["evidence of the 35 months before, once there are as many", kept],
        ["two keys", lambda org: 2 * PRICES["KMS, key-month"]],
        ["ComplianceScore as a metric of each account", lambda org: org.accounts * PRICES["CloudWatch, metric-month"]],
    ]
    rows = [[name, *each(lambda org, f=of: dollars(f(org)))] for name, of in fixed]
    rows.append(["**all**", *each(lambda org: f"**{dollars(sum(of(org) for _, of in fixed))}**")])
    return table(accounts_head(""), rows)


def events_table():
    services = events_month(Organization(50))
    rows = [["events", *each(lambda org: f"{org.accounts * EVENTS_A_DAY * 365 / 12:,.0f}")]]
    rows += [[name, *each(lambda org, n=name: dollars(events_month(org)[n]))] for name in services]
    rows.append(["**all**", *each(lambda org: f"**{dollars(sum(events_month(org).values()))}**")])
    return table(accounts_head(""), rows)


def tables():
    """The text of every marked table, by document."""
    return {
        "docs/scale.md": {
            "calls": calls_table(),
            "wall": wall_table(),
            "workflow": workflow_table(),
            "limits": limits_table(),
            "shards": shards_table(),
        },
        "docs/cost.md": {
            "first": cost_table("first"),
            "next": cost_table("next"),
            "month": month_table(),
            "events": events_table(),
            "seconds": seconds_table(),
            "prices": prices_table(),
        },
    }


def filled(text, name, made):
    """`text` with the table between the marks of `name` replaced."""
    marks = re.compile(rf"(<!-- table:{name} -->\n\n).*?(\n\n<!-- /table:{name} -->)", re.DOTALL)
    found, count = marks.subn(lambda marks: marks[1] + made + marks[2], text)
    if count != 1:
        raise SystemExit(f"the marks of table {name} are there {count} times, not once")
    return found


def main():
    for path, made in tables().items():
        document = ROOT / path
        text = document.read_text()
        for name, markdown in made.items():
            text = filled(text, name, markdown)
        document.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
