"""Puts the sandbox in place of a function that is deployed to ministack, with the code and the layers that are deployed.

    python3 stand_in.py FUNCTION SANDBOX

ministack runs the `bootstrap` of a function, and has neither layers for it nor an Extensions or a Telemetry API. So its code
becomes: the program SANDBOX as `bootstrap`; its own bootstrap as `function`; its layers under `opt`; and `function.json`, which
says what Lambda would do for it and ministack does not. Nothing of the function's configuration is touched.
"""

import io
import json
import os
import ssl
import sys
import urllib.request
import zipfile
from urllib.parse import urlsplit

import botocore.session


def client(service):
    session = botocore.session.get_session()
    return session.create_client(
        service, os.environ["AWS_REGION"], endpoint_url=os.environ["AWS_ENDPOINT_URL"]
    )


def download(location):
    """What ministack says is there. It names a host and a scheme of its own, whatever those are that it listens on."""
    endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    url = urlsplit(location)._replace(scheme=endpoint.scheme, netloc=endpoint.netloc).geturl()
    trusted = None
    if endpoint.scheme == "https":
        trusted = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    with urllib.request.urlopen(url, context=trusted) as answer:
        return zipfile.ZipFile(io.BytesIO(answer.read()))


def put(target, name, data, mode=0o755):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    target.writestr(entry, data, zipfile.ZIP_DEFLATED, 1)


def main(name, sandbox):
    aws_lambda = client("lambda")
    function = aws_lambda.get_function(FunctionName=name)
    configuration = function["Configuration"]
    code = download(function["Code"]["Location"])
    names = []
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as target:
        with open(sandbox, "rb") as program:
            put(target, "bootstrap", program.read())
        put(target, "function", code.read("bootstrap"))
        for layer in configuration["Layers"]:
            version = aws_lambda.get_layer_version_by_arn(Arn=layer["Arn"])
            zipped = download(version["Content"]["Location"])
            for entry in zipped.infolist():
                put(target, f"opt/{entry.filename}", zipped.read(entry), entry.external_attr >> 16)
                names.append(entry.filename)
        settings = {
            # A second sooner than ministack, which would end the sandbox together with the function.
            "timeoutSeconds": max(1, configuration["Timeout"] - 1),
            "logFormat": configuration.get("LoggingConfig", {}).get("LogFormat", "Text"),
        }
        put(target, "function.json", json.dumps(settings), 0o644)
    aws_lambda.update_function_code(FunctionName=name, ZipFile=whole.getvalue())
    json.dump({"layers": [it["Arn"] for it in configuration["Layers"]], "files": names}, sys.stdout)


main(*sys.argv[1:])
