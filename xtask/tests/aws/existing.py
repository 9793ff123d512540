"""Functions that exist before the extension comes, and a deployment for them, in ministack. Prints their state as JSON.

    python3 existing.py setup | newer | state
    python3 existing.py lively LAYER_ZIP FUNCTION_ZIP   a function that runs, and the real layer
    python3 existing.py invoke NAME
"""

import io
import json
import os
import sys
import zipfile

import botocore.session

ROOT = "/telemetry/kinesis/"
ROLES = ("shared", "plain")


def client(service):
    session = botocore.session.get_session()
    return session.create_client(
        service, os.environ["AWS_REGION"], endpoint_url=os.environ["AWS_ENDPOINT_URL"]
    )


LAMBDA, IAM, SSM = client("lambda"), client("iam"), client("ssm")


def code():
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as target:
        target.writestr("index.py", "def handler(event, context):\n    return 1\n")
    return zipped.getvalue()


def layer(name, content=None):
    content = {"ZipFile": content or code()}
    return LAMBDA.publish_layer_version(LayerName=name, Content=content)["LayerVersionArn"]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def parameter(name, value):
    SSM.put_parameter(Name=ROOT + name, Value=value, Type="String", Overwrite=True)


def document(action, **more):
    statement = {"Effect": "Allow", "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def setup():
    x86_64, arm64 = (layer(f"kinesis-telemetry-extension-{it}") for it in ("x86_64", "arm64"))
    others = [layer(name) for name in ("zeta", "alpha")]
    policy = IAM.create_policy(
        PolicyName="telemetry", PolicyDocument=document("kinesis:PutRecords", Resource="*")
    )["Policy"]["Arn"]
    trust = document("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
    roles = {name: IAM.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"] for name in ROLES}
    for name, architecture, layers, role, tags in (
        ("orders", "x86_64", others, "shared", {}),
        ("invoices", "arm64", [], "shared", {}),
        ("plain", "x86_64", [], "plain", {}),
        ("stacked", "x86_64", [], "plain", {"aws:cloudformation:stack-name": "shop"}),
    ):
        LAMBDA.create_function(
            FunctionName=name, Runtime="python3.12", Role=roles[role], Handler="index.handler",
            Code={"ZipFile": code()}, Architectures=[architecture], Layers=layers, Tags=tags,
            Environment={"Variables": {"TABLE": name}},
        )
    place = f"{os.environ['AWS_REGION']}:{x86_64.split(':')[4]}"
    parameter("extension/arn", x86_64)
    parameter("extension/x86_64/arn", x86_64)
    parameter("extension/arm64/arn", arm64)
    parameter("runtime/policy/arn", policy)
    parameter("stream/arn", f"arn:aws:kinesis:{place}:stream/telemetry")
    parameter("stack/name", "Telemetry")


def newer():
    parameter("extension/x86_64/arn", layer("kinesis-telemetry-extension-x86_64"))


def lively(layer_zip, function_zip):
    parameter("extension/x86_64/arn", layer("kinesis-telemetry-extension-x86_64", read(layer_zip)))
    client("kinesis").create_stream(StreamName="telemetry", ShardCount=1)
    LAMBDA.create_function(
        FunctionName="lively", Runtime="provided.al2023", Role=IAM.get_role(RoleName="plain")["Role"]["Arn"],
        Handler="bootstrap", Code={"ZipFile": read(function_zip)}, Architectures=["x86_64"], Timeout=30,
    )


def invoke(name):
    for _ in range(3):
        LAMBDA.invoke(FunctionName=name, Payload=b'{"lines": 2}')


def state():
    """Layers and variables of each function, and the policies of each role."""
    found = {}
    for function in LAMBDA.list_functions()["Functions"]:
        layers = [it["Arn"].split(":layer:")[1] for it in function.get("Layers", [])]
        variables = function.get("Environment", {}).get("Variables", {})
        found[function["FunctionName"]] = {"layers": layers, "variables": variables}
    made = {it["RoleName"] for it in IAM.list_roles()["Roles"]}
    for role in made.intersection(ROLES):
        attached = IAM.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        found[role + " role"] = [it["PolicyName"] for it in attached]
    return found


ACTS = {"setup": setup, "newer": newer, "lively": lively, "invoke": invoke, "state": lambda: None}
ACTS[sys.argv[1]](*sys.argv[2:])
json.dump(state(), sys.stdout)
