// Receives what Stripe tells: verify, queue, acknowledge.
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import Stripe from "stripe";
import { stripeKeys } from "./secret.mjs";

const sqs = new SQSClient({});
const stripe = new Stripe("sk_test_unused");
const string = (value) => ({ DataType: "String", StringValue: value });

export async function handler(event, context) {
  const secret = (await stripeKeys()).webhook_secrets[0].secret;
  try {
    stripe.webhooks.constructEvent(event.body, event.headers["stripe-signature"], secret);
  } catch {
    return { statusCode: 400, body: "" };
  }
  const message = {
    QueueUrl: process.env.INBOUND_EVENTS_QUEUE_URL,
    MessageBody: event.body,
    MessageAttributes: { type: string("stripe"), correlation: string(context.awsRequestId) },
  };
  await sqs.send(new SendMessageCommand(message));
  console.log(JSON.stringify({ level: "INFO", message: "webhook accepted", correlation_id: context.awsRequestId }));
  return { statusCode: 200, body: "" };
}
