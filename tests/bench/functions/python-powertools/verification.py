"""Prints how many microseconds one construct_event takes, one line a batch."""

import os
import time

import stripe

BATCH, BATCHES = 50, 40
body, header, secret = (os.environ[name] for name in ("BODY", "HEADER", "SECRET"))

for batch in range(BATCHES + 1):
    started = time.perf_counter()
    for _ in range(BATCH):
        stripe.Webhook.construct_event(body, header, secret)
    if batch:
        print((time.perf_counter() - started) * 1e6 / BATCH)
