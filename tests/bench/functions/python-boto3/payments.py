"""Creates a payment once: claim in one transaction, Stripe, settle in one transaction, nudge, answer."""

import hashlib
import json
import os
import time
import urllib.parse

import boto3
import urllib3

KEPT_S = 24 * 3600

dynamodb = boto3.client("dynamodb")
sqs = boto3.client("sqs")
secrets = boto3.client("secretsmanager")
http = urllib3.PoolManager()
table = os.environ["TABLE_NAME"]
stripe_base = os.environ["STRIPE_API_BASE"]
api_key = None


def stripe_key():
    """Read at the first payment, then kept."""
    global api_key
    if api_key is None:
        answer = secrets.get_secret_value(SecretId=os.environ["STRIPE_SECRET_ID"])
        api_key = json.loads(answer["SecretString"])["api_key"]
    return api_key


def put_new(pk, sk, **attributes):
    item = {"pk": {"S": pk}, "sk": {"S": sk}, **attributes}
    return {"Put": {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}


def update(pk, sk, expression, names, values):
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    change = {"TableName": table, "Key": key, "UpdateExpression": expression, "ExpressionAttributeValues": values}
    return {"Update": {**change, **({"ExpressionAttributeNames": names} if names else {})}}


def handler(event, context):
    key = event["headers"]["Idempotency-Key"]
    asked = json.loads(event["body"])
    order, amount, customer = asked["order_id"], asked["amount"], asked["customer"]
    payment = "pay_" + hashlib.sha256(order.encode()).hexdigest()[:26]
    now = int(time.time())
    request_hash = hashlib.sha256(event["body"].encode()).hexdigest()
    subject = {"S": order}
    claimed = [
        put_new(f"REQUEST#{key}", "REQUEST", hash={"S": request_hash}, thing={"S": payment}),
        put_new(f"PAYMENT#{payment}", "PAYMENT", order=subject, amount={"N": str(amount["value"])},
                currency={"S": amount["currency"]}, customer={"S": customer["id"]}, status={"S": "processing"}),
        put_new(f"INTENT#{payment}", "INTENT", phase={"S": "CALLING"}, data={"S": event["body"]}),
        put_new(f"ORDER#{order}", f"T#{now}#requested", event={"S": "payment.requested"}),
    ]
    dynamodb.transact_write_items(TransactItems=claimed)

    form = {
        "amount": amount["value"], "currency": amount["currency"].lower(), "description": asked["description"],
        "automatic_payment_methods[enabled]": "true", "metadata[order]": order, "metadata[payment]": payment,
    }
    answer = http.request(
        "POST", f"{stripe_base}/v1/payment_intents", body=urllib.parse.urlencode(form), timeout=8.0, retries=False,
        headers={"Authorization": f"Bearer {stripe_key()}", "Idempotency-Key": payment,
                 "Content-Type": "application/x-www-form-urlencoded", "Stripe-Version": "2024-10-28.acacia"},
    )
    intent = answer.json()
    view = {"payment_id": payment, "order_id": order, "status": intent["status"], "amount": amount,
            "client_secret": intent["client_secret"]}

    settled = [
        update(f"INTENT#{payment}", "INTENT", "SET phase = :p", None, {":p": {"S": "DONE"}}),
        update(f"PAYMENT#{payment}", "PAYMENT", "SET #s = :s, vendor_id = :v", {"#s": "status"},
               {":s": {"S": intent["status"]}, ":v": {"S": intent["id"]}}),
        put_new(f"REF#stripe#{intent['id']}", "REF", object={"S": payment}),
        put_new(f"ORDER#{order}", f"T#{now}#created", event={"S": "payment.created"}),
        update(f"REQUEST#{key}", "REQUEST", "SET answer = :a, expires = :e", None,
               {":a": {"S": json.dumps(view)}, ":e": {"N": str(now + KEPT_S)}}),
    ]
    dynamodb.transact_write_items(TransactItems=settled)
    sqs.send_message(QueueUrl=os.environ["INBOUND_EVENTS_QUEUE_URL"], MessageBody=json.dumps({"intent_id": payment}))
    print(json.dumps({"level": "INFO", "message": "payment created", "correlation_id": context.aws_request_id}))
    return {"statusCode": 201, "headers": {"Content-Type": "application/json"}, "body": json.dumps(view)}
