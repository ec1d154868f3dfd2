"""A server that speaks AWS Step Functions (JSON 1.0) for one state machine, with executions that go on by themselves: each
look at a history shows more of it."""

import json
import time

from loopback import LoopbackServer, body_of, operation_of

ARN = "arn:aws:states:eu-west-1:111122223333"
MACHINE = f"{ARN}:stateMachine:report"


class Execution:
    """An execution whose history is `events` and that ends as `ending` says (of DescribeExecution)."""

    def __init__(self, name, given, events=(), **ending):
        self.name, self.input = name, given
        self.events = [{"id": place, "timestamp": 1763715000 + place, **event} for place, event in enumerate(events, 1)]
        for event in self.events:
            event.setdefault("previousEventId", event["id"] - 1)
        self.ending = {"status": "SUCCEEDED", **ending}
        self.shown, self.started = 0, time.time()

    def described(self):
        over = self.shown >= len(self.events)
        ending = {**self.ending, "stopDate": self.started + 125} if over else {"status": "RUNNING"}
        execution = {"executionArn": f"{ARN}:execution:report:{self.name}", "stateMachineArn": MACHINE, "name": self.name}
        return {**execution, "startDate": self.started, "input": self.input, **ending}


class StepFunctions(LoopbackServer):
    """Serves executions; a new one does what `script(name, input) -> Execution` says."""

    def __init__(self, script=lambda name, given: Execution(name, given)):
        super().__init__()
        self.script, self.executions, self.asked = script, {}, []

    def answer(self, asked):
        operation, body = operation_of(asked), json.loads(body_of(asked))
        self.asked.append((operation, body))
        status, answer = self.answered(operation, body)
        return status, "application/x-amz-json-1.0", json.dumps(answer).encode()

    def add(self, execution):
        self.executions[execution.name] = execution
        return execution

    def answered(self, operation, body):
        if operation in ("StartExecution", "ListExecutions") and body["stateMachineArn"] != MACHINE:
            return refused("StateMachineDoesNotExist")
        if operation == "ListExecutions":
            return 200, self.listed(body)
        if operation == "StartExecution":
            return self.start(body["name"], body["input"])
        execution = self.executions.get(body["executionArn"].rpartition(":")[2])
        if not execution:
            return refused("ExecutionDoesNotExist")
        if operation == "DescribeExecution":
            return 200, execution.described()
        assert operation == "GetExecutionHistory" and body["reverseOrder"], operation
        return 200, history(execution, body)

    def start(self, name, given):
        execution = self.executions.get(name)
        if execution and (execution.described()["status"] != "RUNNING" or execution.input != given):
            return refused("ExecutionAlreadyExists")
        execution = execution or self.add(self.script(name, given))
        described = execution.described()
        return 200, {key: described[key] for key in ("executionArn", "startDate")}

    def listed(self, body):
        newest = sorted(self.executions.values(), key=lambda one: -one.started)
        first = int(body.get("nextToken") or 0)
        page = [one.described() for one in newest[first : first + 2]]
        keys = ("executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate")
        listed = [{key: one[key] for key in keys if key in one} for one in page]
        more = first + 2 < len(newest)
        return {"executions": listed, **({"nextToken": str(first + 2)} if more else {})}


def refused(code):
    return 400, {"__type": f"com.amazonaws.states#{code}", "message": "as the stub says"}


def history(execution, body):
    """The newest events first, two a page; each look from the beginning shows three more."""
    token = body.get("nextToken")
    if not token:
        execution.shown = min(execution.shown + 3, len(execution.events))
    newest = int(token or execution.shown)
    page = [event for event in reversed(execution.events) if newest - 2 < event["id"] <= newest]
    return {"events": page, **({"nextToken": str(newest - 2)} if newest > 2 else {})}


def entered(state, kind="Task"):
    return {"type": f"{kind}StateEntered", "stateEnteredEventDetails": {"name": state}}


def left(state, kind="Task"):
    return {"type": f"{kind}StateExited", "stateExitedEventDetails": {"name": state}}


def task_failed(error, cause):
    details = {"resourceType": "lambda", "resource": "invoke", "error": error, "cause": cause}
    return {"type": "TaskFailed", "taskFailedEventDetails": details}


def a_map(state, shards):
    """Every event of a Map of so many shards."""
    item = lambda place: {"name": state, "index": place}  # noqa: E731
    yield entered(state, "Map")
    yield {"type": "MapStateStarted", "mapStateStartedEventDetails": {"length": shards}}
    for place in range(shards):
        yield {"type": "MapIterationStarted", "mapIterationStartedEventDetails": item(place)}
        yield entered("CollectShard")
        yield {"type": "TaskScheduled", "taskScheduledEventDetails": {}}
        yield {"type": "TaskSucceeded", "taskSucceededEventDetails": {"resourceType": "lambda", "resource": "invoke"}}
        yield left("CollectShard")
        yield {"type": "MapIterationSucceeded", "mapIterationSucceededEventDetails": item(place)}
    yield {"type": "MapStateSucceeded"}
    yield left(state, "Map")
