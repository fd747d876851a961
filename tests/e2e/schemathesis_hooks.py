"""What infra/openapi.yaml cannot say to a generator of examples.

The document's examples go into most of what is generated. Taken literally, every payment would be of the same order,
and so refused after the first; and every other call would be about a payment that no one has made.
"""

import itertools

import schemathesis
from hypothesis import strategies

# Three random letters are hardly ever a currency: hundredths, thousandths, none, in either case, and one that Stripe
# counts otherwise than ISO 4217 does.
schemathesis.openapi.format("iso-4217", strategies.sampled_from(["EUR", "usd", "JPY", "BHD", "ISK"]))

EXAMPLE_ORDERS = ("o-1042", "o-1043")
EXAMPLE_KEYS = ("checkout-42", "refund-42", "shipment-42")
EXAMPLE_PAYMENT = "pay_36C50M6EEE39KWHNWQWYHHGDVH"

numbers = itertools.count(1)
made = {}  # the latest payment and its order, once there is one


@schemathesis.hook
def before_call(context, case, kwargs):
    number = next(numbers)
    if isinstance(case.body, dict) and case.body.get("order_id") in EXAMPLE_ORDERS:
        case.body = {**case.body, "order_id": f"generated-{number}"}
    if case.headers and case.headers.get("Idempotency-Key") in EXAMPLE_KEYS:
        case.headers["Idempotency-Key"] = f"generated-{number}"
    for name, example in (("payment_id", EXAMPLE_PAYMENT), ("order_id", EXAMPLE_ORDERS[0])):
        if case.path_parameters and case.path_parameters.get(name) == example and name in made:
            case.path_parameters = {**case.path_parameters, name: made[name]}


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code == 201 and "json" in response.headers.get("content-type", [""])[0]:
        made.update({name: value for name, value in response.json().items() if name in ("payment_id", "order_id")})
