"""Receives what Stripe tells: verify, queue, acknowledge. boto3 and the standard library, nothing else."""

import hashlib
import hmac
import json
import os
import time

import boto3

TOLERANCE_S = 300

sqs = boto3.client("sqs")
secrets = boto3.client("secretsmanager")
queue_url = os.environ["INBOUND_EVENTS_QUEUE_URL"]
signing_secrets = None


def live_secrets():
    """Read at the first event, then kept."""
    global signing_secrets
    if signing_secrets is None:
        answer = secrets.get_secret_value(SecretId=os.environ["STRIPE_SECRET_ID"])
        keys = json.loads(answer["SecretString"])
        signing_secrets = [entry["secret"].encode() for entry in keys["webhook_secrets"]]
    return signing_secrets


def is_signed(header, body):
    parts = [part.split("=", 1) for part in header.split(",") if "=" in part]
    timestamp = next((value for name, value in parts if name == "t"), "")
    signatures = [value for name, value in parts if name == "v1"]
    if not timestamp.isdigit() or time.time() - int(timestamp) > TOLERANCE_S:
        return False
    payload = timestamp.encode() + b"." + body
    wanted = [hmac.new(secret, payload, hashlib.sha256).hexdigest() for secret in live_secrets()]
    return any(hmac.compare_digest(one, other) for one in wanted for other in signatures)


def handler(event, context):
    body = event["body"]
    if not is_signed(event["headers"].get("stripe-signature", ""), body.encode()):
        return {"statusCode": 400, "body": ""}
    attributes = {
        "type": {"DataType": "String", "StringValue": "stripe"},
        "correlation": {"DataType": "String", "StringValue": context.aws_request_id},
    }
    sqs.send_message(QueueUrl=queue_url, MessageBody=body, MessageAttributes=attributes)
    print(json.dumps({"level": "INFO", "message": "webhook accepted", "correlation_id": context.aws_request_id}))
    return {"statusCode": 200, "body": ""}
