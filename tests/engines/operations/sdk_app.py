"""A server as an SDK sees it, which has nothing but its environment: `sdk_app.py FIRST COUNT`. It answers so many requests, one of ten with an error."""

import random
import sys
from importlib.metadata import entry_points

from opentelemetry import trace
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

(configurator,) = entry_points(group="opentelemetry_configurator", name="configurator")
configurator.load()().configure()


def answer(environ, start_response):
    start_response("500 Failed" if environ["HTTP_X_REQUEST_ID"].endswith("0") else "200 OK", [])
    return [b""]


dice = random.Random(61)
app = OpenTelemetryMiddleware(answer)
for number in range(int(sys.argv[1]), int(sys.argv[1]) + int(sys.argv[2])):
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/mcp", "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_X_REQUEST_ID": f"req-{number}"}
    # A caller that was not sampled, as a client's own SDK says it.
    if number % 2:
        environ["HTTP_TRACEPARENT"] = f"00-{dice.getrandbits(128):032x}-{dice.getrandbits(64):016x}-00"
    for _ in app(environ, lambda *_: None):
        pass
trace.get_tracer_provider().shutdown()
