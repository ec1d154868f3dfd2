"""Servers of tests on this machine, in threads of their own."""

import http.server
import threading


class LoopbackServer:
    """Serves `answer(asked) -> (status, content type, body)` for every POST while it is entered; `asked` is the request's
    handler, and `body_of(asked)` what came with it."""

    def __init__(self):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                status, kind, content = server.answer(self)
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def body_of(asked):
    return asked.rfile.read(int(asked.headers["content-length"] or 0))


def operation_of(asked):
    """The operation of a request in one of AWS's JSON protocols."""
    return (asked.headers["x-amz-target"] or "").rpartition(".")[2]
