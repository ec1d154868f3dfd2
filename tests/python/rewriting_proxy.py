"""A server between the real binary and the simulated organization that rewrites answers: what a hostile or newer source
would say, over the wire."""

import json
import urllib.error
import urllib.request

from loopback import LoopbackServer, body_of, operation_of

HOP = {"connection", "content-length", "host", "transfer-encoding"}


class RewritingProxy(LoopbackServer):
    """Answers as `upstream` does, with JSON bodies passed through `rewrite(operation, document) -> document`."""

    def __init__(self, upstream, rewrite):
        super().__init__()
        self.upstream, self.rewrite = upstream, rewrite

    def answer(self, asked):
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in HOP}
        request = urllib.request.Request(self.upstream + asked.path, body_of(asked), headers, method="POST")
        try:
            with urllib.request.urlopen(request) as answer:
                status, kind, content = answer.status, answer.headers.get("content-type"), answer.read()
        except urllib.error.HTTPError as error:
            status, kind, content = error.code, error.headers.get("content-type"), error.read()
        operation = operation_of(asked)
        if status == 200 and operation:
            content = json.dumps(self.rewrite(operation, json.loads(content))).encode()
        return status, kind or "application/x-amz-json-1.1", content
