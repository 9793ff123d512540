"""An extension that is not ours: keeps the telemetry that it is given, and writes it down at SHUTDOWN."""
import http.client
import http.server
import json
import os
import threading
import time

received = []


class Listener(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        received.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


def call(method, path, headers, body=None):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(method, path, body and json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.headers, answer.read()


server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Listener)
threading.Thread(target=server.serve_forever, daemon=True).start()
headers, _ = call(
    "POST",
    "/2020-01-01/extension/register",
    {"Lambda-Extension-Name": os.path.basename(__file__)},
    {"events": ["INVOKE", "SHUTDOWN"]},
)
identity = {"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}
uri = "http://sandbox.localdomain:%d/" % server.server_port
call(
    "PUT",
    "/2022-07-01/telemetry",
    identity,
    {
        "schemaVersion": "2022-12-13",
        "destination": {"protocol": "HTTP", "URI": uri},
        "types": ["platform", "function", "extension"],
        "buffering": {"timeoutMs": 25},
    },
)
print("python extension is ready", flush=True)
while True:
    _, body = call("GET", "/2020-01-01/extension/event/next", identity)
    if json.loads(body)["eventType"] == "SHUTDOWN":
        break
if os.environ.get("STUBBORN"):
    time.sleep(60)
# The report of the last invocation may come after SHUTDOWN.
while not any(event["type"] == "platform.report" for event in received):
    time.sleep(0.01)
with open(os.environ["OUT"], "w") as out:
    json.dump({"events": received, "environment": dict(os.environ)}, out)
