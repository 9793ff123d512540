"""The template for people without the CDK, deployed to ministack as docs/deploying.md says. Prints JSON.

    python3 template.py create TEMPLATE ZIPS VERSION   uploads the template and the zips, makes the stack: its outputs
    python3 template.py function ZIP                   makes a function that has what the outputs name
    python3 template.py invoke                         invokes it
    python3 template.py update                         sets every other parameter: what changed
    python3 template.py delete                         deletes function and stack: what is left
"""

import json
import os
import sys

import botocore.session

STACK, BUCKET, PREFIX, FUNCTION = "telemetry", "releases", "ours/", "orders"
SESSION = botocore.session.get_session()


def client(service):
    return SESSION.create_client(service, os.environ["AWS_REGION"], endpoint_url=os.environ["AWS_ENDPOINT_URL"])


CFN, IAM, LAMBDA = client("cloudformation"), client("iam"), client("lambda")


def upload(key, path):
    with open(path, "rb") as file:
        client("s3").put_object(Bucket=BUCKET, Key=key, Body=file.read())
    return f"https://s3.{os.environ['AWS_REGION']}.amazonaws.com/{BUCKET}/{key}"


def wait(what):
    CFN.get_waiter(f"stack_{what}_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 120})


def parameters(**values):
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]


def outputs():
    found = CFN.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    return {it["OutputKey"]: it["OutputValue"] for it in found}


def create(template, zips, version):
    place = {"LocationConstraint": os.environ["AWS_REGION"]}
    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    for name in (it for it in os.listdir(zips) if it.endswith(".zip")):
        upload(f"{PREFIX}{version}/{name}", os.path.join(zips, name))
    url = upload("kinesis-telemetry.template.yaml", template)
    CFN.create_stack(
        StackName=STACK, TemplateURL=url, Capabilities=["CAPABILITY_IAM"],
        Parameters=parameters(LayerBucket=BUCKET, LayerPrefix=PREFIX),
    )
    wait("create")
    return outputs()


def function(path):
    made = outputs()
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = IAM.create_role(RoleName=FUNCTION, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    IAM.attach_role_policy(RoleName=FUNCTION, PolicyArn=made["PolicyArn"])
    with open(path, "rb") as file:
        LAMBDA.create_function(
            FunctionName=FUNCTION, Runtime="provided.al2023", Architectures=["x86_64"], Role=role, Handler="bootstrap",
            Code={"ZipFile": file.read()}, Timeout=30, Layers=[made["LayerArnX8664"]],
            Environment={"Variables": dict(it.split("=", 1) for it in made["Variables"].split(","))},
        )


def invoke():
    LAMBDA.invoke(FunctionName=FUNCTION, Payload=b'{"lines": 2}')


def update():
    topic = client("sns").create_topic(Name="alarms")["TopicArn"]
    before = {it["LogicalResourceId"] for it in CFN.list_stack_resources(StackName=STACK)["StackResourceSummaries"]}
    kept = [{"ParameterKey": name, "UsePreviousValue": True} for name in ("LayerBucket", "LayerPrefix")]
    chosen = parameters(RetentionHours="48", AlarmTopicArn=topic, CheckCompleteness="true")
    CFN.update_stack(StackName=STACK, UsePreviousTemplate=True, Capabilities=["CAPABILITY_IAM"], Parameters=kept + chosen)
    wait("update")
    after = {it["LogicalResourceId"] for it in CFN.list_stack_resources(StackName=STACK)["StackResourceSummaries"]}
    stream = client("kinesis").describe_stream_summary(StreamARN=outputs()["StreamArn"])["StreamDescriptionSummary"]
    alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {
        "new": sorted(after - before),
        "gone": sorted(before - after),
        "retention": stream["RetentionPeriodHours"],
        "alarms": len(alarms),
        "notifying": len([it for it in alarms if it["AlarmActions"] == [topic]]),
    }


def delete():
    made = outputs()
    LAMBDA.delete_function(FunctionName=FUNCTION)
    IAM.detach_role_policy(RoleName=FUNCTION, PolicyArn=made["PolicyArn"])
    CFN.delete_stack(StackName=STACK)
    wait("delete")
    return {
        "streams": len(client("kinesis").list_streams()["StreamNames"]),
        "queues": len(client("sqs").list_queues().get("QueueUrls", [])),
        "layers": len(LAMBDA.list_layers()["Layers"]),
        "functions": len(LAMBDA.list_functions()["Functions"]),
        "policies": len(IAM.list_policies(Scope="Local")["Policies"]),
        "alarms": len(client("cloudwatch").describe_alarms()["MetricAlarms"]),
        "parameters": len(client("ssm").get_parameters_by_path(Path="/telemetry", Recursive=True)["Parameters"]),
    }


ACTS = {it.__name__: it for it in (create, function, invoke, update, delete)}
json.dump(ACTS[sys.argv[1]](*sys.argv[2:]), sys.stdout)
