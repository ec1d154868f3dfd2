"""What must hold of the parsed templates and workflow, where no tool and no emulator looks.

Each check takes a parsed document and returns what is wrong, one sentence each. `test_checks.py` runs every check on the real
documents and, with one thing broken, shows that it can fail.
"""

import fnmatch
import json
import re

from templates import codes, many, properties, resources, role_statements, statements, text

REPORT_STEPS = ("plan-report", "collect-results", "score-compliance", "render-report", "seal-report", "notify")
EVENT_STEPS = ("record-event", "send-alerts", "sweep-outbox")
STEPS = REPORT_STEPS + EVENT_STEPS
TAGS = {"Environment", "Project", "ManagedBy", "Purpose"}
FUNCTION = "AWS::Serverless::Function"
MACHINE = "AWS::Serverless::StateMachine"

# Actions that know no resources, or are asked of services that do not.
EVERYWHERE = {
    "config:DescribeConfigRules",
    "config:DescribeConfigurationAggregators",
    "config:DescribeConformancePacks",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "organizations:DescribeOrganization",
    "organizations:ListAWSServiceAccessForOrganization",
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListDelegatedAdministrators",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListRoots",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}

# Variables of each function: the contract of the steps.
COMMON = {"PLUMBLINE_BUCKET", "PLUMBLINE_PREFIX", "PLUMBLINE_KMS_KEY_ARN", "PLUMBLINE_METRICS_NAMESPACE"}
VARIABLES = {
    "plan-report": COMMON | {"PLUMBLINE_AGGREGATOR", "PLUMBLINE_SETTINGS_KEY", "PLUMBLINE_DISTRIBUTED_ABOVE", "PLUMBLINE_TABLE"},
    "collect-results": COMMON | {"PLUMBLINE_PARTITION"},
    "score-compliance": COMMON | {"PLUMBLINE_ACCOUNT_METRICS"},
    "render-report": COMMON,
    "seal-report": COMMON | {"PLUMBLINE_RETENTION_DAYS", "PLUMBLINE_LOCK_MODE"},
    "notify": COMMON | {"PLUMBLINE_SETTINGS_KEY", "PLUMBLINE_TOPIC_ARN", "PLUMBLINE_FAILURE_TOPIC_ARN"},
    "record-event": COMMON
    | {"PLUMBLINE_TABLE", "PLUMBLINE_SETTINGS_KEY", "PLUMBLINE_DEAD_LETTERS_URL", "PLUMBLINE_ALERT_STATE_MACHINE_ARN"},
    "send-alerts": COMMON | {"PLUMBLINE_TABLE", "PLUMBLINE_SETTINGS_KEY", "PLUMBLINE_TOPIC_ARN", "PLUMBLINE_FAILURE_TOPIC_ARN"},
    "sweep-outbox": COMMON | {"PLUMBLINE_TABLE", "PLUMBLINE_SETTINGS_KEY", "PLUMBLINE_ALERT_STATE_MACHINE_ARN"},
}


def name_of(step):
    """`plan-report` as logical ids have it: PlanReport."""
    return "".join(word.capitalize() for word in step.split("-"))


def deny(policy, condition):
    """The Deny statements of a resource policy that have this condition."""
    return [
        one
        for one in statements(policy["Properties"]["PolicyDocument"])
        if one["Effect"] == "Deny" and one.get("Condition") == condition and one["Principal"] == "*"
    ]


# --- Evidence


def bucket_is_encrypted(template):
    rules = properties(template, "EvidenceBucket").get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    wanted = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Fn::GetAtt": ["EvidenceKey", "Arn"]}}
    if [rule.get("ServerSideEncryptionByDefault") for rule in rules] != [wanted]:
        yield "the evidence bucket is not encrypted with the evidence key"
    if not all(rule.get("BucketKeyEnabled") for rule in rules):
        yield "the evidence bucket has no bucket key"


def bucket_keeps_versions_and_locks(template):
    bucket = properties(template, "EvidenceBucket")
    if bucket.get("VersioningConfiguration") != {"Status": "Enabled"}:
        yield "the evidence bucket keeps no versions"
    if bucket.get("ObjectLockEnabled") is not True:
        yield "objects of the evidence bucket cannot be locked"


def bucket_is_private(template):
    bucket = properties(template, "EvidenceBucket")
    blocks = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    for block in blocks:
        if bucket.get("PublicAccessBlockConfiguration", {}).get(block) is not True:
            yield f"the evidence bucket lacks {block}"
    if bucket.get("OwnershipControls") != {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}:
        yield "the evidence bucket allows access control lists"


def bucket_forgets(template):
    rules = properties(template, "EvidenceBucket").get("LifecycleConfiguration", {}).get("Rules", [])
    if any(rule.get("Status") != "Enabled" for rule in rules):
        yield "a lifecycle rule is not enabled"
    days = {rule["Prefix"]: text(rule["ExpirationInDays"]) for rule in rules if "ExpirationInDays" in rule and "Prefix" in rule}
    wanted = {
        "reports/work/": "WorkRetentionDays",
        "reports/daily/": "DailyRetentionDays",
        "reports/weekly/": "WeeklyRetentionDays",
        "reports/snapshot/": "SnapshotRetentionDays",
        "reports/snapshots/": "HistoryRetentionDays",
        "reports/settings/": "HistoryRetentionDays",
        "deliveries/": "HistoryRetentionDays",
    }
    for prefix, parameter in wanted.items():
        if days.get(prefix) != f"${{{parameter}}}":
            yield f"{prefix} does not expire after {parameter}"
    for prefix in days.keys() - wanted.keys():
        yield f"{prefix} expires, and no retention says so"
    if not any("AbortIncompleteMultipartUpload" in rule for rule in rules):
        yield "unfinished uploads stay for ever"
    if not any("NoncurrentVersionExpiration" in rule for rule in rules):
        yield "noncurrent versions stay for ever"
    defaults = {name: template["Parameters"][name]["Default"] for name in set(wanted.values())}
    if defaults != {**dict.fromkeys(defaults, 1095), "WorkRetentionDays": 30}:
        yield f"the default retention is not 30 days for working files and 3 years for the rest: {defaults}"


def asked_for(key, allowed):
    """Another value than the allowed one; StringNotEquals alone would hold of requests without any, too."""
    return {"Null": {key: "false"}, "StringNotEquals": {key: allowed}}


def bucket_refuses_other_transport_and_encryption(template):
    policy = template["Resources"]["EvidenceBucketPolicy"]
    wanted = {
        "plain HTTP": {"Bool": {"aws:SecureTransport": "false"}},
        "TLS before 1.2": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        "another encryption": asked_for("s3:x-amz-server-side-encryption", "aws:kms"),
        "another key": asked_for("s3:x-amz-server-side-encryption-aws-kms-key-id", {"Fn::GetAtt": ["EvidenceKey", "Arn"]}),
    }
    for what, condition in wanted.items():
        found = deny(policy, condition)
        if not found:
            yield f"the evidence bucket allows {what}"
        resource = {text(arn) for one in found for arn in many(one["Resource"])}
        if found and "${EvidenceBucket.Arn}/*" not in resource:
            yield f"the denial of {what} does not cover the bucket's objects"


def evidence_is_retained_and_nothing_else(template):
    retained = {"EvidenceBucket", "EvidenceKey", "EvidenceBucketPolicy", "EventsTable"} & template["Resources"].keys()
    for name, resource in template["Resources"].items():
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            keeps = resource.get(policy, "Delete") in ("Retain", "RetainExceptOnCreate", "Snapshot")
            if keeps != (name in retained):
                yield f"{policy} of {name} {'keeps it' if keeps else 'deletes it'}"
    told = " ".join(template["Description"].split())
    if retained and "RETAINS the evidence bucket, the table of events and their key" not in told:
        yield "the description does not say what is retained"


# --- Keys, logs, topics, queues


def keys_rotate_and_log_groups_may_use_them(template):
    for name, key in resources(template, "AWS::KMS::Key").items():
        if key["Properties"].get("EnableKeyRotation") is not True:
            yield f"{name} does not rotate"
        for one in statements(key["Properties"]["KeyPolicy"]):
            if "Service" in one["Principal"] and not one.get("Condition"):
                yield f"{name} serves {text(one['Principal']['Service'])} without a condition"
            if one["Principal"] == "*" or one["Principal"].get("AWS") == "*":
                yield f"{name} serves everyone"
    groups = resources(template, "AWS::Logs::LogGroup")
    if not groups:
        return
    logs = "logs.${AWS::Region}.${AWS::URLSuffix}"
    policy = statements(properties(template, "OperationsKey")["KeyPolicy"])
    granted = [one for one in policy if text(one["Principal"].get("Service", "")) == logs]
    if [sorted(one["Action"]) for one in granted] != [
        ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    ]:
        yield "the operations key does not serve CloudWatch Logs as it needs"
        return
    context = granted[0]["Condition"].get("ArnLike", {}).get("kms:EncryptionContext:aws:logs:arn", [])
    patterns = [text(arn).split(":log-group:")[-1] for arn in many(context)]
    for name, group in groups.items():
        if not any(fnmatch.fnmatchcase(text(group["Properties"]["LogGroupName"]), pattern) for pattern in patterns):
            yield f"the operations key does not serve {name}"


def everything_has_an_encrypted_log_group(template):
    groups = resources(template, "AWS::Logs::LogGroup")
    for name, group in groups.items():
        if group["Properties"].get("RetentionInDays") != {"Ref": "LogRetentionDays"}:
            yield f"{name} does not end by LogRetentionDays"
        if group["Properties"].get("KmsKeyId") != {"Fn::GetAtt": ["OperationsKey", "Arn"]}:
            yield f"{name} is not encrypted with the operations key"
    if template["Parameters"]["LogRetentionDays"]["Default"] != 7:
        yield "logs are not kept for 7 days by default"
    for name, function in resources(template, FUNCTION).items():
        group = function["Properties"].get("LoggingConfig", {}).get("LogGroup", {}).get("Ref")
        if group not in groups:
            yield f"{name} has no log group of the template"
        elif text(groups[group]["Properties"]["LogGroupName"]) != "/aws/lambda/" + text(function["Properties"]["FunctionName"]):
            yield f"{name} logs to a group of another name"
    for name, machine in resources(template, MACHINE).items():
        logging = machine["Properties"].get("Logging", {})
        arns = [text(one["CloudWatchLogsLogGroup"]["LogGroupArn"]) for one in logging.get("Destinations", [])]
        own = f"{name.removesuffix('StateMachine')}Logs"
        if arns != [f"${{{own}.Arn}}"] or logging.get("Level") != "ERROR" or logging.get("IncludeExecutionData") is not False:
            yield f"{name} does not log errors, without data, to its group"
        elif text(groups[own]["Properties"]["LogGroupName"]) != "/aws/vendedlogs/states/" + text(machine["Properties"]["Name"]):
            yield f"{name} logs to a group of another name"
        if machine["Properties"].get("Tracing") != {"Enabled": True}:
            yield f"{name} is not traced"


def topics_and_queues_are_encrypted(template):
    kinds = {"AWS::SNS::Topic": "KmsMasterKeyId", "AWS::SQS::Queue": "KmsMasterKeyId", "AWS::Scheduler::Schedule": "KmsKeyArn"}
    for kind, key in kinds.items():
        for name, resource in resources(template, kind).items():
            if "OperationsKey" not in text(resource["Properties"].get(key, "")):
                yield f"{name} is not encrypted with the operations key"
    policies = resources(template, "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy").values()
    covered = {
        one["Ref"]
        for policy in policies
        if deny(policy, {"Bool": {"aws:SecureTransport": "false"}})
        for one in policy["Properties"].get("Topics", []) + policy["Properties"].get("Queues", [])
    }
    for name in resources(template, "AWS::SNS::Topic", "AWS::SQS::Queue"):
        if name not in covered:
            yield f"{name} may be reached without TLS"


# --- Everything


def everything_is_tagged(template, taggable):
    """`taggable` says whether a type takes tags; SAM's own types take those of the globals as well."""
    shared = set(template.get("Globals", {}).get("Function", {}).get("Tags", {}))
    for name, resource in template["Resources"].items():
        tags = resource.get("Properties", {}).get("Tags", [])
        found = set(tags) if isinstance(tags, dict) else {tag["Key"] for tag in tags}
        found |= shared if resource["Type"] == FUNCTION else set()
        if (resource["Type"].startswith("AWS::Serverless::") or taggable(resource["Type"])) and not TAGS <= found:
            yield f"{name} lacks the tags {', '.join(sorted(TAGS - found))}"


def arns_name_no_partition(template):
    for line in json.dumps(template, indent=0).splitlines():
        if "arn:aws:" in line:
            yield f"an ARN of one partition: {line}"


def arns_and_ids_are_put_out(template):
    values = {text(output["Value"]) for output in template["Outputs"].values()}
    told = ("Role", "Function", "StateMachine", "Topic", "Queue", "Bucket", "Key", "Rule", "ConfigRule", "Alarm")
    told += ("ConfigurationAggregator", "ConfigurationRecorder", "DeliveryChannel", "ScheduleGroup")
    told += ("EventBus", "Archive", "Table", "EventSourceMapping")
    internal = {"AggregatorRole", "ReportRole", "AlertRole", "ScheduleRole", "SweepScheduleRole"}  # only services assume them
    for name, resource in template["Resources"].items():
        if resource["Type"].rsplit("::")[-1] in told and name not in internal:
            if not any(f"${{{name}}}" in value or f"${{{name}." in value for value in values):
                yield f"{name} is in no output"


# --- Functions, roles


def functions_are_those_of_the_contract(template):
    shared = template["Globals"]["Function"]
    variables = set(shared["Environment"]["Variables"])
    functions = resources(template, FUNCTION)
    if set(functions) != {f"{name_of(step)}Function" for step in STEPS}:
        yield f"the functions are {sorted(functions)}"
    if (shared["Runtime"], shared["Handler"]) != ("provided.al2023", "bootstrap"):
        yield "the functions run on something else"
    if shared["Architectures"] != [{"Ref": "Architecture"}] or template["Parameters"]["Architecture"]["Default"] != "arm64":
        yield "the functions are not arm64 by default and by parameter"
    for step in STEPS:
        function = functions.get(f"{name_of(step)}Function")
        if function is None:
            continue
        own = function["Properties"].get("Environment", {}).get("Variables", {})
        if variables | set(own) != VARIABLES[step]:
            yield f"{step} has the variables {sorted(variables | set(own))}"
        if function["Properties"]["CodeUri"] != f"../../steps/{step}" or function["Metadata"]["BuildProperties"]["Binary"] != step:
            yield f"{step} is built from elsewhere"
        if function["Properties"].get("Role") != {"Fn::GetAtt": [f"{name_of(step)}Role", "Arn"]}:
            yield f"{step} has not a role of its own"
        for size in ("MemorySize", "Timeout"):
            if function["Properties"][size] != {"Fn::FindInMap": ["Functions", name_of(step), size.removesuffix("Size")]}:
                yield f"{size} of {step} is not in the mapping"


def roles_are_narrow(template):
    for name, role in resources(template, "AWS::IAM::Role").items():
        for one in role_statements(role):
            for action in many(one["Action"]):
                if "*" in action:
                    yield f"{name} may {action}"
                if any(text(arn) == "*" for arn in many(one["Resource"])) and action not in EVERYWHERE:
                    yield f"{name} may {action} everywhere"
            uses_key = any(action.startswith("kms:") for action in many(one["Action"]))
            if uses_key and name not in ("ScheduleRole", "SweepScheduleRole") and "kms:ViaService" not in json.dumps(one.get("Condition", {})):
                yield f"{name} may use a key by itself"
        for one in statements(role["Properties"]["AssumeRolePolicyDocument"]):
            principal = one["Principal"]
            if principal == "*" or "*" in json.dumps(principal):
                yield f"anyone may assume {name}"
            if "AWS" in principal and not one.get("Condition"):
                yield f"anyone of an account may assume {name}"


def inventory_is_read_only_if_named(template):
    """Nobody may assume roles in members unless the parameter names one."""
    policy = role_policy(template, "CollectResultsRole")
    behind = [one["Fn::If"] for one in policy["Statement"] if "Fn::If" in one]
    assume = {"Action": ["sts:AssumeRole"], "Resource": "arn:${AWS::Partition}:iam::*:role/${RuleInventoryRoleName}"}
    found = [
        condition
        for condition, one, otherwise in behind
        if one["Action"] == assume["Action"]
        and text(one["Resource"]) == assume["Resource"]
        and otherwise == {"Ref": "AWS::NoValue"}
    ]
    if found != ["ReadsRuleInventory"]:
        yield "collect-results may not, or may always, assume the inventory role"
    for name, role in resources(template, "AWS::IAM::Role").items():
        for one in role["Properties"].get("Policies", []):
            for statement in many(one["PolicyDocument"]["Statement"]):
                if "sts:AssumeRole" in many(statement.get("Action", [])):
                    yield f"{name} may always assume roles"


def role_policy(template, name):
    return properties(template, name)["Policies"][0]["PolicyDocument"]


def actions(template):
    """Actions and their resources by role, for the golden file."""
    found = {}
    for name, role in sorted(resources(template, "AWS::IAM::Role").items()):
        by_action = {}
        for one in role_statements(role):
            for action in many(one["Action"]):
                by_action.setdefault(action, []).extend(text(arn) for arn in many(one["Resource"]))
        found[name] = {action: sorted(set(arns)) for action, arns in sorted(by_action.items())}
        for arn in role["Properties"].get("ManagedPolicyArns", []):
            found[name][f"policy {text(arn)}"] = []
    return found


# --- Schedules, alarm


def schedules_start_every_kind(template):
    schedules = {name: one for name, one in resources(template, "AWS::Scheduler::Schedule").items() if name != "SweepSchedule"}
    kinds = sorted(one["Properties"]["Target"]["Input"] for one in schedules.values())
    if kinds != ['{"kind":"daily"}', '{"kind":"snapshot"}', '{"kind":"weekly"}']:
        yield f"the schedules start {kinds}"
    for name, schedule in schedules.items():
        it = schedule["Properties"]
        target = it["Target"]
        if it.get("ScheduleExpressionTimezone") != {"Ref": "ScheduleTimeZone"}:
            yield f"{name} has no time zone"
        if it.get("FlexibleTimeWindow", {}).get("Mode") != "FLEXIBLE":
            yield f"{name} has no flexible window"
        if it.get("State") != {"Ref": "ScheduleState"}:
            yield f"{name} cannot be switched off"
        if target.get("DeadLetterConfig") != {"Arn": {"Fn::GetAtt": ["ScheduleDeadLetters", "Arn"]}}:
            yield f"{name} loses what it could not start"
        if not {"MaximumEventAgeInSeconds", "MaximumRetryAttempts"} <= target.get("RetryPolicy", {}).keys():
            yield f"{name} does not say how often it tries"
        if target["Arn"] != {"Ref": "ReportStateMachine"} or target["RoleArn"] != {"Fn::GetAtt": ["ScheduleRole", "Arn"]}:
            yield f"{name} starts something else"
    if template["Parameters"]["SnapshotSchedule"]["Default"].split()[1] != "0/6":
        yield "snapshots are not taken every 6 hours"


def alarm_tells_missed_and_failed(template):
    alarm = properties(template, "RunsFailedAlarm")
    metrics = {one["MetricStat"]["Metric"]["MetricName"] for one in alarm["Metrics"] if "MetricStat" in one}
    wanted = {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ApproximateNumberOfMessagesVisible"}
    if metrics != wanted:
        yield f"the alarm looks at {sorted(metrics)}"
    if alarm.get("AlarmActions") != [{"Ref": "FailureTopic"}]:
        yield "the alarm does not tell the failure topic"


# --- Events

# What bus and agents take: the contract of record-event. Nobody may put events of AWS's sources, hence one of our own.
EVENTS = {
    "source": ["aws.config", "aws.ssm", "plumbline.smoke-test"],
    "detail-type": [
        "Config Rules Compliance Change",
        "Config Configuration Item Change",
        "Config Rules Re-evaluation Status",
        "EC2 Automation Execution Status-change Notification",
        "EC2 Automation Step Status-change Notification",
    ],
}
INDEXES = ("by_account", "by_rule", "by_resource", "by_type", "by_status")
PROJECTED = {
    "kind",
    "source",
    "detail_type",
    "account_id",
    "aws_region",
    "rule",
    "config_rule_name",
    "resource_type",
    "resource_id",
    "status",
    "old_status",
    "event_time",
}


def bus_takes_from_named_accounts_only(template):
    of_organization = {"StringEquals": {"aws:PrincipalOrgID": {"Ref": "OrganizationId"}}}
    who = {
        "EventBusOrganizationPolicy": ("EventsOfOrganization", "*", of_organization),
        "EventBusAccountsPolicy": ("EventsOfAccounts", {"AWS": {"Ref": "EventAccountIds"}}, {}),
    }
    sources = {"ForAllValues:StringEquals": {"events:source": EVENTS["source"]}, "Null": {"events:source": "false"}}
    policies = resources(template, "AWS::Events::EventBusPolicy")
    if policies.keys() != who.keys():
        yield f"the policies of the bus are {sorted(policies)}"
    for name, policy in policies.items():
        condition, principal, limits = who.get(name, (None, None, {}))
        statement = policy["Properties"]["Statement"]
        if policy.get("Condition") != condition:
            yield f"{name} is there unasked"
        if (statement["Effect"], statement["Principal"], statement["Action"]) != ("Allow", principal, "events:PutEvents"):
            yield f"{name} lets others do other things"
        if statement["Resource"] != {"Fn::GetAtt": ["EventBus", "Arn"]} or policy["Properties"]["EventBusName"] != {"Ref": "EventBus"}:
            yield f"{name} is of another bus"
        if statement.get("Condition") != limits | sources:
            yield f"{name} is limited by {statement.get('Condition')}"
    for name in ("OrganizationId", "EventAccountIds"):
        if template["Parameters"][name]["Default"] != "":
            yield f"{name} lets somebody in by default"


def rule_and_archive_take_the_events(template):
    rule, archive = properties(template, "EventsRule"), properties(template, "EventArchive")
    for name, taken in (("the rule", rule["EventPattern"]), ("the archive", archive["EventPattern"])):
        if taken != EVENTS:
            yield f"{name} takes {taken}"
    if rule.get("State") != "ENABLED":
        yield "the rule can be off, which buffers nothing"
    if rule.get("EventBusName") != {"Ref": "EventBus"} or archive["SourceArn"] != {"Fn::GetAtt": ["EventBus", "Arn"]}:
        yield "rule and archive are of another bus"
    if archive.get("RetentionDays") != {"Ref": "EventArchiveDays"}:
        yield "the archive keeps for ever"
    if [target["Arn"] for target in rule["Targets"]] != [{"Fn::GetAtt": ["EventsQueue", "Arn"]}]:
        yield "the rule leads elsewhere"


def nothing_is_lost_on_the_way(template):
    """Every target of a rule and of a schedule says how often it tries and where the rest goes: a queue of the template."""
    rules = [
        (name, target) for name, one in resources(template, "AWS::Events::Rule").items() for target in one["Properties"]["Targets"]
    ]
    schedules = [(name, one["Properties"]["Target"]) for name, one in resources(template, "AWS::Scheduler::Schedule").items()]
    queues = resources(template, "AWS::SQS::Queue")
    for name, target in rules + schedules:
        if not {"MaximumEventAgeInSeconds", "MaximumRetryAttempts"} <= target.get("RetryPolicy", {}).keys():
            yield f"{name} does not say how often it tries"
        queue = target.get("DeadLetterConfig", {}).get("Arn", {}).get("Fn::GetAtt", [""])[0]
        if queue not in queues:
            yield f"{name} loses what it cannot deliver"
        elif queues[queue]["Properties"].get("MessageRetentionPeriod") != 14 * 86_400:
            yield f"{queue} forgets before 14 days"
    for name, target in rules:
        tries = (86_400, 185)
        if tuple(target.get("RetryPolicy", {}).get(key) for key in ("MaximumEventAgeInSeconds", "MaximumRetryAttempts")) != tries:
            yield f"{name} gives up before a day"


def queue_outlasts_the_function(template):
    queue, dead = properties(template, "EventsQueue"), properties(template, "EventsDeadLetters")
    timeout = template["Mappings"]["Functions"]["RecordEvent"]["Timeout"]
    if queue.get("VisibilityTimeout", 30) < 6 * timeout:
        yield "an event is given out again while it is tried"
    redrive = queue.get("RedrivePolicy")
    if redrive != {"deadLetterTargetArn": {"Fn::GetAtt": ["EventsDeadLetters", "Arn"]}, "maxReceiveCount": 5}:
        yield f"what fails goes by {redrive}"
    # A message keeps the time at which it was first sent when it becomes a dead letter.
    if dead.get("MessageRetentionPeriod") != 14 * 86_400 or queue.get("MessageRetentionPeriod", 345_600) > 7 * 86_400:
        yield "dead letters are forgotten within 7 days"
    allowed = dead.get("RedriveAllowPolicy", {})
    own = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:" + text(queue["QueueName"])
    if allowed.get("redrivePermission") != "byQueue" or [text(arn) for arn in allowed.get("sourceQueueArns", [])] != [own]:
        yield "other queues may send their dead letters there"


def senders(policy):
    """Who may send to a queue, and on what condition."""
    return [
        (one["Principal"], many(one["Action"]), text(one["Resource"]), one.get("Condition"))
        for one in statements(policy["Properties"]["PolicyDocument"])
        if one["Effect"] == "Allow"
    ]


def only_the_rule_sends_to_queues(template, rule, queues):
    policies = {one["Properties"]["Queues"][0]["Ref"]: one for one in resources(template, "AWS::SQS::QueuePolicy").values()}
    of_rule = {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}},
    }
    for queue in queues:
        wanted = [({"Service": "events.amazonaws.com"}, ["sqs:SendMessage"], f"${{{queue}.Arn}}", of_rule)]
        if queue not in policies or senders(policies[queue]) != wanted:
            yield f"not the rule alone may send to {queue}"
        elif not deny(policies[queue], {"Bool": {"aws:SecureTransport": "false"}}):
            yield f"{queue} may be reached without TLS"


def only_the_rule_sends_events(template):
    yield from only_the_rule_sends_to_queues(template, "EventsRule", ("EventsQueue", "EventsDeadLetters"))


def rules_may_use_the_key_for_their_queues(template):
    policy = statements(properties(template, "OperationsKey")["KeyPolicy"])
    granted = [one for one in policy if one["Principal"].get("Service") == "events.amazonaws.com"]
    if [sorted(one["Action"]) for one in granted] != [["kms:Decrypt", "kms:GenerateDataKey"]]:
        yield "the operations key does not serve rules as they need"
        return
    arn = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:"
    wanted = [arn + text(properties(template, name)["QueueName"]) for name in ("EventsQueue", "EventsDeadLetters")]
    found = granted[0].get("Condition", {}).get("ArnEquals", {}).get("kms:EncryptionContext:aws:sqs:arn", [])
    if [text(one) for one in found] != wanted:
        yield "the operations key serves rules for other queues"


def consumer_can_be_paused(template):
    """And reports what failed event by event, and is bounded."""
    mapping = properties(template, "RecordEventMapping")
    wanted = {
        "EventSourceArn": {"Fn::GetAtt": ["EventsQueue", "Arn"]},
        "FunctionName": {"Ref": "RecordEventFunction"},
        "Enabled": {"Fn::If": ["ConsumesEvents", True, False]},
        "BatchSize": 25,
        "MaximumBatchingWindowInSeconds": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": {"Ref": "EventConcurrency"}},
        "MetricsConfig": {"Metrics": ["EventCount"]},
    }
    for name, value in wanted.items():
        if mapping.get(name) != value:
            yield f"{name} of the consumer is {mapping.get(name)}"
    if template["Conditions"]["ConsumesEvents"] != {"Fn::Equals": [{"Ref": "EventConsumerState"}, "ENABLED"]}:
        yield "the consumer follows something else than EventConsumerState"
    if template["Parameters"]["EventConsumerState"]["Default"] != "ENABLED":
        yield "the consumer is paused by default"


def table_is_that_of_the_contract(template):
    table = properties(template, "EventsTable")

    def keys(of):
        return [(one["AttributeName"], one["KeyType"]) for one in of["KeySchema"]]

    if keys(table) != [("pk", "HASH"), ("sk", "RANGE")]:
        yield f"the table's keys are {keys(table)}"
    indexes = {one["IndexName"]: one for one in table["GlobalSecondaryIndexes"]}
    if tuple(indexes) != INDEXES:
        yield f"the indexes are {sorted(indexes)}"
    for name, index in indexes.items():
        if keys(index) != [(name, "HASH"), ("sk", "RANGE")]:
            yield f"the keys of {name} are {keys(index)}"
        projection = index["Projection"]
        if projection["ProjectionType"] != "INCLUDE" or set(projection.get("NonKeyAttributes", [])) != PROJECTED:
            yield f"{name} holds other attributes"
    defined = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    if defined != dict.fromkeys(("pk", "sk", *INDEXES), "S"):
        yield "the table defines other attributes"
    if text(table["TableName"]) != "plumbline-${Environment}-events" or table.get("BillingMode") != "PAY_PER_REQUEST":
        yield "the table is not paid by request, or is named otherwise"


def table_is_encrypted_kept_and_forgets(template):
    table = properties(template, "EventsTable")
    # Retained with the key that is retained, too.
    key = {"Fn::GetAtt": ["EvidenceKey", "Arn"]}
    if table.get("SSESpecification") != {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}:
        yield "the table is not encrypted with the evidence key"
    if table.get("PointInTimeRecoverySpecification") != {"PointInTimeRecoveryEnabled": True}:
        yield "the table cannot be restored"
    if table.get("TimeToLiveSpecification") != {"AttributeName": "expires_at", "Enabled": True}:
        yield "the table forgets nothing"


# What each function may do with the table; the rest of its permissions is in the golden file.
TABLE = {
    "PlanReportRole": {"Query"},
    "RecordEventRole": {"ConditionCheckItem", "GetItem", "PutItem"},
    "SendAlertsRole": {"DeleteItem", "GetItem", "Query"},
    "SweepOutboxRole": {"Query"},
}
OUTBOX = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["OUTBOX#*"]}, "Null": {"dynamodb:LeadingKeys": "false"}}


def table_is_used_as_agreed(template):
    """Nobody but record-event writes, and nobody deletes but from the outbox."""
    found = {}
    for name, role in resources(template, "AWS::IAM::Role").items():
        for one in role_statements(role):
            used = {action.removeprefix("dynamodb:") for action in many(one["Action"]) if action.startswith("dynamodb:")}
            found.setdefault(name, set()).update(used)
            if used and one["Resource"] != {"Fn::GetAtt": ["EventsTable", "Arn"]}:
                yield f"{name} uses another table"
            if used & {"DeleteItem", "UpdateItem"} and one.get("Condition") != OUTBOX:
                yield f"{name} may delete more than what is in the outbox"
            if used and name == "SweepOutboxRole" and one.get("Condition") != OUTBOX:
                yield f"{name} may read more than the outbox"
    found = {name: used for name, used in found.items() if used}
    if found != TABLE:
        yield f"the table is used by {found}"


def outbox_is_swept(template):
    schedule = properties(template, "SweepSchedule")
    when = (schedule["ScheduleExpression"], schedule.get("State"), schedule["FlexibleTimeWindow"])
    if when != ("rate(1 minute)", "ENABLED", {"Mode": "OFF"}):
        yield "the outbox is not swept every minute"
    target = (schedule["Target"]["Arn"], schedule["Target"]["RoleArn"])
    if target != ({"Fn::GetAtt": ["SweepOutboxFunction", "Arn"]}, {"Fn::GetAtt": ["SweepScheduleRole", "Arn"]}):
        yield "the schedule starts something else"
    # The next sweep is the retry of this one; two at once would start the same.
    invocation = properties(template, "SweepOutboxInvocation")
    if (invocation["MaximumRetryAttempts"], invocation["FunctionName"]) != (0, {"Ref": "SweepOutboxFunction"}):
        yield "a sweep that failed is tried again beside the next one"


def metrics_of(alarm):
    """Metrics of an alarm with the statistic of each."""
    if "MetricName" in alarm:
        return [f"{alarm['MetricName']} {alarm.get('Statistic') or alarm.get('ExtendedStatistic')}"]
    parts = [one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one]
    return [f"{one['Metric']['MetricName']} {one['Stat']}" for one in parts]


ALARMS = {
    "EventsDeadLettersAlarm": (10, 1, {"ApproximateNumberOfMessagesVisible Maximum"}),
    "EventErrorsAlarm": (
        5,
        1,
        {"InvokedEventCount Sum", "FailedInvokeEventCount Sum", "NumberOfMessagesSent Sum", "Invocations Sum", "Errors Sum"},
    ),
    "EventsSlowAlarm": (10_000, 1, {"Duration p99"}),
    "EventsLateAlarm": (300, 2, {"ApproximateAgeOfOldestMessage Maximum"}),
    "AlertsFailedAlarm": (0, 1, {"ExecutionsFailed Sum", "ExecutionsTimedOut Sum", "ExecutionsAborted Sum"}),
    "DeliveriesFailedAlarm": (0, 1, {"DeliveryFailed Sum", "DeliveryAmbiguous Sum"}),
    "SweepsFailedAlarm": (2, 1, {"Errors Sum"}),
}


def alarms_tell_of_events(template):
    for name, (threshold, periods, metrics) in ALARMS.items():
        alarm = properties(template, name)
        bound = (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["ComparisonOperator"])
        if bound != (threshold, periods, "GreaterThanThreshold"):
            yield f"{name} tells from elsewhere on"
        if set(metrics_of(alarm)) != metrics:
            yield f"{name} looks at {sorted(metrics_of(alarm))}"
        named = {one["Id"] for one in alarm.get("Metrics", [])}
        said = " ".join(one["Expression"] for one in alarm.get("Metrics", []) if "Expression" in one)
        if [one for one in named - {"all"} if not re.search(rf"\b{one}\b", said)]:
            yield f"{name} measures what it does not use"
        spans = {one["MetricStat"]["Period"] for one in alarm.get("Metrics", []) if "MetricStat" in one}
        if spans | {alarm.get("Period", 300)} != {300}:
            yield f"{name} looks at other spans than 5 minutes"
    for name, alarm in resources(template, "AWS::CloudWatch::Alarm").items():
        if alarm["Properties"].get("AlarmActions") != [{"Ref": "FailureTopic"}]:
            yield f"{name} does not tell the failure topic"
        # No events, no runs: nothing is wrong.
        if alarm["Properties"].get("TreatMissingData") != "notBreaching":
            yield f"{name} tells of silence"


# --- Agent


def agent_forwards_to_one_bus(template):
    put = role_statements(template["Resources"]["ForwardRole"])
    if [(one["Action"], one["Resource"]) for one in put] != [(["events:PutEvents"], {"Ref": "CentralBusArn"})]:
        yield "the forwarding role may do something else than put to the central bus"
    rule = template["Resources"]["ForwardRule"]
    if rule["Properties"]["EventPattern"] != EVENTS:
        yield "the forwarding rule takes other events than the central one"
    if [(one["Arn"], one["RoleArn"]) for one in rule["Properties"]["Targets"]] != [
        ({"Ref": "CentralBusArn"}, {"Fn::GetAtt": ["ForwardRole", "Arn"]})
    ]:
        yield "the forwarding rule leads elsewhere, or without a role"
    for name in ("ForwardRole", "ForwardRule", "ForwardDeadLetters", "ForwardDeadLettersPolicy"):
        if template["Resources"][name].get("Condition") != "Forwards":
            yield f"{name} is made without a bus"


def agent_keeps_what_it_cannot_forward(template):
    if properties(template, "ForwardDeadLetters").get("SqsManagedSseEnabled") is not True:
        yield "events that were not forwarded are not encrypted"
    yield from only_the_rule_sends_to_queues(template, "ForwardRule", ("ForwardDeadLetters",))


def agent_example_rules_are_switched(template):
    wanted = {
        "DESIRED_INSTANCE_TYPE": None,
        "S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED": None,
        "DB_INSTANCE_BACKUP_ENABLED": None,
        "INCOMING_SSH_DISABLED": "Six_Hours",
    }
    rules = resources(template, "AWS::Config::ConfigRule")
    found = {
        one["Properties"]["Source"]["SourceIdentifier"]: one["Properties"].get("MaximumExecutionFrequency")
        for one in rules.values()
    }
    if found != wanted:
        yield f"the example rules are {found}"
    for name, rule in rules.items():
        condition = template["Conditions"].get(rule.get("Condition", ""), {}).get("Fn::Equals", [{"Ref": ""}])
        switch = template["Parameters"].get(condition[0]["Ref"], {})
        if switch.get("Default") != "false":
            yield f"{name} is not off by default"
        if "ConfigurationRecorder" not in rule.get("DependsOn", []):
            yield f"{name} may be made before the recorder"


def agent_recorder_is_off(template):
    if template["Parameters"]["Recorder"]["Default"] != "false":
        yield "the recorder is on by default"
    for name in ("ConfigurationRecorder", "DeliveryChannel", "RecorderRole"):
        if template["Resources"][name].get("Condition") != "Records":
            yield f"{name} is made unasked"


def agent_inventory_role_trusts_one_role(template):
    role = template["Resources"]["InventoryRole"]
    trust = statements(role["Properties"]["AssumeRolePolicyDocument"])
    pattern = "arn:${AWS::Partition}:iam::${CentralAccountId}:${CentralRolePattern}"
    found = [text(one.get("Condition", {}).get("ArnLike", {}).get("aws:PrincipalArn", "")) for one in trust]
    if found != [pattern]:
        yield "the inventory role trusts more than the central role"
    allowed = {action for one in role_statements(role) for action in one["Action"]}
    if allowed != {"config:DescribeConfigRules", "config:DescribeConformancePacks"}:
        yield "the inventory role may do something else"
    if role.get("Condition") != "MakesInventoryRole":
        yield "the inventory role is made in every region"


# --- Workflow


def states_of(machine):
    """Every state by name, those within maps included."""
    found = {}
    for name, state in machine["States"].items():
        if name in found:
            raise AssertionError(f"two states are named {name}")
        found[name] = state
        if "ItemProcessor" in state:
            found |= states_of(state["ItemProcessor"])
    return found


def is_shard(name):
    return name.startswith("Collect") and name.endswith("Shard")


def retryable():
    every = codes()
    return {code for part in ("throttled", "unavailable", "crashed") for who in ("ours", "aws") for code in every[who].get(part, [])}


def tasks_time_out_and_retry(machine):
    for name, state in states_of(machine).items():
        if state["Type"] != "Task":
            continue
        if not isinstance(state.get("TimeoutSeconds"), int):
            yield f"{name} has no timeout"
        named = [code for one in state.get("Retry", []) for code in one["ErrorEquals"]]
        # The notice is tried again whatever ails the topic; its codes are AWS's own.
        wanted = {"States.TaskFailed", "States.Timeout"} if name == "NotifyFailure" else retryable()
        if set(named) != wanted or len(named) != len(set(named)):
            yield f"{name} tries again on {sorted(set(named) ^ wanted)} by mistake"
        for one in state.get("Retry", []):
            if not {"IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds"} <= one.keys():
                yield f"{name} tries again without a limit"
            if one.get("JitterStrategy") != "FULL":
                yield f"{name} tries again without jitter"


def failures_end_in_one_state(machine):
    """Every task and map is caught by NotifyFailure, which ends in Failed. The shards are the exception: see `shards_fail_alone`."""
    for name, state in states_of(machine).items():
        if state["Type"] == "Fail":
            yield f"{name} is a Fail state, which no redrive gets beyond"
        if state["Type"] not in ("Task", "Map", "Parallel") or is_shard(name):
            continue
        caught = [(one["ErrorEquals"], one["Next"]) for one in state.get("Catch", [])]
        if caught != [(["States.ALL"], "Failed" if name == "NotifyFailure" else "NotifyFailure")]:
            yield f"{name} does not fail into the failure state"
        failure = state.get("Catch", [{}])[0].get("Assign", {}).get("failure", {})
        if name != "NotifyFailure" and failure.keys() != {"state", "error", "cause", "redrives"}:
            yield f"{name} does not tell what failed"
    if machine["States"]["NotifyFailure"].get("Next") != "Failed":
        yield "NotifyFailure does not end the run"


def shards_fail_alone(machine):
    """A shard that fails is missing coverage, and what would fail every shard is handed out."""
    processors = []
    for name in ("CollectInline", "CollectDistributed"):
        state = machine["States"][name]
        processor = state["ItemProcessor"]
        shard, end = f"{name}Shard", f"{name}ShardEnded"
        if list(processor["States"]) != [shard, end] or processor["States"][end] != {"Type": "Succeed"}:
            yield f"{name} has other states"
            continue
        task = processor["States"][shard]
        caught = [(one["ErrorEquals"], one["Output"], one["Next"]) for one in task["Catch"]]
        hopeless = {"hopeless": "{% $states.errorOutput.Error %}"}
        if caught != [(codes()["ours"]["hopeless"], hopeless, end), (["States.ALL"], {}, end)]:
            yield f"{name} does not tell hopeless failures from others"
        if task["Output"] != {} or state["Output"] != {}:
            yield f"{name} hands out more than a sign"
        processors.append(json.dumps(processor["States"]).replace(name, "Collect"))
    if len(set(processors)) != 1:
        yield "the two maps do different things"
    distributed = machine["States"]["CollectDistributed"]
    if distributed.get("ToleratedFailurePercentage") != 100:
        yield "a shard that ends by itself fails the run"
    if distributed["ItemProcessor"]["ProcessorConfig"] != {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}:
        yield "the distributed map is none, or its executions end after 5 minutes"


def codes_are_known(machine):
    every = codes()
    known = {code for who in ("ours", "aws") for part, list_ in every[who].items() if part != "open_families" for code in list_}
    known |= {"States.ALL", "States.TaskFailed"}
    for name, state in states_of(machine).items():
        for one in state.get("Retry", []) + state.get("Catch", []):
            for code in set(one["ErrorEquals"]) - known:
                yield f"{name} names the unknown code {code}"


def nexts(state):
    found = [state[key] for key in ("Next", "Default") if key in state]
    found += [one["Next"] for key in ("Choices", "Catch") for one in state.get(key, [])]
    return found


def states_are_reached(machine):
    seen, open_ = set(), [machine["StartAt"]]
    while open_:
        name = open_.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in machine["States"]:
            yield f"{name} is no state"
            continue
        # What only a redrive enters is not reached.
        open_ += nexts(machine["States"][name]) if name != "Failed" else []
    for name in machine["States"].keys() - seen:
        yield f"{name} is never reached"
    for state in machine["States"].values():
        if "ItemProcessor" in state:
            yield from states_are_reached(state["ItemProcessor"])


def a_redrive_goes_on_everywhere(machine):
    """Whatever state says that it failed, Failed leads back to it; and to Collect for its maps."""
    rules = machine["States"]["Failed"]["Choices"]
    for name, state in machine["States"].items():
        if state["Type"] not in ("Task", "Map") or name == "NotifyFailure":
            continue
        back = "Collect" if state["Type"] == "Map" else name
        if not any(f"'{name}'" in rule["Condition"] and rule["Next"] == back for rule in rules):
            yield f"a redrive does not go on from {name}"
    if "Default" in machine["States"]["Failed"] or "$error(" not in rules[-1]["Condition"]:
        yield "Failed does not fail"


PAYLOADS = {
    "PlanReport": ["execution", "request"],
    "ScoreCompliance": ["as_of", "events", "execution", "kind", "plan", "settings", "snapshot"],
    "RenderReport": ["execution", "inputs", "kind", "lists", "run_id", "scorecard", "settings"],
    "SealReport": ["execution", "files", "inputs", "plan", "run_id"],
    "Notify": ["execution", "folder", "kind", "lists", "manifest", "run_id"],
}
SHARD = ["execution", "map_concurrency", "plan", "settings", "shard"]


def payloads_are_those_of_the_contract(machine):
    for name, fields in PAYLOADS.items():
        found = sorted(machine["States"][name]["Arguments"]["Payload"])
        if found != fields:
            yield f"{name} is given {found}"
    for name in ("CollectInline", "CollectDistributed"):
        found = sorted(machine["States"][name]["ItemSelector"])
        if found != SHARD:
            yield f"a shard of {name} is given {found}"
    for name, state in machine["States"].items():
        if name != "Done" and "$states.input" in json.dumps({key: state[key] for key in state if key != "ItemProcessor"}):
            yield f"{name} reads its input, which a redrive changes"
    if sorted(machine["States"]["Done"]["Output"]) != ["as_of", "folder", "kind", "manifest", "run_id"]:
        yield "the run hands out something else"


# --- Workflow of alerts


def alerts_wait_for_their_window(machine):
    """What an execution works on comes from the context, into variables: a redrive may enter any state."""
    wait = machine["States"][machine["StartAt"]]
    wanted = {name: f"{{% $states.context.Execution.Input.{name} %}}" for name in ("closes", "route", "window")}
    if (wait["Type"], wait.get("Timestamp"), wait["Next"]) != ("Wait", wanted.pop("closes"), "SendAlerts"):
        yield "alerts are sent before their window closes"
    if wait.get("Assign") != wanted:
        yield f"an execution works on {wait.get('Assign')}"
    if "$states.input" in json.dumps(machine):
        yield "a state reads its input, which a redrive changes"


def alerts_are_given_what_the_contract_says(machine):
    payload = machine["States"]["SendAlerts"]["Arguments"]["Payload"]
    if {name: payload.get(name) for name in ("route", "window")} != {"route": "{% $route %}", "window": "{% $window %}"}:
        yield "send-alerts is given another route or window"
    if sorted(payload) != ["execution", "route", "window"] or sorted(payload["execution"]) != ["arn", "name", "started_at"]:
        yield f"send-alerts is given {sorted(payload)}"
    if sorted(machine["States"]["Done"]["Output"]) != ["answer", "route", "window"]:
        yield "the execution hands out something else"


def waited(retry, deviations=3):
    """Seconds that a Retry waits in all, with full jitter: all but one of a thousand times it is more."""
    growing = (retry["IntervalSeconds"] * retry["BackoffRate"] ** attempt for attempt in range(retry["MaxAttempts"]))
    delays = [min(delay, retry["MaxDelaySeconds"]) for delay in growing]
    return sum(delays) / 2 - deviations * (sum(delay**2 for delay in delays) / 12) ** 0.5


def alerts_outlast_an_outage(machine):
    """Slack may be down for 15 minutes. A reply waits for its head longer than that waits for Slack."""
    by_code = {code: one for one in machine["States"]["SendAlerts"]["Retry"] for code in one["ErrorEquals"]}
    for code in ("Slack.Unavailable", "Slack.RateLimited", "Events.Throttled", "Secrets.Unavailable"):
        if waited(by_code[code]) < 15 * 60:
            yield f"alerts give up on {code} within 15 minutes"
        if by_code[code]["MaxDelaySeconds"] > 60:
            yield f"alerts sleep on when {code} is over"
    longest = max(waited(one, -3) for code, one in by_code.items() if code != "Alerts.HeadPending")
    if waited(by_code["Alerts.HeadPending"]) < longest:
        yield "a reply gives up before its head"
    each = machine["States"]["SendAlerts"]["TimeoutSeconds"]
    if machine["TimeoutSeconds"] < max(one["MaxAttempts"] * (one["MaxDelaySeconds"] + each) for one in by_code.values()):
        yield "the execution times out, which no state can tell of, before its retries are used up"
