"""DynamoDB as moto knows it, one request after another: moto's transactions hold only while nobody else asks. The emulator's own
would need a Java machine. `python dynamodb.py --port N`."""

import argparse
import warnings

# It asks for extras of other services.
warnings.filterwarnings("ignore", message="When using MotoServer")

from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import run_simple  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description="DynamoDB on this machine, for tests.")
    parser.add_argument("--port", type=int, required=True)
    application = DomainDispatcherApplication(create_backend_app)
    run_simple("127.0.0.1", parser.parse_args().port, application, threaded=False)


if __name__ == "__main__":
    main()
