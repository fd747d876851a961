// Stripe's keys: read at the first use, then kept.
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

const secrets = new SecretsManagerClient({});
let keys;

export async function stripeKeys() {
  if (!keys) {
    const answer = await secrets.send(new GetSecretValueCommand({ SecretId: process.env.STRIPE_SECRET_ID }));
    keys = JSON.parse(answer.SecretString);
  }
  return keys;
}
