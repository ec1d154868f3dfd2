"""A server between the real binary and the simulated organization that rewrites answers: what a hostile or newer source
would say, over the wire."""

import http.server
import json
import threading
import urllib.error
import urllib.request

HOP = {"connection", "content-length", "host", "transfer-encoding"}


class RewritingProxy:
    """Answers as `upstream` does, with JSON bodies passed through `rewrite(operation, document) -> document`."""

    def __init__(self, upstream, rewrite):
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                proxy._answer(self)

            def log_message(self, *_):
                pass

        self.upstream, self.rewrite = upstream, rewrite
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def _answer(self, asked):
        body = asked.rfile.read(int(asked.headers["content-length"] or 0))
        headers = {name: value for name, value in asked.headers.items() if name.lower() not in HOP}
        request = urllib.request.Request(self.upstream + asked.path, body, headers, method="POST")
        try:
            with urllib.request.urlopen(request) as answer:
                status, kind, content = answer.status, answer.headers.get("content-type"), answer.read()
        except urllib.error.HTTPError as error:
            status, kind, content = error.code, error.headers.get("content-type"), error.read()
        target = asked.headers.get("x-amz-target")
        if status == 200 and target:
            document = self.rewrite(target.rpartition(".")[2], json.loads(content))
            content = json.dumps(document).encode()
        asked.send_response(status)
        asked.send_header("content-type", kind or "application/x-amz-json-1.1")
        asked.send_header("content-length", str(len(content)))
        asked.end_headers()
        asked.wfile.write(content)
