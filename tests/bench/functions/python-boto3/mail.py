"""Sends the mails that are due: claim, message and contact in one read, SendGrid, settle in one transaction."""

import html
import json
import os
import time

import boto3
import urllib3
from boto3.dynamodb.types import TypeDeserializer

LEASE_MS = 15_000
KEPT_S = 35 * 24 * 3600

dynamodb = boto3.client("dynamodb")
secrets = boto3.client("secretsmanager")
http = urllib3.PoolManager()
read = TypeDeserializer().deserialize
table = os.environ["TABLE_NAME"]
sendgrid_base = os.environ["SENDGRID_API_BASE"]
shop = os.environ["SHOP_NAME"]
api_key = None


def sendgrid_key():
    """Read at the first mail, then kept."""
    global api_key
    if api_key is None:
        answer = secrets.get_secret_value(SecretId=os.environ["SENDGRID_SECRET_ID"])
        api_key = json.loads(answer["SecretString"])["transactional_api_key"]
    return api_key


def key(pk, sk):
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def plain(item):
    return {name: read(value) for name, value in item.items()}


def claim(intent_id, owner, now):
    """The intent, marked before any call leaves; none when there is nothing to do now."""
    try:
        answer = dynamodb.update_item(
            TableName=table, Key=key(f"INTENT#{intent_id}", "INTENT"), ReturnValues="ALL_NEW",
            UpdateExpression="SET phase = :calling, #o = :owner, lease_until = :until, due = :until "
                             "ADD epoch :one, claims :one",
            ConditionExpression="phase = :ready AND due <= :now AND give_up_at > :now",
            ExpressionAttributeNames={"#o": "owner"},
            ExpressionAttributeValues={
                ":calling": {"S": "CALLING"}, ":ready": {"S": "READY"}, ":owner": {"S": owner}, ":one": {"N": "1"},
                ":now": {"N": str(now)}, ":until": {"N": str(now + LEASE_MS)},
            },
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return None
    return plain(answer["Attributes"])


def subject(intent):
    """Message and contact."""
    data = intent["data"]
    keys = [key(f"MESSAGE#{data['message_id']}", "MESSAGE"), key(f"CONTACT#{data['contact_id']}", "CONTACT")]
    answer = dynamodb.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
    items = {item["type"]: item for item in map(plain, answer["Responses"][table])}
    return items["message"], items["contact"]


def mail(intent, message, contact):
    amount, order = message["content"]["amount"], message["order_id"]
    hello = f"Hello {contact['name']},"
    said = (f"Thank you. We have received your order {order} and your payment of "
            f"{amount['value'] / 100:.2f} {amount['currency']}.")
    args = {"crossdock_stack": os.environ["STACK_ID"], "crossdock_order": order,
            "crossdock_intent": intent["intent_id"]}
    text = f"{hello}\n\n{said}\n\n{shop}\n"
    rich = "".join(f"<p>{html.escape(part)}</p>" for part in (hello, said, shop))
    return {
        "personalizations": [{"to": [{"email": contact["address"], "name": contact["name"]}], "custom_args": args}],
        "from": {"email": os.environ["MAIL_FROM"], "name": os.environ["MAIL_FROM_NAME"]},
        "subject": f"Your order {order} at {shop}",
        "content": [{"type": "text/plain", "value": text}, {"type": "text/html", "value": rich}],
        "categories": [message["kind"]],
    }


def send(content):
    answer = http.request(
        "POST", f"{sendgrid_base}/v3/mail/send", body=json.dumps(content), timeout=10.0, retries=False,
        headers={"Authorization": f"Bearer {sendgrid_key()}", "Content-Type": "application/json"},
    )
    if answer.status != 202:
        raise RuntimeError(f"SendGrid answered {answer.status}")
    return answer.headers["X-Message-Id"]


def settle(intent, message, owner, vendor_id):
    now = int(time.time() * 1000)
    sent = {":s": {"S": "sent"}, ":v": {"S": vendor_id}, ":n": {"N": str(now)}, ":one": {"N": "1"},
            ":version": {"N": str(message["version"])}}
    done = {":d": {"S": "DONE"}, ":c": {"S": "CALLING"}, ":o": {"S": owner}, ":e": {"N": str(intent["epoch"])},
            ":v": {"S": vendor_id}, ":x": {"N": str(now // 1000 + KEPT_S)}}
    row = {**key(f"ORDER#{message['order_id']}", f"T#{now}#{message['message_id']}"), "event": {"S": "message.sent"}}
    ref = {**key(f"REF#sendgrid#{vendor_id}", "REF"), "object": {"S": message["message_id"]}}
    unless_there = "attribute_not_exists(pk)"
    dynamodb.transact_write_items(TransactItems=[
        {"Update": {"TableName": table, "Key": key(f"INTENT#{intent['intent_id']}", "INTENT"),
                    "UpdateExpression": "SET phase = :d, vendor_id = :v, expires = :x REMOVE due_pk",
                    "ConditionExpression": "#o = :o AND epoch = :e AND phase = :c",
                    "ExpressionAttributeNames": {"#o": "owner"}, "ExpressionAttributeValues": done}},
        {"Put": {"TableName": table, "Item": ref, "ConditionExpression": unless_there}},
        {"Put": {"TableName": table, "Item": row, "ConditionExpression": unless_there}},
        {"Update": {"TableName": table, "Key": key(f"MESSAGE#{message['message_id']}", "MESSAGE"),
                    "UpdateExpression": "SET #s = :s, vendor_id = :v, vendor_at = :n, updated_at = :n ADD version :one",
                    "ConditionExpression": "version = :version",
                    "ExpressionAttributeNames": {"#s": "status"}, "ExpressionAttributeValues": sent}},
    ])


def work(record, request_id):
    nudge = json.loads(record["body"])
    owner = f"{request_id}/{record['messageId']}"
    intent = claim(nudge["intent_id"], owner, int(time.time() * 1000))
    if intent is None:
        return
    message, contact = subject(intent)
    vendor_id = send(mail(intent, message, contact))
    settle(intent, message, owner, vendor_id)
    print(json.dumps({"level": "INFO", "message": "mail sent", "correlation_id": nudge["correlation_id"]}))


def handler(event, context):
    failed = []
    for record in event["Records"]:
        try:
            work(record, context.aws_request_id)
        except Exception as error:
            print(json.dumps({"level": "ERROR", "message": "a record failed", "error": str(error)}))
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
