"""Starts the AWS emulator with two differences from AWS mended.

AWS authorizes the batch calls of SQS by the actions of the single calls: IAM knows no sqs:SendMessageBatch (Service
Authorization Reference, "Actions defined by Amazon SQS"). The emulator asks for an action of that name, which a role
that is right for AWS cannot have. IAM stays enforced in every other respect.

CloudWatch takes metrics out of the functions' logs (the embedded metric format). The emulator does not, so what the functions
log is put as metrics here. Its alarms look only at series without dimensions, so only those are put.
"""

import json
import sys
import threading
import time

from ministack import app
from ministack.core import iam_actions
from ministack.services import cloudwatch, lambda_svc

SINGLE_ACTION = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}

asked_for = iam_actions.extract_iam_action


def as_in_aws(*arguments, **named):
    """The action that AWS would ask for; None where the emulator knows of none."""
    action = asked_for(*arguments, **named)
    return SINGLE_ACTION.get(action, action)


iam_actions.extract_iam_action = as_in_aws  # the emulator looks it up at each request

# Each put evaluates all alarms: once a second is soon enough, and the sweeper's lines come each minute.
PUT_EVERY_S = 1.0
emit_logs = lambda_svc._emit_lambda_logs
waiting, lock, put_at = [], threading.Lock(), [0.0]


def metrics_of(log_text):
    """The values of a log's metric lines that have no dimensions, as PutMetricData takes them, with their namespace."""
    for line in (log_text or "").splitlines():
        if not line.startswith('{"_aws"'):
            continue
        try:
            line = json.loads(line)
            for directive in line["_aws"]["CloudWatchMetrics"]:
                if [] not in directive["Dimensions"]:
                    continue
                for metric in directive["Metrics"]:
                    value = line[metric["Name"]]
                    yield directive["Namespace"], {
                        "MetricName": metric["Name"],
                        "Unit": metric["Unit"],
                        "Timestamp": line["_aws"]["Timestamp"] / 1000,
                        **({"Values": value} if isinstance(value, list) else {"Value": value}),
                    }
        except (KeyError, TypeError, ValueError) as error:
            print(f"a metric line cannot be read: {error!r}", file=sys.stderr)


def logs_with_metrics(func, request_id, log_text, *others, **named):
    """Writes the log as before, and puts the metrics that are in it."""
    emit_logs(func, request_id, log_text, *others, **named)
    try:
        with lock:
            waiting.extend(metrics_of(log_text))
            if not waiting or time.monotonic() - put_at[0] < PUT_EVERY_S:
                return
            taken, waiting[:], put_at[0] = list(waiting), [], time.monotonic()
        for namespace in {namespace for namespace, _ in taken}:
            data = [datum for of, datum in taken if of == namespace]
            cloudwatch._put_metric_data({}, {"Namespace": namespace, "MetricData": data}, False, True)
    except Exception as error:  # an invocation must not fail of its metrics
        print(f"metrics were not put: {error!r}", file=sys.stderr)


lambda_svc._emit_lambda_logs = logs_with_metrics  # looked up at each invocation

sys.exit(app.main())
