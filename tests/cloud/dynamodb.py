"""DynamoDB as moto knows it, one request after another: moto's transactions hold only while nobody else asks. The emulator's own
would need a Java machine. `python dynamodb.py --port N`."""

import argparse
import copy
import warnings

# It asks for extras of other services.
warnings.filterwarnings("ignore", message="When using MotoServer")

from moto.dynamodb.models.table import Table  # noqa: E402
from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import run_simple  # noqa: E402


def copied_by_item(table, _memo):
    """A transaction keeps a copy of the whole table to go back to, which takes seconds once there are some hundred items. Puts
    and deletes, all that ours are made of, replace items whole: a copy of who stands where is enough."""
    twin = copy.copy(table)
    twin.items = copy.copy(table.items)
    for key, items in table.items.items():
        twin.items[key] = copy.copy(items)
    return twin


def main():
    Table.__deepcopy__ = copied_by_item
    parser = argparse.ArgumentParser(description="DynamoDB on this machine, for tests.")
    parser.add_argument("--port", type=int, required=True)
    application = DomainDispatcherApplication(create_backend_app)
    run_simple("127.0.0.1", parser.parse_args().port, application, threaded=False)


if __name__ == "__main__":
    main()
