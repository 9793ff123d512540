"""Changes the deployment for the end-to-end test: breaks permissions, and makes dead letters. Prints JSON."""

import base64
import gzip
import json
import os
import sys

import botocore.session

ROOT = "/telemetry/kinesis/"


def client(service):
    session = botocore.session.get_session()
    return session.create_client(
        service, os.environ["AWS_REGION"], endpoint_url=os.environ["AWS_ENDPOINT_URL"]
    )


def parameter(name):
    return client("ssm").get_parameter(Name=ROOT + name)["Parameter"]["Value"]


def send(body, **attributes):
    values = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    client("sqs").send_message(QueueUrl=parameter("dead-letters/url"), MessageBody=body, MessageAttributes=values)


def event(seq):
    source = {"function": "letter", "version": "1", "instance": "dead", "seq": seq}
    return json.dumps({"type": "function", "record": "x", "source": source}, separators=(",", ":")) + "\n"


def letters():
    """Sends a whole record in two pieces, a piece whose other piece is missing, and a message that is no letter."""
    body = base64.b64encode(gzip.compress((event(7) + event(8)).encode())).decode()
    common = {"Stream": parameter("stream/arn"), "PartitionKey": "key-1", "Encoding": "base64", "Pieces": "2"}
    send(body[50:], **common, Record="dead-7-8-0", Piece="2")
    send(body[:50], **common, Record="dead-7-8-0", Piece="1")
    send("half", **common, Record="alone-1-1-0", Piece="1")
    send("lost property")


def role():
    name = parameter("test-function/name")
    return client("lambda").get_function_configuration(FunctionName=name)["Role"].rsplit("/", 1)[1]


def consumers():
    found = client("kinesis").list_stream_consumers(StreamARN=parameter("stream/arn"))
    return len(found["Consumers"])


def lent():
    """Credentials of a role that may do nothing."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = client("iam").create_role(RoleName="without-permissions", AssumeRolePolicyDocument=document)["Role"]
    answer = client("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="test")["Credentials"]
    return {name: answer[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}


ACTS = {
    "letters": letters,
    "consumers": consumers,
    "lent": lent,
    "purge": lambda: client("sqs").purge_queue(QueueUrl=parameter("dead-letters/url")) and None,
    "detach": lambda arn: client("iam").detach_role_policy(RoleName=role(), PolicyArn=arn) and None,
    "attach": lambda arn: client("iam").attach_role_policy(RoleName=role(), PolicyArn=arn) and None,
}
json.dump(ACTS[sys.argv[1]](*sys.argv[2:]), sys.stdout)
