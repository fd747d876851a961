"""Starts the AWS emulator with one difference from AWS mended.

AWS authorizes the batch calls of SQS by the actions of the single calls: IAM knows no sqs:SendMessageBatch (Service
Authorization Reference, "Actions defined by Amazon SQS"). The emulator asks for an action of that name, which a role
that is right for AWS cannot have. IAM stays enforced in every other respect.
"""

import sys

from ministack import app
from ministack.core import iam_actions

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

sys.exit(app.main())
