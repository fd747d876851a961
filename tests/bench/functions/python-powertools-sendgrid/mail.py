"""Sends the mails that are due, with Powertools' batches and SendGrid's own SDK: claim, read, send, settle."""

import html
import json
import os
import time

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from boto3.dynamodb.types import TypeDeserializer
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Category, Content, CustomArg, From, Mail, To

LEASE_MS = 15_000
KEPT_S = 35 * 24 * 3600
SECRET_KEPT_S = 300

logger = Logger(service="email-sender")
processor = BatchProcessor(event_type=EventType.SQS)
dynamodb = boto3.client("dynamodb")
read = TypeDeserializer().deserialize
table = os.environ["TABLE_NAME"]
shop = os.environ["SHOP_NAME"]
client = None


def sendgrid():
    global client
    keys = json.loads(parameters.get_secret(os.environ["SENDGRID_SECRET_ID"], max_age=SECRET_KEPT_S))
    if client is None:
        client = SendGridAPIClient(keys["transactional_api_key"], host=os.environ["SENDGRID_API_BASE"])
    return client


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
    content = Mail(
        from_email=From(os.environ["MAIL_FROM"], os.environ["MAIL_FROM_NAME"]),
        to_emails=To(contact["address"], contact["name"]),
        subject=f"Your order {order} at {shop}",
        plain_text_content=Content("text/plain", f"{hello}\n\n{said}\n\n{shop}\n"),
        html_content=Content("text/html", "".join(f"<p>{html.escape(part)}</p>" for part in (hello, said, shop))),
    )
    content.category = Category(message["kind"])
    content.custom_arg = [CustomArg("crossdock_stack", os.environ["STACK_ID"]), CustomArg("crossdock_order", order),
                          CustomArg("crossdock_intent", intent["intent_id"])]
    return content


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


def work(record, lambda_context):
    nudge = json.loads(record.body)
    owner = f"{lambda_context.aws_request_id}/{record.message_id}"
    intent = claim(nudge["intent_id"], owner, int(time.time() * 1000))
    if intent is None:
        return
    message, contact = subject(intent)
    answer = sendgrid().send(mail(intent, message, contact))
    settle(intent, message, owner, answer.headers["X-Message-Id"])
    logger.info("mail sent", extra={"correlation_id": nudge["correlation_id"]})


@logger.inject_lambda_context
def handler(event, context):
    return process_partial_response(event=event, record_handler=work, processor=processor, context=context)
