// Prints how many microseconds one constructEvent takes, one line a batch.
import Stripe from "stripe";

const [BATCH, BATCHES] = [500, 40];
const { BODY, HEADER, SECRET } = process.env;
const stripe = new Stripe("sk_test_unused");

for (let batch = 0; batch <= BATCHES; batch += 1) {
  const started = process.hrtime.bigint();
  for (let i = 0; i < BATCH; i += 1) stripe.webhooks.constructEvent(BODY, HEADER, SECRET);
  if (batch) console.log(Number(process.hrtime.bigint() - started) / 1000 / BATCH);
}
