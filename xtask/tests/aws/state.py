"""What is deployed, what the function's role may do, and what is left: one JSON document. The argument says which.

Two of them change something: another owner takes a name, and frees it.
"""

import json
import os
import sys

import botocore.session
from botocore.exceptions import ClientError

ROOT = "/telemetry/kinesis/"
TAKEN = f"{ROOT}stream/arn"


def client(service, credentials=None):
    """A client of the account, or of these credentials."""
    session = botocore.session.Session()
    if credentials:
        session.set_credentials(
            credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
        )
    return session.create_client(
        service, os.environ["AWS_REGION"], endpoint_url=os.environ["AWS_ENDPOINT_URL"]
    )


def parameters():
    found = client("ssm").get_parameters_by_path(Path=ROOT, Recursive=True, MaxResults=10)
    return {it["Name"]: it["Value"] for it in found["Parameters"]}


def function():
    name = parameters()[f"{ROOT}test-function/name"]
    return client("lambda").get_function_configuration(FunctionName=name)


def deployed():
    configuration = function()
    values = parameters()
    return {
        "parameters": values,
        "stream": values[f"{ROOT}stream/arn"],
        "function": {
            "role": configuration["Role"],
            "layers": [it["Arn"] for it in configuration.get("Layers", [])],
            "variables": configuration["Environment"]["Variables"],
        },
    }


def credentials_of(role):
    """Those that the function has. Its role is lent to services alone, so the account is let in first."""
    name = role.rsplit("/", 1)[1]
    trusted = {"Service": "lambda.amazonaws.com", "AWS": role.split(":")[4]}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trusted}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=document)
    return client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]


def is_allowed(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
            raise
        return False
    return True


def permissions():
    values = parameters()
    stream, queue = values[f"{ROOT}stream/arn"], values[f"{ROOT}dead-letters/url"]
    client("kinesis").create_stream(StreamName="another", ShardCount=1)
    another_stream = client("kinesis").describe_stream_summary(StreamName="another")
    another_stream = another_stream["StreamDescriptionSummary"]["StreamARN"]
    another_queue = client("sqs").create_queue(QueueName="another")["QueueUrl"]

    lent = credentials_of(function()["Role"])
    kinesis, sqs = client("kinesis", lent), client("sqs", lent)
    records = [{"Data": b"x", "PartitionKey": "x"}]
    return {
        "PutRecords on the stream": is_allowed(kinesis.put_records, StreamARN=stream, Records=records),
        "PutRecords on another stream": is_allowed(
            kinesis.put_records, StreamARN=another_stream, Records=records
        ),
        "PutRecord on the stream": is_allowed(
            kinesis.put_record, StreamARN=stream, Data=b"x", PartitionKey="x"
        ),
        "GetShardIterator on the stream": is_allowed(
            kinesis.get_shard_iterator,
            StreamARN=stream,
            ShardId="shardId-000000000000",
            ShardIteratorType="LATEST",
        ),
        "SendMessage to the dead-letter queue": is_allowed(
            sqs.send_message, QueueUrl=queue, MessageBody="x"
        ),
        "SendMessage to another queue": is_allowed(
            sqs.send_message, QueueUrl=another_queue, MessageBody="x"
        ),
        "ReceiveMessage from the dead-letter queue": is_allowed(sqs.receive_message, QueueUrl=queue),
    }


def taken():
    """Creates one of the names, as another owner."""
    client("ssm").put_parameter(Name=TAKEN, Value="theirs", Type="String")


def freed():
    """They have it no more, and had it to the end."""
    value = client("ssm").get_parameter(Name=TAKEN)["Parameter"]["Value"]
    client("ssm").delete_parameter(Name=TAKEN)
    return value


def left():
    stacks = client("cloudformation").list_stacks()["StackSummaries"]
    streams = client("kinesis").list_streams()["StreamNames"]
    layers = client("lambda").list_layers()["Layers"]
    return {
        "layers": [it["LayerName"] for it in layers],
        "stacks": [it["StackName"] for it in stacks if it["StackStatus"] != "DELETE_COMPLETE"],
        "streams": [name for name in streams if name != "another"],
    }


answers = [deployed, freed, left, permissions, taken]
json.dump({it.__name__: it for it in answers}[sys.argv[1]](), sys.stdout)
