"""Lambda's runtime interface for one function at a time: hands it payloads and keeps its answers."""

import http.server
import json
import queue
import subprocess
import threading

PATH = "/2018-06-01/runtime/"


class Function:
    """A function's real binary as a process. Its output is its log."""

    def __init__(self, binary, environment):
        self.payloads, self.answers, self.log = queue.Queue(), queue.Queue(), []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        of_lambda = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "function",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_GROUP_NAME": "group",
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
        }
        self.process = subprocess.Popen(
            [binary], env={**environment, **of_lambda}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stdout), daemon=True)
        self.reader.start()

    def invoke(self, payload):
        """The answer, or the error with its `errorType`."""
        self.payloads.put(payload)
        return self.answers.get(timeout=60)

    def end(self):
        """Ends the process; everything that it logged."""
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.server.shutdown()
        return "".join(self.log)

    def _handler(self):
        payloads, answers = self.payloads, self.answers

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                assert self.path == f"{PATH}invocation/next"
                body = json.dumps(payloads.get()).encode()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "request-1")
                self.send_header("Lambda-Runtime-Deadline-Ms", "99999999999999")
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answers.put(json.loads(body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

        return Handler
