"""Every check on the real documents, and with one thing broken at a time: each must be found."""

import functools
import json
import os
import re
from pathlib import Path

import checks
import pytest
import templates
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

GOLDEN = Path(__file__).parent / "golden/actions.json"


@functools.cache
def taggable(kind):
    """Whether CloudFormation takes tags for a type of resource, by the service's own schema."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    tagging = schema.get("tagging", {})
    return tagging.get("taggable", True) and "Tags" in schema["properties"]


def tagged(template):
    return checks.everything_is_tagged(template, taggable)


DOCUMENTS = {
    "master": lambda: templates.load(templates.MASTER),
    "agent": lambda: templates.load(templates.AGENT),
    "workflow": templates.workflow,
    "alert": lambda: templates.workflow("alert"),
}

BOTH = [
    tagged,
    checks.arns_name_no_partition,
    checks.arns_and_ids_are_put_out,
    checks.roles_are_narrow,
    checks.evidence_is_retained_and_nothing_else,
    checks.nothing_is_lost_on_the_way,
]
EVERY_WORKFLOW = [
    checks.tasks_time_out_and_retry,
    checks.failures_end_in_one_state,
    checks.codes_are_known,
    checks.states_are_reached,
    checks.a_redrive_goes_on_everywhere,
]
HOLD = {
    "master": [
        *BOTH,
        checks.bucket_is_encrypted,
        checks.bucket_keeps_versions_and_locks,
        checks.bucket_is_private,
        checks.bucket_forgets,
        checks.bucket_refuses_other_transport_and_encryption,
        checks.keys_rotate_and_log_groups_may_use_them,
        checks.everything_has_an_encrypted_log_group,
        checks.topics_and_queues_are_encrypted,
        checks.functions_are_those_of_the_contract,
        checks.inventory_is_read_only_if_named,
        checks.schedules_start_every_kind,
        checks.alarm_tells_missed_and_failed,
        checks.bus_takes_from_named_accounts_only,
        checks.rule_and_archive_take_the_events,
        checks.queue_outlasts_the_function,
        checks.only_the_rule_sends_events,
        checks.rules_may_use_the_key_for_their_queues,
        checks.consumer_can_be_paused,
        checks.table_is_that_of_the_contract,
        checks.table_is_encrypted_kept_and_forgets,
        checks.table_is_used_as_agreed,
        checks.outbox_is_swept,
        checks.alarms_tell_of_events,
    ],
    "agent": [
        *BOTH,
        checks.agent_forwards_to_one_bus,
        checks.agent_keeps_what_it_cannot_forward,
        checks.agent_example_rules_are_switched,
        checks.agent_recorder_is_off,
        checks.agent_inventory_role_trusts_one_role,
    ],
    "workflow": [
        *EVERY_WORKFLOW,
        checks.shards_fail_alone,
        checks.payloads_are_those_of_the_contract,
    ],
    "alert": [
        *EVERY_WORKFLOW,
        checks.alerts_wait_for_their_window,
        checks.alerts_are_given_what_the_contract_says,
        checks.alerts_outlast_an_outage,
    ],
}


@pytest.mark.parametrize(
    ("document", "check"),
    [(document, check) for document, all_ in HOLD.items() for check in all_],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_holds(document, check):
    assert list(check(DOCUMENTS[document]())) == []


# --- What is broken: where, by which path, to what. REMOVED takes the property away.

REMOVED = object()
BUCKET = "Resources/EvidenceBucket/Properties"
POLICY = "Resources/EvidenceBucketPolicy/Properties/PolicyDocument/Statement"
KEY = "Resources/OperationsKey/Properties"
TO_QUEUE = "Resources/EventsQueuePolicy/Properties/PolicyDocument/Statement"
TO_DEAD = "Resources/EventsDeadLettersPolicy/Properties/PolicyDocument/Statement"
TO_FORWARD = "Resources/ForwardDeadLettersPolicy/Properties/PolicyDocument/Statement"
DAILY = "Resources/DailyRunSchedule/Properties"
PLAN = "Resources/PlanReportFunction/Properties"
ROLE = "Resources/PlanReportRole/Properties/Policies/0/PolicyDocument/Statement"
COLLECT = "Resources/CollectResultsRole/Properties/Policies/0/PolicyDocument/Statement"
SHARDS = "States/CollectInline/ItemProcessor/States"
QUEUE = "Resources/EventsQueue/Properties"
DEAD = "Resources/EventsDeadLetters/Properties"
RULE = "Resources/EventsRule/Properties"
BUS = "Resources/EventBusOrganizationPolicy/Properties/Statement"
TABLE = "Resources/EventsTable/Properties"
MAPPING = "Resources/RecordEventMapping/Properties"
SEND = "Resources/SendAlertsRole/Properties/Policies/0/PolicyDocument/Statement"
SWEEP = "Resources/SweepOutboxRole/Properties/Policies/0/PolicyDocument/Statement"
RECORD = "Resources/RecordEventRole/Properties/Policies/0/PolicyDocument/Statement"
FORWARD = "Resources/ForwardRule/Properties"
RETRY = "States/SendAlerts/Retry"

BROKEN = [
    ("master", checks.bucket_is_encrypted, f"{BUCKET}/BucketEncryption", REMOVED),
    ("master", checks.bucket_is_encrypted, f"{BUCKET}/BucketEncryption/ServerSideEncryptionConfiguration/0/BucketKeyEnabled", False),
    ("master", checks.bucket_keeps_versions_and_locks, f"{BUCKET}/VersioningConfiguration", REMOVED),
    ("master", checks.bucket_keeps_versions_and_locks, f"{BUCKET}/ObjectLockEnabled", REMOVED),
    ("master", checks.bucket_is_private, f"{BUCKET}/PublicAccessBlockConfiguration/BlockPublicPolicy", REMOVED),
    ("master", checks.bucket_is_private, f"{BUCKET}/OwnershipControls", REMOVED),
    ("master", checks.bucket_forgets, f"{BUCKET}/LifecycleConfiguration", REMOVED),
    ("master", checks.bucket_forgets, f"{BUCKET}/LifecycleConfiguration/Rules/3/Status", "Disabled"),
    ("master", checks.bucket_forgets, f"{BUCKET}/LifecycleConfiguration/Rules/3/Prefix", "reports/"),
    ("master", checks.bucket_forgets, f"{BUCKET}/LifecycleConfiguration/Rules/0", REMOVED),
    ("master", checks.bucket_forgets, f"{BUCKET}/LifecycleConfiguration/Rules/1", REMOVED),
    ("master", checks.bucket_forgets, "Parameters/DailyRetentionDays/Default", 30),
    ("master", checks.bucket_refuses_other_transport_and_encryption, f"{POLICY}/0", REMOVED),
    ("master", checks.bucket_refuses_other_transport_and_encryption, f"{POLICY}/1", REMOVED),
    ("master", checks.bucket_refuses_other_transport_and_encryption, f"{POLICY}/2", REMOVED),
    ("master", checks.bucket_refuses_other_transport_and_encryption, f"{POLICY}/3", REMOVED),
    ("master", checks.bucket_refuses_other_transport_and_encryption, f"{POLICY}/2/Condition/Null", REMOVED),
    ("master", checks.bucket_refuses_other_transport_and_encryption, f"{POLICY}/0/Resource", "bucket"),
    ("master", checks.evidence_is_retained_and_nothing_else, "Resources/EvidenceBucket/DeletionPolicy", REMOVED),
    ("master", checks.evidence_is_retained_and_nothing_else, "Resources/EvidenceKey/UpdateReplacePolicy", REMOVED),
    ("master", checks.evidence_is_retained_and_nothing_else, "Resources/EventsTable/DeletionPolicy", REMOVED),
    ("master", checks.evidence_is_retained_and_nothing_else, "Resources/EventsTable/UpdateReplacePolicy", "Delete"),
    ("master", checks.evidence_is_retained_and_nothing_else, "Resources/SummaryTopic/DeletionPolicy", "Retain"),
    ("master", checks.evidence_is_retained_and_nothing_else, "Description", "Plumbline"),
    ("agent", checks.evidence_is_retained_and_nothing_else, "Resources/ForwardRule/DeletionPolicy", "Retain"),
    ("master", checks.keys_rotate_and_log_groups_may_use_them, f"{KEY}/EnableKeyRotation", False),
    ("master", checks.keys_rotate_and_log_groups_may_use_them, f"{KEY}/KeyPolicy/Statement/1", REMOVED),
    ("master", checks.keys_rotate_and_log_groups_may_use_them, f"{KEY}/KeyPolicy/Statement/1/Condition", {"Null": {}}),
    ("master", checks.keys_rotate_and_log_groups_may_use_them, f"{KEY}/KeyPolicy/Statement/2/Condition", REMOVED),
    ("master", checks.keys_rotate_and_log_groups_may_use_them, f"{KEY}/KeyPolicy/Statement/0/Principal", {"AWS": "*"}),
    ("master", checks.keys_rotate_and_log_groups_may_use_them, "Resources/NotifyLogs/Properties/LogGroupName", "/other"),
    ("master", checks.everything_has_an_encrypted_log_group, "Resources/NotifyLogs", REMOVED),
    ("master", checks.everything_has_an_encrypted_log_group, "Resources/NotifyLogs/Properties/RetentionInDays", REMOVED),
    ("master", checks.everything_has_an_encrypted_log_group, "Resources/NotifyLogs/Properties/KmsKeyId", REMOVED),
    ("master", checks.everything_has_an_encrypted_log_group, f"{PLAN}/LoggingConfig", REMOVED),
    ("master", checks.everything_has_an_encrypted_log_group, f"{PLAN}/FunctionName", "other"),
    ("master", checks.everything_has_an_encrypted_log_group, "Parameters/LogRetentionDays/Default", 14),
    (
        "master",
        checks.everything_has_an_encrypted_log_group,
        "Resources/ReportStateMachine/Properties/Logging/IncludeExecutionData",
        True,
    ),
    ("master", checks.everything_has_an_encrypted_log_group, "Resources/ReportStateMachine/Properties/Tracing", REMOVED),
    ("master", checks.everything_has_an_encrypted_log_group, "Resources/AlertStateMachine/Properties/Logging", REMOVED),
    ("master", checks.everything_has_an_encrypted_log_group, "Resources/AlertLogs/Properties/LogGroupName", "/other"),
    ("master", checks.topics_and_queues_are_encrypted, "Resources/FailureTopic/Properties/KmsMasterKeyId", REMOVED),
    ("master", checks.topics_and_queues_are_encrypted, "Resources/ScheduleDeadLetters/Properties/KmsMasterKeyId", REMOVED),
    ("master", checks.topics_and_queues_are_encrypted, f"{QUEUE}/KmsMasterKeyId", REMOVED),
    ("master", checks.topics_and_queues_are_encrypted, "Resources/EventsDeadLettersPolicy", REMOVED),
    ("master", checks.topics_and_queues_are_encrypted, f"{DAILY}/KmsKeyArn", REMOVED),
    ("master", checks.topics_and_queues_are_encrypted, "Resources/SummaryTopicPolicy", REMOVED),
    ("master", tagged, "Globals/Function/Tags/Project", REMOVED),
    ("master", tagged, "Resources/EvidenceBucket/Properties/Tags/2", REMOVED),
    ("master", tagged, "Resources/ReportStateMachine/Properties/Tags/Purpose", REMOVED),
    ("master", tagged, "Resources/ScheduleGroup/Properties/Tags", REMOVED),
    ("master", tagged, f"{MAPPING}/Tags", REMOVED),
    ("master", tagged, "Resources/EventBus/Properties/Tags/1", REMOVED),
    ("master", tagged, f"{TABLE}/Tags/0", REMOVED),
    ("agent", tagged, "Resources/ForwardRole/Properties/Tags", REMOVED),
    ("master", checks.arns_name_no_partition, f"{ROLE}/2/Resource/0", "arn:aws:s3:::bucket/*"),
    ("master", checks.arns_and_ids_are_put_out, "Outputs/EvidenceKeyArn/Value", "x"),
    ("master", checks.arns_and_ids_are_put_out, "Outputs/RecordEventMappingId", REMOVED),
    ("agent", checks.arns_and_ids_are_put_out, "Outputs/ForwardRuleArn", REMOVED),
    ("master", checks.functions_are_those_of_the_contract, "Resources/NotifyFunction", REMOVED),
    ("master", checks.functions_are_those_of_the_contract, f"{PLAN}/Environment/Variables/SLACK_TOKEN", "xoxb"),
    ("master", checks.functions_are_those_of_the_contract, f"{PLAN}/CodeUri", "../../steps/notify"),
    ("master", checks.functions_are_those_of_the_contract, f"{PLAN}/Role", {"Fn::GetAtt": ["NotifyRole", "Arn"]}),
    ("master", checks.functions_are_those_of_the_contract, f"{PLAN}/MemorySize", 128),
    ("master", checks.functions_are_those_of_the_contract, "Parameters/Architecture/Default", "x86_64"),
    ("master", checks.functions_are_those_of_the_contract, "Globals/Function/Runtime", "python3.13"),
    ("master", checks.roles_are_narrow, f"{ROLE}/2/Action/0", "s3:*"),
    ("master", checks.roles_are_narrow, f"{ROLE}/2/Resource", "*"),
    ("master", checks.roles_are_narrow, f"{ROLE}/5/Condition", REMOVED),
    ("master", checks.roles_are_narrow, "Resources/PlanReportRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal", "*"),
    (
        "agent",
        checks.roles_are_narrow,
        "Resources/InventoryRole/Properties/AssumeRolePolicyDocument/Statement/0/Condition",
        REMOVED,
    ),
    ("master", checks.inventory_is_read_only_if_named, f"{COLLECT}/7/Fn::If/0", "Locked"),
    ("master", checks.inventory_is_read_only_if_named, f"{COLLECT}/7/Fn::If/1/Resource", "*"),
    ("master", checks.inventory_is_read_only_if_named, f"{ROLE}/0/Action/0", "sts:AssumeRole"),
    ("master", checks.schedules_start_every_kind, "Resources/WeeklyRunSchedule", REMOVED),
    ("master", checks.schedules_start_every_kind, f"{DAILY}/ScheduleExpressionTimezone", REMOVED),
    ("master", checks.schedules_start_every_kind, f"{DAILY}/FlexibleTimeWindow", REMOVED),
    ("master", checks.schedules_start_every_kind, f"{DAILY}/State", "ENABLED"),
    ("master", checks.schedules_start_every_kind, f"{DAILY}/Target/DeadLetterConfig", REMOVED),
    ("master", checks.schedules_start_every_kind, f"{DAILY}/Target/RetryPolicy", REMOVED),
    ("master", checks.schedules_start_every_kind, f"{DAILY}/Target/Arn", "other"),
    ("master", checks.schedules_start_every_kind, "Parameters/SnapshotSchedule/Default", "cron(0 1 * * ? *)"),
    ("master", checks.alarm_tells_missed_and_failed, "Resources/RunsFailedAlarm/Properties/Metrics/4", REMOVED),
    ("master", checks.alarm_tells_missed_and_failed, "Resources/RunsFailedAlarm/Properties/AlarmActions", REMOVED),
    ("master", checks.bus_takes_from_named_accounts_only, f"{BUS}/Condition/StringEquals", REMOVED),
    ("master", checks.bus_takes_from_named_accounts_only, f"{BUS}/Condition/Null", REMOVED),
    ("master", checks.bus_takes_from_named_accounts_only, f"{BUS}/Condition/ForAllValues:StringEquals/events:source/1", "aws.s3"),
    ("master", checks.bus_takes_from_named_accounts_only, f"{BUS}/Action", "events:*"),
    ("master", checks.bus_takes_from_named_accounts_only, f"{BUS}/Resource", "*"),
    ("master", checks.bus_takes_from_named_accounts_only, "Resources/EventBusOrganizationPolicy/Condition", REMOVED),
    ("master", checks.bus_takes_from_named_accounts_only, "Resources/EventBusAccountsPolicy/Properties/Statement/Principal", "*"),
    ("master", checks.bus_takes_from_named_accounts_only, "Parameters/OrganizationId/Default", "o-exampleorgid"),
    ("master", checks.rule_and_archive_take_the_events, f"{RULE}/EventPattern/source/1", REMOVED),
    ("master", checks.rule_and_archive_take_the_events, f"{RULE}/State", "DISABLED"),
    ("master", checks.rule_and_archive_take_the_events, f"{RULE}/EventBusName", REMOVED),
    ("master", checks.rule_and_archive_take_the_events, f"{RULE}/Targets/0/Arn", "other"),
    ("master", checks.rule_and_archive_take_the_events, "Resources/EventArchive/Properties/EventPattern/detail-type/0", REMOVED),
    ("master", checks.rule_and_archive_take_the_events, "Resources/EventArchive/Properties/RetentionDays", REMOVED),
    ("master", checks.nothing_is_lost_on_the_way, f"{RULE}/Targets/0/DeadLetterConfig", REMOVED),
    ("master", checks.nothing_is_lost_on_the_way, f"{RULE}/Targets/0/RetryPolicy/MaximumRetryAttempts", 3),
    ("master", checks.nothing_is_lost_on_the_way, f"{DEAD}/MessageRetentionPeriod", REMOVED),
    ("master", checks.nothing_is_lost_on_the_way, "Resources/SweepSchedule/Properties/Target/DeadLetterConfig", REMOVED),
    ("master", checks.nothing_is_lost_on_the_way, "Resources/SweepSchedule/Properties/Target/RetryPolicy", REMOVED),
    ("agent", checks.nothing_is_lost_on_the_way, f"{FORWARD}/Targets/0/DeadLetterConfig", REMOVED),
    ("agent", checks.nothing_is_lost_on_the_way, f"{FORWARD}/Targets/0/RetryPolicy", REMOVED),
    ("master", checks.queue_outlasts_the_function, f"{QUEUE}/VisibilityTimeout", 300),
    ("master", checks.queue_outlasts_the_function, "Mappings/Functions/RecordEvent/Timeout", 90),
    ("master", checks.queue_outlasts_the_function, f"{QUEUE}/RedrivePolicy", REMOVED),
    ("master", checks.queue_outlasts_the_function, f"{QUEUE}/MessageRetentionPeriod", 1_209_600),
    ("master", checks.queue_outlasts_the_function, f"{DEAD}/RedriveAllowPolicy", REMOVED),
    ("master", checks.only_the_rule_sends_events, f"{TO_QUEUE}/1/Condition/ArnEquals", REMOVED),
    ("master", checks.only_the_rule_sends_events, f"{TO_QUEUE}/1/Principal", "*"),
    ("master", checks.only_the_rule_sends_events, f"{TO_DEAD}/1", REMOVED),
    ("master", checks.only_the_rule_sends_events, f"{TO_DEAD}/0", REMOVED),
    ("master", checks.rules_may_use_the_key_for_their_queues, f"{KEY}/KeyPolicy/Statement/3", REMOVED),
    ("master", checks.rules_may_use_the_key_for_their_queues, f"{KEY}/KeyPolicy/Statement/3/Condition", REMOVED),
    ("master", checks.rules_may_use_the_key_for_their_queues, f"{KEY}/KeyPolicy/Statement/3/Action/1", REMOVED),
    ("master", checks.rules_may_use_the_key_for_their_queues, f"{QUEUE}/QueueName", "other"),
    ("master", checks.consumer_can_be_paused, f"{MAPPING}/FunctionResponseTypes", REMOVED),
    ("master", checks.consumer_can_be_paused, f"{MAPPING}/Enabled", True),
    ("master", checks.consumer_can_be_paused, f"{MAPPING}/ScalingConfig", REMOVED),
    ("master", checks.consumer_can_be_paused, f"{MAPPING}/BatchSize", 10),
    ("master", checks.consumer_can_be_paused, "Conditions/ConsumesEvents", {"Fn::Equals": [{"Ref": "ScheduleState"}, "ENABLED"]}),
    ("master", checks.consumer_can_be_paused, "Parameters/EventConsumerState/Default", "DISABLED"),
    ("master", checks.table_is_that_of_the_contract, f"{TABLE}/KeySchema/1", REMOVED),
    ("master", checks.table_is_that_of_the_contract, f"{TABLE}/GlobalSecondaryIndexes/2", REMOVED),
    ("master", checks.table_is_that_of_the_contract, f"{TABLE}/GlobalSecondaryIndexes/2/KeySchema/0/AttributeName", "resource_id"),
    ("master", checks.table_is_that_of_the_contract, f"{TABLE}/GlobalSecondaryIndexes/0/Projection/NonKeyAttributes/3", REMOVED),
    ("master", checks.table_is_that_of_the_contract, f"{TABLE}/GlobalSecondaryIndexes/0/Projection", {"ProjectionType": "ALL"}),
    ("master", checks.table_is_that_of_the_contract, f"{TABLE}/AttributeDefinitions/0/AttributeType", "B"),
    ("master", checks.table_is_that_of_the_contract, f"{TABLE}/BillingMode", "PROVISIONED"),
    ("master", checks.table_is_encrypted_kept_and_forgets, f"{TABLE}/SSESpecification", REMOVED),
    ("master", checks.table_is_encrypted_kept_and_forgets, f"{TABLE}/SSESpecification/KMSMasterKeyId/Fn::GetAtt/0", "OperationsKey"),
    ("master", checks.table_is_encrypted_kept_and_forgets, f"{TABLE}/PointInTimeRecoverySpecification", REMOVED),
    ("master", checks.table_is_encrypted_kept_and_forgets, f"{TABLE}/TimeToLiveSpecification", REMOVED),
    ("master", checks.table_is_used_as_agreed, f"{SEND}/7/Condition", REMOVED),
    ("master", checks.table_is_used_as_agreed, f"{SWEEP}/2/Condition", REMOVED),
    ("master", checks.table_is_used_as_agreed, f"{RECORD}/8/Action/2", "dynamodb:DeleteItem"),
    ("master", checks.table_is_used_as_agreed, f"{RECORD}/8/Resource", "*"),
    ("master", checks.table_is_used_as_agreed, f"{ROLE}/9/Action/0", "dynamodb:Scan"),
    ("master", checks.outbox_is_swept, "Resources/SweepSchedule/Properties/ScheduleExpression", "rate(1 hour)"),
    ("master", checks.outbox_is_swept, "Resources/SweepSchedule/Properties/State", {"Ref": "ScheduleState"}),
    ("master", checks.outbox_is_swept, "Resources/SweepSchedule/Properties/Target/Arn", "other"),
    ("master", checks.outbox_is_swept, "Resources/SweepOutboxInvocation/Properties/MaximumRetryAttempts", 2),
    ("master", checks.alarms_tell_of_events, "Resources/EventsDeadLettersAlarm/Properties/Threshold", 100),
    ("master", checks.alarms_tell_of_events, "Resources/EventsSlowAlarm/Properties/ExtendedStatistic", "p50"),
    ("master", checks.alarms_tell_of_events, "Resources/EventsSlowAlarm/Properties/Period", 60),
    ("master", checks.alarms_tell_of_events, "Resources/EventsLateAlarm/Properties/AlarmActions", REMOVED),
    ("master", checks.alarms_tell_of_events, "Resources/EventsLateAlarm/Properties/TreatMissingData", "breaching"),
    ("master", checks.alarms_tell_of_events, "Resources/EventErrorsAlarm/Properties/Metrics/1/Expression", "100 * failed / invoked"),
    ("master", checks.alarms_tell_of_events, "Resources/AlertsFailedAlarm/Properties/Metrics/2", REMOVED),
    ("master", checks.alarms_tell_of_events, "Resources/DeliveriesFailedAlarm/Properties/Threshold", 1),
    (
        "agent",
        checks.agent_forwards_to_one_bus,
        "Resources/ForwardRole/Properties/Policies/0/PolicyDocument/Statement/0/Resource",
        "*",
    ),
    ("agent", checks.agent_forwards_to_one_bus, f"{FORWARD}/EventPattern/source/1", REMOVED),
    ("agent", checks.agent_forwards_to_one_bus, f"{FORWARD}/EventPattern/detail-type", REMOVED),
    ("agent", checks.agent_forwards_to_one_bus, f"{FORWARD}/Targets/0/RoleArn", "other"),
    ("agent", checks.agent_keeps_what_it_cannot_forward, "Resources/ForwardDeadLetters/Properties/SqsManagedSseEnabled", REMOVED),
    ("agent", checks.agent_keeps_what_it_cannot_forward, f"{TO_FORWARD}/0", REMOVED),
    ("agent", checks.agent_keeps_what_it_cannot_forward, f"{TO_FORWARD}/1/Condition", REMOVED),
    ("agent", checks.agent_forwards_to_one_bus, "Resources/ForwardRule/Condition", REMOVED),
    (
        "agent",
        checks.agent_example_rules_are_switched,
        "Resources/S3EncryptionRule/Properties/MaximumExecutionFrequency",
        "Six_Hours",
    ),
    ("agent", checks.agent_example_rules_are_switched, "Parameters/ExampleRdsBackup/Default", "true"),
    ("agent", checks.agent_example_rules_are_switched, "Resources/RestrictedSshRule/Condition", REMOVED),
    ("agent", checks.agent_example_rules_are_switched, "Resources/RdsBackupRule/DependsOn", REMOVED),
    ("agent", checks.agent_recorder_is_off, "Parameters/Recorder/Default", "true"),
    ("agent", checks.agent_recorder_is_off, "Resources/DeliveryChannel/Condition", REMOVED),
    (
        "agent",
        checks.agent_inventory_role_trusts_one_role,
        "Resources/InventoryRole/Properties/AssumeRolePolicyDocument/Statement/0/Condition",
        REMOVED,
    ),
    (
        "agent",
        checks.agent_inventory_role_trusts_one_role,
        "Resources/InventoryRole/Properties/Policies/0/PolicyDocument/Statement/0/Action/0",
        "config:PutConfigRule",
    ),
    ("agent", checks.agent_inventory_role_trusts_one_role, "Resources/InventoryRole/Condition", REMOVED),
    ("workflow", checks.tasks_time_out_and_retry, "States/SealReport/TimeoutSeconds", REMOVED),
    ("workflow", checks.tasks_time_out_and_retry, "States/SealReport/Retry", REMOVED),
    ("workflow", checks.tasks_time_out_and_retry, "States/SealReport/Retry/0/MaxDelaySeconds", REMOVED),
    ("workflow", checks.tasks_time_out_and_retry, "States/SealReport/Retry/1/JitterStrategy", "NONE"),
    ("workflow", checks.tasks_time_out_and_retry, "States/NotifyFailure/Retry/0/JitterStrategy", REMOVED),
    ("workflow", checks.tasks_time_out_and_retry, f"{SHARDS}/CollectInlineShard/TimeoutSeconds", REMOVED),
    ("workflow", checks.tasks_time_out_and_retry, f"{SHARDS}/CollectInlineShard/Retry/0/ErrorEquals/0", REMOVED),
    ("workflow", checks.failures_end_in_one_state, "States/Notify/Catch", REMOVED),
    ("workflow", checks.failures_end_in_one_state, "States/Notify/Catch/0/Next", "Done"),
    ("workflow", checks.failures_end_in_one_state, "States/Notify/Catch/0/Assign", REMOVED),
    ("workflow", checks.failures_end_in_one_state, "States/CollectDistributed/Catch", REMOVED),
    ("workflow", checks.failures_end_in_one_state, "States/NotifyFailure/Catch", REMOVED),
    ("workflow", checks.failures_end_in_one_state, "States/Failed", {"Type": "Fail"}),
    ("workflow", checks.shards_fail_alone, f"{SHARDS}/CollectInlineShard/Catch/0", REMOVED),
    ("workflow", checks.shards_fail_alone, f"{SHARDS}/CollectInlineShard/Catch/1/Output", {"kept": 1}),
    ("workflow", checks.shards_fail_alone, f"{SHARDS}/CollectInlineShard/Output", "{% $states.result %}"),
    ("workflow", checks.shards_fail_alone, f"{SHARDS}/CollectInlineShard/TimeoutSeconds", 5),
    ("workflow", checks.shards_fail_alone, "States/CollectDistributed/ToleratedFailurePercentage", REMOVED),
    (
        "workflow",
        checks.shards_fail_alone,
        "States/CollectDistributed/ItemProcessor/ProcessorConfig/ExecutionType",
        "EXPRESS",
    ),
    ("workflow", checks.codes_are_known, "States/SealReport/Retry/0/ErrorEquals/0", "Config.Thottled"),
    ("workflow", checks.states_are_reached, "States/Deliver/Choices", []),
    ("workflow", checks.states_are_reached, "States/SealReport/Next", "Deliverr"),
    ("workflow", checks.a_redrive_goes_on_everywhere, "States/Failed/Choices/1", REMOVED),
    ("workflow", checks.a_redrive_goes_on_everywhere, "States/Failed/Choices/2/Next", "PlanReport"),
    ("workflow", checks.a_redrive_goes_on_everywhere, "States/Failed/Default", "Done"),
    ("workflow", checks.payloads_are_those_of_the_contract, "States/SealReport/Arguments/Payload/plan", REMOVED),
    ("workflow", checks.payloads_are_those_of_the_contract, "States/CollectInline/ItemSelector/settings", REMOVED),
    (
        "workflow",
        checks.payloads_are_those_of_the_contract,
        "States/PlanReport/Arguments/Payload/request",
        "{% $states.input %}",
    ),
    ("workflow", checks.payloads_are_those_of_the_contract, "States/Done/Output", {}),
    ("alert", checks.tasks_time_out_and_retry, "States/SendAlerts/TimeoutSeconds", REMOVED),
    ("alert", checks.tasks_time_out_and_retry, f"{RETRY}/2/ErrorEquals", ["Alerts.Encode"]),
    ("alert", checks.tasks_time_out_and_retry, f"{RETRY}/3/JitterStrategy", REMOVED),
    ("alert", checks.failures_end_in_one_state, "States/SendAlerts/Catch", REMOVED),
    ("alert", checks.codes_are_known, f"{RETRY}/2/ErrorEquals/0", "Alerts.HeadMissing"),
    ("alert", checks.states_are_reached, "States/SendAlerts/Next", "Failed"),
    ("alert", checks.a_redrive_goes_on_everywhere, "States/Failed/Choices/0", REMOVED),
    ("alert", checks.alerts_wait_for_their_window, "StartAt", "SendAlerts"),
    ("alert", checks.alerts_wait_for_their_window, "States/WaitUntilClosed/Timestamp", "2026-11-21T10:00:00Z"),
    ("alert", checks.alerts_wait_for_their_window, "States/WaitUntilClosed/Assign/window", REMOVED),
    ("alert", checks.alerts_wait_for_their_window, "States/SendAlerts/Arguments/Payload/route", "{% $states.input.route %}"),
    ("alert", checks.alerts_are_given_what_the_contract_says, "States/SendAlerts/Arguments/Payload/route", "{% $window %}"),
    ("alert", checks.alerts_are_given_what_the_contract_says, "States/SendAlerts/Arguments/Payload/execution/arn", REMOVED),
    ("alert", checks.alerts_are_given_what_the_contract_says, "States/Done/Output", {}),
    ("alert", checks.alerts_outlast_an_outage, f"{RETRY}/1/MaxAttempts", 5),
    ("alert", checks.alerts_outlast_an_outage, f"{RETRY}/0/MaxDelaySeconds", 600),
    ("alert", checks.alerts_outlast_an_outage, f"{RETRY}/2/MaxAttempts", 45),
    ("alert", checks.alerts_outlast_an_outage, "TimeoutSeconds", 3_600),
]


def break_(document, path, value):
    *folders, last = path.split("/")
    # Names of error codes and prefixes hold no slash where a path leads.
    at = document
    for folder in folders:
        at = at[int(folder)] if isinstance(at, list) else at[folder]
    last = int(last) if isinstance(at, list) else last
    if value is REMOVED:
        del at[last]
    else:
        at[last] = value


@pytest.mark.parametrize(
    ("document", "check", "path", "value"),
    BROKEN,
    ids=[f"{check.__name__}-{path.rsplit('/', 3)[-1]}-{number}" for number, (_, check, path, _) in enumerate(BROKEN)],
)
def test_can_fail(document, check, path, value):
    broken = DOCUMENTS[document]()
    break_(broken, path, value)
    assert list(check(broken)) != []


def test_every_check_is_shown_to_fail():
    shown = {check for _, check, _, _ in BROKEN}
    assert {check.__name__ for all_ in HOLD.values() for check in all_} == {check.__name__ for check in shown}


# --- Documents beside each other


def test_permissions_are_those_of_the_golden_file(master, agent):
    """A change of permissions shows in review; `make infra-test UPDATE_GOLDEN=1` writes the file."""
    made = json.dumps({"agent": checks.actions(agent), "master": checks.actions(master)}, indent=2) + "\n"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(made)
    assert GOLDEN.read_text() == made


# Actions by the names of the SDK's calls, of the services that the adapters name today.
CALL = re.compile(r"(?:self\s*\.\s*(?:client|sts)|client)\s*\.\s*(\w+)\(\)")
SERVICES = ("config", "organizations", "sts")


def calls_of_the_code():
    found = set()
    for source in (templates.ROOT / "crates/aws/src").glob("*.rs"):
        text = source.read_text()
        if any(f"aws_sdk_{service}::" in text for service in SERVICES):
            found |= {checks.name_of(name.replace("_", "-")) for name in CALL.findall(text)}
    return found


def test_permissions_are_for_calls_that_the_code_makes(master, agent):
    """Of AWS Config, Organizations and STS; neither a call without a permission nor a permission without a call."""
    steps = {f"{checks.name_of(step)}Role" for step in checks.STEPS}
    roles = [of for name, of in checks.actions(master).items() if name in steps] + [checks.actions(agent)["InventoryRole"]]
    allowed = {action for of in roles for action in of if action.split(":")[0] in SERVICES}
    # Identifying oneself needs no permission.
    assert {action.split(":")[1] for action in allowed} == calls_of_the_code() - {"GetCallerIdentity"}


@pytest.mark.parametrize("workflow", templates.WORKFLOWS)
def test_a_workflow_waits_longer_than_the_functions(master, workflow):
    """So a function's own timeout comes first, and is told from a lost answer."""
    functions = master["Mappings"]["Functions"]
    for name, state in checks.states_of(templates.workflow(workflow)).items():
        if state.get("Resource", "").endswith("lambda:invoke"):
            function = state["Arguments"]["FunctionName"].removeprefix("${").removesuffix("FunctionArn}")
            assert state["TimeoutSeconds"] == functions[function]["Timeout"] + 30, name


@pytest.mark.parametrize("workflow", templates.WORKFLOWS)
def test_substitutions_are_used_and_filled(master, workflow):
    used = set(re.findall(r"\$\{(\w+)\}", templates.WORKFLOWS[workflow].read_text()))
    assert used == set(templates.substitutions(master, workflow))


def step_of(function):
    """`SendAlertsFunction` is send-alerts."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", function.removesuffix("Function")).lower()


def test_steps_and_functions_are_one_set(master):
    """And each is invoked by one thing: a workflow's tasks, the queue, or a schedule."""
    folders = {path.parent.name for path in (templates.ROOT / "steps").glob("*/Cargo.toml")}
    functions = {one["Metadata"]["BuildProperties"]["Binary"] for one in templates.resources(master, checks.FUNCTION).values()}
    tasks = {name: set() for name in templates.WORKFLOWS}
    for name, of in tasks.items():
        for state in checks.states_of(templates.workflow(name)).values():
            if state.get("Resource", "").endswith("lambda:invoke"):
                of.add(step_of(state["Arguments"]["FunctionName"].removeprefix("${").removesuffix("Arn}")))
    assert tasks == {"report": set(checks.REPORT_STEPS), "alert": {"send-alerts"}}
    mappings = templates.resources(master, "AWS::Lambda::EventSourceMapping").values()
    queued = {step_of(one["Properties"]["FunctionName"]["Ref"]) for one in mappings}
    targets = [one["Properties"]["Target"]["Arn"] for one in templates.resources(master, "AWS::Scheduler::Schedule").values()]
    scheduled = {step_of(one["Fn::GetAtt"][0]) for one in targets if "Fn::GetAtt" in one}
    assert (queued, scheduled) == ({"record-event"}, {"sweep-outbox"})
    assert folders == functions == set(checks.STEPS)


def test_codes_stand_once():
    every = templates.codes()
    listed = [code for who in ("ours", "aws") for part, list_ in every[who].items() if part != "open_families" for code in list_]
    assert sorted(listed) == sorted(set(listed))
    for code in listed:
        assert re.fullmatch(r"[A-Z][A-Za-z]+\.[A-Z][A-Za-z]+", code), code


@pytest.mark.parametrize("path", sorted((templates.ROOT / "infra/parameters").iterdir()), ids=lambda path: path.name)
def test_example_parameters_fit(path, master, agent):
    known = (master if path.name.startswith("master") else agent)["Parameters"]
    given = templates.load(path)
    if isinstance(given, list):
        given = {one["ParameterKey"]: one["ParameterValue"] for one in given}
    for name, value in given.items():
        assert name in known, name
        assert str(value) in known[name].get("AllowedValues", [str(value)]) or int(value) in known[name]["AllowedValues"], name
        assert re.fullmatch(known[name].get("AllowedPattern", ".*"), str(value)), name


def test_every_code_the_steps_name_is_listed():
    """Read from the sources: a code nobody listed would be matched by no Retry, on purpose or by mistake."""
    named = set()
    for folder in ("steps/*/src", "crates/compliance/src", "crates/step-runtime/src"):
        for path in templates.ROOT.glob(f"{folder}/**/*.rs"):
            named |= set(re.findall(r'"((?:Plan|Collect|Score|Render|Seal|Step|Notify|Coverage|Record|Alerts|Sweep)\.[A-Z]\w+)"', path.read_text()))
    # Why something is missing, in a report: these end no task.
    gaps = {"Collect.GaveUp", "Coverage.Inconsistent", "Coverage.InventoryNotConfigured", "Coverage.SourceAbsent", "Coverage.SourceFailed"}
    # What became of one attempt or one notice, in the record of a delivery: these end no task either.
    gaps |= {"Notify.ClaimLate", "Notify.NoFallback", "Notify.NoOutcome", "Alerts.NoRoute"}
    # Why one message of a batch is to come again.
    gaps |= {"Record.Overtaken", "Record.OutOfTime"}
    assert len(named) > 15
    listed = {code for part, codes in templates.codes()["ours"].items() if part != "open_families" for code in codes}
    assert named - listed - gaps == set()
