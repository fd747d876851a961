// Creates a payment once: claim in one transaction, Stripe, settle in one transaction, nudge, answer.
import { createHash } from "node:crypto";
import { DynamoDBClient, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import Stripe from "stripe";
import { stripeKeys } from "./secret.mjs";

const KEPT_S = 24 * 3600;
const dynamodb = new DynamoDBClient({});
const sqs = new SQSClient({});
const TableName = process.env.TABLE_NAME;
let stripe;

async function stripeClient() {
  if (!stripe) {
    const base = new URL(process.env.STRIPE_API_BASE);
    const address = { protocol: base.protocol.slice(0, -1), host: base.hostname, port: base.port };
    stripe = new Stripe((await stripeKeys()).api_key, address);
  }
  return stripe;
}

const text = (value) => ({ S: value });
const hash = (value) => createHash("sha256").update(value).digest("hex");
const putNew = (pk, sk, attributes) => ({
  Put: { TableName, Item: { pk: text(pk), sk: text(sk), ...attributes }, ConditionExpression: "attribute_not_exists(pk)" },
});
const update = (pk, sk, UpdateExpression, ExpressionAttributeValues, ExpressionAttributeNames) => ({
  Update: { TableName, Key: { pk: text(pk), sk: text(sk) }, UpdateExpression, ExpressionAttributeValues, ExpressionAttributeNames },
});

export async function handler(event, context) {
  const key = event.headers["Idempotency-Key"];
  const { order_id: order, amount, customer, description } = JSON.parse(event.body);
  const payment = `pay_${hash(order).slice(0, 26)}`;
  const now = Math.floor(Date.now() / 1000);
  const claimed = [
    putNew(`REQUEST#${key}`, "REQUEST", { hash: text(hash(event.body)), thing: text(payment) }),
    putNew(`PAYMENT#${payment}`, "PAYMENT", {
      order: text(order), amount: { N: String(amount.value) }, currency: text(amount.currency),
      customer: text(customer.id), status: text("processing"),
    }),
    putNew(`INTENT#${payment}`, "INTENT", { phase: text("CALLING"), data: text(event.body) }),
    putNew(`ORDER#${order}`, `T#${now}#requested`, { event: text("payment.requested") }),
  ];
  await dynamodb.send(new TransactWriteItemsCommand({ TransactItems: claimed }));

  const intent = await (await stripeClient()).paymentIntents.create(
    {
      amount: amount.value, currency: amount.currency.toLowerCase(), description,
      automatic_payment_methods: { enabled: true }, metadata: { order, payment },
    },
    { idempotencyKey: payment },
  );
  const view = {
    payment_id: payment, order_id: order, status: intent.status, amount, client_secret: intent.client_secret,
  };

  const settled = [
    update(`INTENT#${payment}`, "INTENT", "SET phase = :p", { ":p": text("DONE") }),
    update(`PAYMENT#${payment}`, "PAYMENT", "SET #s = :s, vendor_id = :v",
      { ":s": text(intent.status), ":v": text(intent.id) }, { "#s": "status" }),
    putNew(`REF#stripe#${intent.id}`, "REF", { object: text(payment) }),
    putNew(`ORDER#${order}`, `T#${now}#created`, { event: text("payment.created") }),
    update(`REQUEST#${key}`, "REQUEST", "SET answer = :a, expires = :e",
      { ":a": text(JSON.stringify(view)), ":e": { N: String(now + KEPT_S) } }),
  ];
  await dynamodb.send(new TransactWriteItemsCommand({ TransactItems: settled }));
  const nudge = { QueueUrl: process.env.INBOUND_EVENTS_QUEUE_URL, MessageBody: JSON.stringify({ intent_id: payment }) };
  await sqs.send(new SendMessageCommand(nudge));
  console.log(JSON.stringify({ level: "INFO", message: "payment created", correlation_id: context.awsRequestId }));
  return { statusCode: 201, headers: { "Content-Type": "application/json" }, body: JSON.stringify(view) };
}
