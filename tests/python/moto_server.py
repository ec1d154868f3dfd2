"""AWS as moto knows it, a server that we did not write, on a port of its own and with nothing in it."""

import contextlib

import boto3
from moto.moto_api._internal import moto_api_backend
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "example"}


class Moto:
    def __init__(self, url):
        self.url = url

    def client(self, service, region):
        return boto3.client(service, endpoint_url=self.url, region_name=region, **KEYS)


@contextlib.contextmanager
def moto_server():
    """A server for the time of the context. What servers of one process hold, they share: it begins empty."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with _roots_as_aws_names_them():
        moto_api_backend.reset()
        server.start()
        host, port = server.get_host_and_port()
        yield Moto(f"http://{host}:{port}")
        server.stop()


@contextlib.contextmanager
def _roots_as_aws_names_them():
    """moto names the root of one answer otherwise than AWS, which boto3 overlooks and stricter clients refuse."""
    serialized = S3Response.serialized

    def renamed(self, result):
        status, headers, body = serialized(self, result)
        other, own = "CompleteMultipartUploadResponse", "CompleteMultipartUploadResult"
        if isinstance(body, bytes):
            other, own = other.encode(), own.encode()
        return status, headers, body.replace(other, own)

    S3Response.serialized = renamed
    try:
        yield
    finally:
        S3Response.serialized = serialized
