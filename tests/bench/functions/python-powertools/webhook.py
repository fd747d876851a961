"""Receives what Stripe tells: verify, queue, acknowledge. Powertools and Stripe's own SDK."""

import json
import os

import boto3
import stripe
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.data_classes import LambdaFunctionUrlEvent, event_source

SECRET_KEPT_S = 300

logger = Logger(service="stripe-webhook")
sqs = boto3.client("sqs")
queue_url = os.environ["INBOUND_EVENTS_QUEUE_URL"]


@logger.inject_lambda_context
@event_source(data_class=LambdaFunctionUrlEvent)
def handler(event, context):
    keys = json.loads(parameters.get_secret(os.environ["STRIPE_SECRET_ID"], max_age=SECRET_KEPT_S))
    secret = keys["webhook_secrets"][0]["secret"]
    try:
        stripe.Webhook.construct_event(event.body, event.headers.get("stripe-signature", ""), secret)
    except (ValueError, stripe.SignatureVerificationError):
        return {"statusCode": 400, "body": ""}
    attributes = {
        "type": {"DataType": "String", "StringValue": "stripe"},
        "correlation": {"DataType": "String", "StringValue": context.aws_request_id},
    }
    sqs.send_message(QueueUrl=queue_url, MessageBody=event.body, MessageAttributes=attributes)
    logger.info("webhook accepted")
    return {"statusCode": 200, "body": ""}
