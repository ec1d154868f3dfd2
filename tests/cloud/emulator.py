"""LocalStack in one process, without containers, and with what it lacks for a state machine such as ours.

Each hook says what it changes and why; none knows anything of Plumbline. The suite starts this file by itself:
`python emulator.py --port N --folder DIR --lambda-host URL --functions FILE [--function-environment JSON] [--retry-waits F]`.
LocalStack reads its settings from the environment when it is imported, so that its imports stand in the hooks.
"""

import argparse
import functools
import http.client
import json
import os
import pathlib
import time
import types
import urllib.parse

ITERATION = "localstack.services.stepfunctions.asl.component.state.state_execution.state_map.iteration"
# Headers that belong to one connection, not to the answer that is passed on.
OF_THE_CONNECTION = {"connection", "transfer-encoding", "content-length", "date", "server"}


def main():
    options = parse()
    configure(options.port, options.folder)
    add_route(functools.partial(invoke_on_the_lambda_host, options))
    add_route(functools.partial(keep_tables_elsewhere, options))
    add_route(write_whole_percentages_as_floats)
    accept_functions_without_containers()
    evaluate_jsonata_in_python()
    count_redrives()
    hold_distributed_maps_to_their_tolerance()
    shorten_waits_before_retries(options.retry_waits)
    from localstack.runtime.main import main as run

    run()


def parse():
    parser = argparse.ArgumentParser(description="AWS on this machine, for tests.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="for its files")
    parser.add_argument("--lambda-host", required=True, help="URL of the host that runs functions")
    parser.add_argument("--functions", type=pathlib.Path, required=True, help="the host's file of functions")
    parser.add_argument("--dynamodb", required=True, help="URL of the DynamoDB")
    parser.add_argument(
        "--function-environment", type=json.loads, default={}, help="set for functions that a template deploys, beside their own"
    )
    parser.add_argument("--retry-waits", type=float, default=1.0, help="factor on the waits before retries")
    return parser.parse_args()


def configure(port, folder):
    folder.mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{port}"
    os.environ.update(
        FILESYSTEM_ROOT=str(folder),
        GATEWAY_LISTEN=address,
        LOCALSTACK_HOST=address,
        # The default server listens on every network interface.
        GATEWAY_SERVER="hypercorn",
        SQS_ENDPOINT_STRATEGY="path",
        # Neither names nor certificates are served, and nobody is told that it runs.
        DNS_ADDRESS="0",
        SKIP_SSL_CERT_DOWNLOAD="1",
        DISABLE_EVENTS="1",
        EAGER_SERVICE_LOADING="0",
        CFN_LAMBDA_NO_WAIT="1",
        LS_LOG=os.environ.get("LS_LOG", "warn"),
    )
    # They would lead the emulator's own calls away from itself.
    for name in [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL") or name == "AWS_CA_BUNDLE"]:
        del os.environ[name]


def add_route(route):
    """Lets a function see each request before the emulator's own services do."""
    from localstack.aws.handlers import serve_custom_service_request_handlers

    serve_custom_service_request_handlers.append(route)


def is_operation(context, service, *operations):
    return context.service and context.service.service_name == service and context.operation.name in operations


def invoke_on_the_lambda_host(options, chain, context, response):
    """The emulator runs functions in containers; the host runs the very binaries as processes."""
    if not is_operation(context, "lambda", "Invoke"):
        return
    name = context.service_request["FunctionName"]
    publish_deployed(options, context.account_id, context.region, name)
    path = f"/2015-03-31/functions/{urllib.parse.quote(name, safe='')}/invocations"
    kind = context.request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
    pass_on(options.lambda_host, path, context.request.get_data(), {"X-Amz-Invocation-Type": kind}, response)
    chain.stop()


def keep_tables_elsewhere(options, chain, context, response):
    """The emulator's DynamoDB would fetch and start a Java machine."""
    if not context.service or context.service.service_name != "dynamodb":
        return
    asked = context.request
    headers = {name: value for name, value in asked.headers.items() if name.lower() not in OF_THE_CONNECTION | {"host"}}
    pass_on(options.dynamodb, asked.path, asked.get_data(), headers, response)
    chain.stop()


def pass_on(server, path, body, headers, response):
    """Has another server answer a request."""
    host = urllib.parse.urlsplit(server)
    connection = http.client.HTTPConnection(host.hostname, host.port)
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    response.status_code = answer.status
    response.set_response(answer.read())
    connection.close()
    for header, value in answer.getheaders():
        if header.lower() not in OF_THE_CONNECTION:
            response.headers[header] = value


def publish_deployed(options, account, region, name_or_arn):
    """Makes a function that a template deployed known to the host, from its unpacked zip."""
    from localstack.services.lambda_.invocation.models import lambda_stores

    name = name_or_arn.split(":")[6] if name_or_arn.startswith("arn:") else name_or_arn.split(":")[0]
    deployed = lambda_stores[account][region].functions.get(name)
    if not deployed:
        return
    settings = deployed.latest().config
    settings.code.prepare_for_execution()
    binary = pathlib.Path(settings.code.get_unzipped_code_location(), "bootstrap")
    binary.chmod(0o755)
    known = json.loads(options.functions.read_text())
    function = {
        "binary": str(binary),
        "timeout_seconds": settings.timeout,
        "memory_mb": settings.memory_size,
        "environment": {**(settings.environment or {}), **options.function_environment},
    }
    if known["functions"].get(name) != function:
        known["functions"][name] = function
        written = options.functions.with_suffix(f".{os.getpid()}-{time.monotonic_ns()}")
        written.write_text(json.dumps(known))
        written.replace(options.functions)


def write_whole_percentages_as_floats(_chain, context, _response):
    """The emulator's parser of state machines takes 100.0 but not 100 for a tolerated percentage; AWS takes both."""
    if not is_operation(context, "stepfunctions", "CreateStateMachine", "UpdateStateMachine"):
        return
    definition = context.service_request.get("definition")
    if definition:
        name = "ToleratedFailurePercentage"
        floats = lambda found: {**found, name: float(found[name])} if isinstance(found.get(name), int) else found
        context.service_request["definition"] = json.dumps(json.loads(definition, object_hook=floats))


def accept_functions_without_containers():
    """Deploying a function would fetch the image that it is to run in."""
    from localstack.services.lambda_.invocation.docker_runtime_executor import DockerRuntimeExecutor

    DockerRuntimeExecutor.prepare_version = classmethod(lambda cls, version: None)


def evaluate_jsonata_in_python():
    """The emulator would fetch and start a Java machine."""
    from jsonata import jsonata
    from localstack.services.stepfunctions.asl.jsonata import jsonata as emulated

    def evaluate(expression):
        try:
            return jsonata.Jsonata(expression).evaluate(None)
        except Exception as error:
            raise emulated.JSONataException("UNKNOWN", str(error)) from error

    emulated._eval_jsonata = evaluate


def count_redrives():
    """The context object has no RedriveCount here, and an expression that reads it would fail."""
    from localstack.services.stepfunctions.backend import execution_worker

    execution_worker.ExecutionData = functools.partial(execution_worker.ExecutionData, RedriveCount=0)


def hold_distributed_maps_to_their_tolerance():
    """A distributed map ignores failed items here, however few its tolerance allows."""
    import importlib

    from localstack.aws.api.stepfunctions import HistoryEventType
    from localstack.services.stepfunctions.asl.component.common.error_name import failure_event
    from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name import StatesErrorName
    from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
    from localstack.services.stepfunctions.asl.eval.event.event_detail import EventDetails
    from localstack.services.stepfunctions.asl.eval.program_state import ProgramError

    worker = importlib.import_module(f"{ITERATION}.itemprocessor.distributed_item_processor_worker").DistributedItemProcessorWorker
    component = importlib.import_module(f"{ITERATION}.distributed_iteration_component").DistributedIterationComponent
    run_item, run_map = worker._eval_job, component._map_run

    def counted(self, env, job):
        run_item(self, env, job)
        record = self._map_run_record
        record.ended = [*getattr(record, "ended", []), isinstance(env.program_state(), ProgramError)]

    def held(self, env, eval_input):
        run_map(self, env, eval_input)
        record = eval_input.map_run_record
        if exceeded(record, getattr(record, "ended", [])):
            details = {
                "error": StatesErrorNameType.StatesExceedToleratedFailureThreshold.to_name(),
                "cause": "The specified tolerated failure threshold was exceeded",
            }
            raise failure_event.FailureEventException(
                failure_event.FailureEvent(
                    env=env,
                    error_name=StatesErrorName(StatesErrorNameType.StatesExceedToleratedFailureThreshold),
                    event_type=HistoryEventType.MapRunFailed,
                    event_details=EventDetails(mapRunFailedEventDetails=details),
                )
            )

    worker._eval_job, component._map_run = counted, held


def exceeded(record, failed):
    """Whether more items failed than either limit tolerates; without limits, whether any did."""
    limits = [
        (sum(failed), record.tolerated_failure_count),
        (100 * sum(failed) / max(1, len(failed)), record.tolerated_failure_percentage),
    ]
    tolerated = [(count, limit) for count, limit in limits if limit]
    return any(count > limit for count, limit in tolerated or limits)


def shorten_waits_before_retries(factor):
    """The state machine stays as it is deployed, and its retries do not take minutes."""
    from localstack.services.stepfunctions.asl.component.common.retry import retrier_decl

    retrier_decl.time = types.SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * factor))


if __name__ == "__main__":
    main()
