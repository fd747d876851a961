"""Creates a payment once, with Powertools' idempotency: claim, Stripe, settle, nudge, answer."""

import hashlib
import json
import os

import boto3
import stripe
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent

SECRET_KEPT_S = 300

logger = Logger(service="payment-initiator")
sqs = boto3.client("sqs")
store = DynamoDBPersistenceLayer(table_name=os.environ["TABLE_NAME"])
config = IdempotencyConfig(event_key_jmespath='headers."Idempotency-Key"', payload_validation_jmespath="body")
client = None


def stripe_client():
    global client
    keys = json.loads(parameters.get_secret(os.environ["STRIPE_SECRET_ID"], max_age=SECRET_KEPT_S))
    if client is None:
        client = stripe.StripeClient(keys["api_key"], base_addresses={"api": os.environ["STRIPE_API_BASE"]})
    return client


@logger.inject_lambda_context
@idempotent(config=config, persistence_store=store)
def handler(event, context):
    asked = json.loads(event["body"])
    order, amount = asked["order_id"], asked["amount"]
    payment = "pay_" + hashlib.sha256(order.encode()).hexdigest()[:26]
    intent = stripe_client().v1.payment_intents.create(
        params={
            "amount": amount["value"], "currency": amount["currency"].lower(), "description": asked["description"],
            "automatic_payment_methods": {"enabled": True}, "metadata": {"order": order, "payment": payment},
        },
        options={"idempotency_key": payment},
    )
    sqs.send_message(QueueUrl=os.environ["INBOUND_EVENTS_QUEUE_URL"], MessageBody=json.dumps({"intent_id": payment}))
    logger.info("payment created")
    view = {"payment_id": payment, "order_id": order, "status": intent.status, "amount": amount,
            "client_secret": intent.client_secret}
    return {"statusCode": 201, "headers": {"Content-Type": "application/json"}, "body": json.dumps(view)}
