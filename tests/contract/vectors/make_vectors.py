"""Makes stripe.json, sendgrid.json and twilio.json: webhook signatures made and judged by the vendors' own SDKs.

    python3 -m venv venv
    venv/bin/pip install stripe==16.1.0 sendgrid==6.12.5 twilio==9.13.0 cryptography==50.0.2
    npm install stripe@23.1.0 twilio@6.2.0
    venv/bin/python make_vectors.py

Run it from this folder; Node finds the npm package through NODE_PATH when it is installed elsewhere. The answers are
the same bytes each time: keys are fixed, and ECDSA signs deterministically (RFC 6979).

Nobody's expectation is written by hand alone: each case is given to the SDKs' verifiers, and the script stops when one
of them disagrees with `expect`.

Besides the vectors, events/ gets the receivers' samples, whole function-URL requests that stay valid: SendGrid's and
Twilio's schemes have no tolerance, Postmark sends a password, and Stripe's SDKs refuse only a `t` that is too old, so
that one is signed for the year 2100.
"""

import base64
import hashlib
import hmac
import importlib.metadata
import json
import pathlib
import subprocess
import urllib.parse
from unittest import mock

import stripe
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sendgrid.helpers.eventwebhook import EventWebhook
from twilio.request_validator import RequestValidator

HERE = pathlib.Path(__file__).resolve().parent
SAMPLES = HERE.parents[2] / "events"
STRIPE_PYTHON = "stripe-python " + importlib.metadata.version("stripe")
SENDGRID_PYTHON = "sendgrid-python " + importlib.metadata.version("sendgrid")
TWILIO_PYTHON = "twilio-python " + importlib.metadata.version("twilio")

# Stripe's clock in the vectors: 2025-05-01T10:00:00Z, in seconds. Each case carries its own `now`.
NOW = 1_746_093_600
# 2100-01-01T00:00:00Z: a signature that no tolerance refuses in this code's lifetime.
YEAR_2100 = 4_102_444_800
SECRET = "whsec_dGVzdC1vbmx5LW5vdC1hLXJlYWwtc2VjcmV0"
OLD_SECRET = "whsec_dGhlLW9uZS1iZWZvcmUtdGhlLXJvbGw"


# Twilio's auth tokens: 32 hexadecimal digits, and none that opens anything.
TOKEN = "0123456789abcdef0123456789abcdef"
OLD_TOKEN = "fedcba9876543210fedcba9876543210"
# What the sample of Postmark's sends in its Authorization header.
POSTMARK_CREDENTIAL = "postmark:sample-password"
# What the samples of the carriers' are sent with: the token and the credential of the local stack.
FEDEX_TOKEN = "fedex-local-stack-token"
UPS_CREDENTIAL = "ups-local-stack-credential"


def run_node(script, *arguments):
    done = subprocess.run(["node", "-e", script, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def node(script, *arguments):
    """Runs stripe-node with `stripe` bound, and gives back what the script printed."""
    return run_node("const Stripe = require('stripe'); const stripe = new Stripe('sk_test_x');" + script, *arguments)


def twilio_node(script, *arguments):
    """Runs twilio-node's webhooks with `twilio` bound, and gives back what the script printed."""
    loaded = "const twilio = require('twilio/lib/webhooks/webhooks'); const querystring = require('querystring');"
    return run_node(loaded + script, *arguments)


STRIPE_NODE = "stripe-node " + node("process.stdout.write(Stripe.PACKAGE_VERSION)")
TWILIO_NODE = "twilio-node " + run_node("process.stdout.write(require('twilio/package.json').version)")


def stripe_event(event_id, kind, **more):
    """One event as Stripe sends it: indented JSON, two spaces, no newline at the end."""
    intent = {
        "id": "pi_3Rvector0001", "object": "payment_intent", "amount": 1099, "amount_received": 1099,
        "currency": "eur", "status": kind.split(".")[1], "livemode": False, "customer": None,
        "latest_charge": "ch_3Rvector0001", "last_payment_error": None, "created": NOW - 40,
        "metadata": {
            "crossdock_stack": "123456789012/eu-north-1/crossdock",
            "crossdock_order": "o-1",
            "crossdock_intent": "int_00000000000000000000000001",
        },
    }
    intent.update(more)
    event = {
        "id": event_id, "object": "event", "api_version": "2023-08-16", "created": NOW - 30, "type": kind,
        "livemode": False, "pending_webhooks": 1, "request": {"id": "req_vector1", "idempotency_key": "vector-1"},
        "data": {"object": intent},
    }
    return json.dumps(event, indent=2, ensure_ascii=False)


def v1_by_python(secret, timestamp, body):
    return stripe.WebhookSignature._compute_signature(f"{timestamp}.{body}", secret)


def header_by_node(secret, timestamp, body):
    return node(
        "const [p, s, t] = process.argv.slice(1);"
        "process.stdout.write(stripe.webhooks.generateTestHeaderString({payload: p, secret: s, timestamp: Number(t)}))",
        body, secret, str(timestamp),
    )


def stripe_python_accepts(case, body):
    with mock.patch("stripe._webhook.time.time", lambda: case["now"]):
        try:
            return stripe.WebhookSignature.verify_header(body, case["header"], case["secret"], 300)
        except stripe.SignatureVerificationError:
            return False


def stripe_node_accepts(case, body):
    script = (
        "const [p, h, s, now] = process.argv.slice(1);"
        "try { stripe.webhooks.constructEvent(p, h, s, 300, undefined, Number(now) * 1000);"
        "process.stdout.write('yes') } catch (e) {"
        # An empty v1 makes the SDK's comparison throw a plain Error: a refusal too, only a less polite one.
        "if (e.type !== 'StripeSignatureVerificationError' && !e.message.startsWith('secureCompare')) throw e;"
        "process.stdout.write('no') }"
    )
    return node(script, body, case["header"], case["secret"], str(case["now"])) == "yes"


def stripe_vectors():
    succeeded = stripe_event("evt_1Rvector0001", "payment_intent.succeeded")
    unicode = stripe_event("evt_1Rvector0002", "payment_intent.succeeded", description="Blåbærsyltetøy 2 × 🫐 «o-1»")
    compact = json.dumps(json.loads(stripe_event("evt_1Rvector0003", "payment_intent.canceled")), separators=(",", ":"))
    good = v1_by_python(SECRET, NOW, succeeded)
    old = v1_by_python(OLD_SECRET, NOW, succeeded)
    flipped = succeeded.replace('"amount": 1099', '"amount": 1098', 1)
    wrong_last_digit = good[:-1] + ("0" if good[-1] != "0" else "1")
    of_body_only = hmac.new(SECRET.encode(), succeeded.encode(), hashlib.sha256).hexdigest()
    of_decoded_key = hmac.new(
        base64.b64decode(SECRET.removeprefix("whsec_") + "=="), f"{NOW}.{succeeded}".encode(), hashlib.sha256
    ).hexdigest()
    by_python, by_node = STRIPE_PYTHON, STRIPE_NODE

    def at(timestamp, body=succeeded):
        return f"t={timestamp},v1={v1_by_python(SECRET, timestamp, body)}"

    cases = [
        ("a good signature", f"t={NOW},v1={good}", succeeded, NOW, "accept", by_python),
        ("a good signature made by the other SDK", header_by_node(SECRET, NOW, succeeded), succeeded, NOW, "accept", by_node),
        ("a body with letters and signs outside ASCII", at(NOW, unicode), unicode, NOW, "accept", by_python),
        ("the same by the other SDK", header_by_node(SECRET, NOW, unicode), unicode, NOW, "accept", by_node),
        ("a body without white space", header_by_node(SECRET, NOW, compact), compact, NOW, "accept", by_node),
        ("two v1, the second one good", f"t={NOW},v1={old},v1={good}", succeeded, NOW, "accept", by_python),
        ("two v1, the first one good", f"t={NOW},v1={good},v1={old}", succeeded, NOW, "accept", by_python),
        ("a v0 beside a good v1 is ignored", f"t={NOW},v1={good},v0={old}", succeeded, NOW, "accept", by_python),
        ("an unknown scheme beside a good v1 is ignored", f"t={NOW},v2=abc,v1={good}", succeeded, NOW, "accept", by_python),
        ("v1 before t", f"v1={good},t={NOW}", succeeded, NOW, "accept", by_python),
        ("exactly as old as the tolerance", at(NOW - 300), succeeded, NOW, "accept", by_python),
        ("a t in the future", at(NOW + 3600), succeeded, NOW, "accept", by_python),
        ("one second older than the tolerance", at(NOW - 301), succeeded, NOW, "reject", by_python),
        ("a day old", at(NOW - 86_400), succeeded, NOW, "reject", by_python),
        ("two v1, none good", f"t={NOW},v1={old},v1={wrong_last_digit}", succeeded, NOW, "reject", by_python),
        ("only a v0, though it would match", f"t={NOW},v0={good}", succeeded, NOW, "reject", by_python),
        ("signed with another secret", f"t={NOW},v1={old}", succeeded, NOW, "reject", by_python),
        ("signed with the base64-decoded secret", f"t={NOW},v1={of_decoded_key}", succeeded, NOW, "reject", "hmac-sha256"),
        ("signed without the timestamp", f"t={NOW},v1={of_body_only}", succeeded, NOW, "reject", "hmac-sha256"),
        ("one digit of the amount changed", f"t={NOW},v1={good}", flipped, NOW, "reject", by_python),
        ("a newline added at the end", f"t={NOW},v1={good}", succeeded + "\n", NOW, "reject", by_python),
        ("the body written anew without white space", f"t={NOW},v1={good}",
         json.dumps(json.loads(succeeded), separators=(",", ":")), NOW, "reject", by_python),
        ("t changed to a fresh one", f"t={NOW + 5},v1={good}", succeeded, NOW + 5, "reject", by_python),
        ("no t", f"v1={good}", succeeded, NOW, "reject", by_python),
        ("t is not a number", f"t=now,v1={good}", succeeded, NOW, "reject", by_python),
        ("t is empty", f"t=,v1={good}", succeeded, NOW, "reject", by_python),
        ("the last digit of v1 is wrong", f"t={NOW},v1={wrong_last_digit}", succeeded, NOW, "reject", by_python),
        ("the header is cut off", f"t={NOW},v1={good}"[:-20], succeeded, NOW, "reject", by_python),
        ("v1 is cut off to nothing", f"t={NOW},v1=", succeeded, NOW, "reject", by_python),
        ("v1 is not hexadecimal", f"t={NOW},v1={'zz' * 32}", succeeded, NOW, "reject", by_python),
        ("v1 is longer than a signature", f"t={NOW},v1={good}00", succeeded, NOW, "reject", by_python),
        ("only t", f"t={NOW}", succeeded, NOW, "reject", by_python),
        ("an empty header", "", succeeded, NOW, "reject", by_python),
        ("no pairs at all", "hello", succeeded, NOW, "reject", by_python),
        ("an empty body under somebody else's signature", f"t={NOW},v1={good}", "", NOW, "reject", by_python),
    ]
    vectors = []
    for name, header, body, now, expect, made_by in cases:
        case = {"name": name, "secret": SECRET, "header": header, "now": now, "expect": expect, "made_by": made_by}
        agreed = []
        for sdk, accepts in ((by_python, stripe_python_accepts), (by_node, stripe_node_accepts)):
            verdict = "accept" if accepts(case, body) else "reject"
            assert verdict == expect, f"{name}: {sdk} says {verdict}"
            agreed.append(sdk)
        vectors.append(case | {"agreed_by": agreed, "body_base64": base64.b64encode(body.encode()).decode()})
    return vectors


def key_pair(scalar):
    """A P-256 key that is no secret, and its public half as SendGrid's API gives it: base64 of DER, no armour."""
    private = ec.derive_private_key(scalar, ec.SECP256R1())
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return private, base64.b64encode(private.public_key().public_bytes(*form)).decode()


def sendgrid_sign(private, timestamp, body):
    """What SendGrid does: ECDSA P-256, SHA-256, over the timestamp's text and the raw body; base64 of DER."""
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    return base64.b64encode(private.sign((timestamp + body).encode(), algorithm)).decode()


def sendgrid_event(event_id, kind, email="ada@example.com", **more):
    return {
        "email": email, "timestamp": NOW, "event": kind, "sg_event_id": event_id,
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "crossdock_stack": "123456789012/eu-north-1/crossdock", "crossdock_order": "o-1",
        "crossdock_intent": "int_00000000000000000000000002",
    } | more


def sendgrid_body(*events):
    """SendGrid's own writing: compact elements, CRLF after each one but the last, and CRLF at the end."""
    lines = ",\r\n".join(json.dumps(event, separators=(",", ":"), ensure_ascii=False) for event in events)
    return f"[{lines}]\r\n"


def sendgrid_accepts(case, body):
    try:
        return EventWebhook(case["public_key"]).verify_signature(body, case["signature"], case["timestamp"])
    except ValueError:  # the helper lets errors of base64 and of the key's parser through
        return False


def sendgrid_vectors():
    private, public = key_pair(0x0C0FFEE0_0C0FFEE1_0C0FFEE2_0C0FFEE3_0C0FFEE4_0C0FFEE5_0C0FFEE6_0C0FFEE7)
    other_private, other_public = key_pair(0x0BADCAFE_0BADCAFE_0BADCAFE_0BADCAFE_0BADCAFE_0BADCAFE_0BADCAFE_0BADCAFE)
    curve384 = ec.derive_private_key(0x0C0FFEE0_0C0FFEE1, ec.SECP384R1())
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    public384 = base64.b64encode(curve384.public_key().public_bytes(*form)).decode()

    timestamp = str(NOW)
    one = sendgrid_body(sendgrid_event("ZXZlbnQtMQ", "delivered", response="250 OK"))
    many = sendgrid_body(
        sendgrid_event("ZXZlbnQtMg", "processed"),
        sendgrid_event("ZXZlbnQtMw", "delivered", response="250 OK"),
        sendgrid_event("ZXZlbnQtNA", "bounce", type="blocked", status="4.2.2", reason="mailbox full"),
    )
    unicode = sendgrid_body(sendgrid_event("ZXZlbnQtNQ", "dropped", reason="Mottaker «åse@blåbær.example» er sperret 🫐"))
    signed = {body: sendgrid_sign(private, timestamp, body) for body in (one, many, unicode)}
    flipped = one.replace('"delivered"', '"delivereD"', 1)
    raw = base64.b64decode(signed[one])
    fixed_width = "".join(f"{part:064x}" for part in decode_dss_signature(raw))

    cases = [
        ("one event", public, signed[one], timestamp, one, "accept"),
        ("three events with CRLF between and after them", public, signed[many], timestamp, many, "accept"),
        ("a body with letters and signs outside ASCII", public, signed[unicode], timestamp, unicode, "accept"),
        ("a day-old timestamp, for there is no tolerance", public,
         sendgrid_sign(private, str(NOW - 86_400), one), str(NOW - 86_400), one, "accept"),
        ("an array without CRLF", public, sendgrid_sign(private, timestamp, one.rstrip()), timestamp, one.rstrip(), "accept"),
        ("one letter changed", public, signed[one], timestamp, flipped, "reject"),
        ("another timestamp", public, signed[one], str(NOW + 1), one, "reject"),
        ("an empty timestamp", public, signed[one], "", one, "reject"),
        ("a digit moved from the timestamp into the body is the same message", public, signed[one], timestamp[:-1],
         timestamp[-1] + one, "accept"),
        ("the CRLF at the end trimmed", public, signed[one], timestamp, one.rstrip("\r\n"), "reject"),
        ("the CRLF at the end made LF", public, signed[one], timestamp, one.replace("\r\n", "\n"), "reject"),
        ("the body written anew", public, signed[many], timestamp, json.dumps(json.loads(many)), "reject"),
        ("one of three events cut out", public, signed[many], timestamp,
         sendgrid_body(*json.loads(many)[:2]), "reject"),
        ("signed with another key", public, sendgrid_sign(other_private, timestamp, one), timestamp, one, "reject"),
        ("checked with another key", other_public, signed[one], timestamp, one, "reject"),
        ("checked with a key of another curve", public384, signed[one], timestamp, one, "reject"),
        ("garbage in base64", public, base64.b64encode(b"not a signature at all").decode(), timestamp, one, "reject"),
        ("garbage that is not base64", public, "!!! not base64 !!!", timestamp, one, "reject"),
        ("an empty signature", public, "", timestamp, one, "reject"),
        ("a signature cut off", public, base64.b64encode(raw[:-4]).decode(), timestamp, one, "reject"),
        ("a signature with bytes after it", public, base64.b64encode(raw + b"\0\0").decode(), timestamp, one, "reject"),
        ("r and s at fixed width instead of DER", public,
         base64.b64encode(bytes.fromhex(fixed_width)).decode(), timestamp, one, "reject"),
        ("an empty body", public, signed[one], timestamp, "", "reject"),
    ]
    made_by = f"cryptography {importlib.metadata.version('cryptography')}"
    vectors = []
    for name, public_key, signature, time, body, expect in cases:
        case = {
            "name": name, "public_key": public_key, "signature": signature, "timestamp": time,
            "expect": expect, "made_by": made_by,
        }
        verdict = "accept" if sendgrid_accepts(case, body) else "reject"
        assert verdict == expect, f"{name}: {SENDGRID_PYTHON} says {verdict}"
        vectors.append(case | {"agreed_by": [SENDGRID_PYTHON], "body_base64": base64.b64encode(body.encode()).decode()})
    return vectors


class Form(dict):
    """A form's fields, every value of each name, as web frameworks hand them to the SDK."""

    def __init__(self, body):
        super().__init__(urllib.parse.parse_qs(body, keep_blank_values=True))

    def getlist(self, name):
        return self[name]


def twilio_params(url, body):
    """What the SDKs are given: the raw text where the URL carries its hash, else the form's fields."""
    return body if "bodySHA256=" in url else Form(body)


def twilio_sign(url, body="", token=TOKEN):
    params = twilio_params(url, body)
    return RequestValidator(token).compute_signature(url, {} if isinstance(params, str) else params)


def twilio_sign_by_node(url, body):
    return twilio_node(
        "const [url, body, token] = process.argv.slice(1);"
        "process.stdout.write(twilio.getExpectedTwilioSignature(token, url, {...querystring.parse(body)}))",
        url, body, TOKEN,
    )


def twilio_python_accepts(case, body):
    return RequestValidator(case["token"]).validate(case["url"], twilio_params(case["url"], body), case["signature"])


def twilio_node_accepts(case, body):
    return twilio_node(
        "const [url, body, token, signature] = process.argv.slice(1);"
        "const good = url.includes('bodySHA256=') ? twilio.validateRequestWithBody(token, signature, url, body)"
        " : twilio.validateRequest(token, signature, url, {...querystring.parse(body)});"
        "process.stdout.write(good ? 'yes' : 'no')",
        case["url"], body, case["token"], case["signature"],
    ) == "yes"


def twilio_callback(status="delivered", **more):
    fields = {
        "ApiVersion": "2010-04-01", "MessageStatus": status, "SmsSid": "SM" + "0" * 31 + "1", "SmsStatus": status,
        "To": "+4798765432", "From": "+15005550006", "MessageSid": "SM" + "0" * 31 + "1", "AccountSid": "AC" + "0" * 32,
    } | more
    return urllib.parse.urlencode(fields)


FUNCTION_HOST = "url-id.lambda-url.eu-north-1.on.aws"
CALLBACK_QUERY = "stack=123456789012%2Feu-north-1%2Fcrossdock&intent=int_00000000000000000000000003"


def twilio_vectors():
    host, query = FUNCTION_HOST, CALLBACK_QUERY
    url = f"https://{host}/?{query}"
    body = twilio_callback()
    good = twilio_sign(url, body)
    # Inbound messages come to a URL without our ids.
    bare = f"https://{host}/"
    inbound = {"SmsMessageSid": "SM2", "SmsSid": "SM2", "MessageSid": "SM2", "SmsStatus": "received", "NumSegments": "1",
               "From": "+4798765432", "To": "+15005550006", "FromCountry": "NO"}
    unicode = urllib.parse.urlencode(inbound | {"Body": "Hvor er pakka? «o-1» 🫐 & 100 % = +1"})
    empty = urllib.parse.urlencode(inbound | {"Body": "", "FromCity": ""})
    repeated = "MessageSid=SM1&MessageStatus=sent&Tag=b&Tag=a&Tag=b&Tag=%C3%A5"
    prefixes = "ReasonConferenceEnded=y&Reason=x&MessageSid=SM1&MessageStatus=sent"
    cases_differ = "messagesid=1&MessageSid=SM1&MESSAGESID=2&MessageStatus=sent"
    said = json.dumps({"MessageSid": "SM1", "MessageStatus": "sent", "note": "Blåbær"}, ensure_ascii=False)
    of_said = hashlib.sha256(said.encode()).hexdigest()
    hashed = f"{bare}?a=b&bodySHA256={of_said}"
    loud = f"{bare}?bodySHA256={of_said.upper()}"
    not_joined_order = base64.b64encode(hmac.new(TOKEN.encode(), (bare + "".join(sorted(
        ["ReasonConferenceEndedy", "Reasonx", "MessageSidSM1", "MessageStatussent"]))).encode(), hashlib.sha1).digest()).decode()
    every_value = base64.b64encode(hmac.new(TOKEN.encode(), (
        bare + "MessageSidSM1MessageStatussentTagaTagbTagbTagå").encode(), hashlib.sha1).digest()).decode()
    sha256 = base64.b64encode(hmac.new(TOKEN.encode(), (url + "".join(
        name + value for name, value in sorted(urllib.parse.parse_qsl(body)))).encode(), hashlib.sha256).digest()).decode()
    with_port, other_port = f"https://{host}:443/?{query}", f"https://{host}:8443/?{query}"
    hex_digits = base64.b64decode(good).hex()

    cases = [
        ("a callback with our ids in its URL", url, good, body, "accept", TWILIO_PYTHON),
        ("the same by the other SDK", url, twilio_sign_by_node(url, body), body, "accept", TWILIO_NODE),
        ("a failed one with a code", url, twilio_sign(url, twilio_callback("failed", ErrorCode="30005")),
         twilio_callback("failed", ErrorCode="30005"), "accept", TWILIO_PYTHON),
        ("fields that nobody has heard of", url, twilio_sign(url, twilio_callback(Unheard="of")),
         twilio_callback(Unheard="of"), "accept", TWILIO_PYTHON),
        ("an inbound text with letters, signs and an emoji", bare, twilio_sign(bare, unicode), unicode, "accept", TWILIO_PYTHON),
        ("the same by the other SDK, inbound", bare, twilio_sign_by_node(bare, unicode), unicode, "accept", TWILIO_NODE),
        ("an inbound text that is empty", bare, twilio_sign(bare, empty), empty, "accept", TWILIO_PYTHON),
        ("blanks as %20 instead of +", bare, twilio_sign(bare, unicode), unicode.replace("+", "%20"), "accept", TWILIO_PYTHON),
        ("the fields in another order", url, good, "&".join(reversed(body.split("&"))), "accept", TWILIO_PYTHON),
        ("a name that is given several times", bare, twilio_sign(bare, repeated), repeated, "accept", TWILIO_PYTHON),
        ("the same by the other SDK, several times", bare, twilio_sign_by_node(bare, repeated), repeated, "accept", TWILIO_NODE),
        ("a name that begins with another name", bare, twilio_sign(bare, prefixes), prefixes, "accept", TWILIO_PYTHON),
        ("names that differ in case only", bare, twilio_sign(bare, cases_differ), cases_differ, "accept", TWILIO_PYTHON),
        ("no fields at all", bare, twilio_sign(bare), "", "accept", TWILIO_PYTHON),
        ("received with the standard port, signed without", with_port, good, body, "accept", TWILIO_PYTHON),
        ("received without a port, signed with the standard one", url, twilio_sign(with_port, body), body, "accept", TWILIO_PYTHON),
        ("received and signed with a port of its own", other_port, twilio_sign(other_port, body), body, "accept", TWILIO_PYTHON),
        ("received with a port of its own, signed without", other_port, good, body, "accept", TWILIO_PYTHON),
        ("a JSON body whose hash is in the URL", hashed, twilio_sign(hashed, said), said, "accept", TWILIO_PYTHON),
        ("a letter moved from a name into its value is the same text", bare, twilio_sign(bare, "ab=c"), "a=bc", "accept", TWILIO_PYTHON),
        ("one digit of a value changed", url, good, body.replace("4798765432", "4798765433"), "reject", TWILIO_PYTHON),
        ("another status", url, good, body.replace("delivered", "undelivered"), "reject", TWILIO_PYTHON),
        ("one letter of a name changed", url, good, body.replace("ApiVersion", "apiVersion"), "reject", TWILIO_PYTHON),
        ("a field added", url, good, body + "&ErrorCode=30005", "reject", TWILIO_PYTHON),
        ("a field taken away", url, good, body.replace("ApiVersion=2010-04-01&", ""), "reject", TWILIO_PYTHON),
        ("an empty body under somebody else's signature", url, good, "", "reject", TWILIO_PYTHON),
        ("another value of a name that is given several times", bare, twilio_sign(bare, repeated), repeated + "&Tag=c", "reject", TWILIO_PYTHON),
        ("signed with each value as often as it is given", bare, every_value, repeated, "reject", "hmac-sha1"),
        ("signed in the order of names and values joined", bare, not_joined_order, prefixes, "reject", "hmac-sha1"),
        ("another intent in the URL", url.replace("003", "004"), good, body, "reject", TWILIO_PYTHON),
        ("the URL's parameters in another order", f"{bare}?{'&'.join(reversed(query.split('&')))}", good, body, "reject", TWILIO_PYTHON),
        ("the URL's parameters gone", bare, good, body, "reject", TWILIO_PYTHON),
        ("another host", url.replace("url-id", "url-ie"), good, body, "reject", TWILIO_PYTHON),
        ("another path", url.replace("/?", "/x?"), good, body, "reject", TWILIO_PYTHON),
        ("http for https", url.replace("https:", "http:"), good, body, "reject", TWILIO_PYTHON),
        ("signed with a port of its own, received with another", url, twilio_sign(other_port, body), body, "reject", TWILIO_PYTHON),
        ("signed with the fragment", url, twilio_sign(url + "#rc=3&rp=5xx,rt,ct", body), body, "reject", TWILIO_PYTHON),
        ("signed with another token", url, twilio_sign(url, body, OLD_TOKEN), body, "reject", TWILIO_PYTHON),
        ("signed with SHA-256", url, sha256, body, "reject", "hmac-sha256"),
        ("a JSON body that was changed", hashed, twilio_sign(hashed, said), said.replace("sent", "sens"), "reject", TWILIO_PYTHON),
        ("a JSON body with a newline added", hashed, twilio_sign(hashed, said), said + "\n", "reject", TWILIO_PYTHON),
        ("the hash of a JSON body in capitals", loud, twilio_sign(loud, said), said, "reject", TWILIO_PYTHON),
        ("another hash in the URL", hashed.replace(of_said, "0" * 64), twilio_sign(hashed, said), said, "reject", TWILIO_PYTHON),
        ("a hash that is right under a signature that is not", hashed, good, said, "reject", TWILIO_PYTHON),
        ("a JSON body without a hash in the URL", bare, twilio_sign(bare), said, "reject", TWILIO_PYTHON),
        ("the signature cut off", url, good[:-4], body, "reject", TWILIO_PYTHON),
        ("the signature in hexadecimal digits", url, hex_digits, body, "reject", TWILIO_PYTHON),
        ("an empty signature", url, "", body, "reject", TWILIO_PYTHON),
        ("garbage that is not base64", url, "!!! not base64 !!!", body, "reject", TWILIO_PYTHON),
        ("the last letter of the signature changed", url, good[:-2] + ("A=" if good[-2] != "A" else "E="), body, "reject", TWILIO_PYTHON),
    ]
    vectors = []
    for name, url, signature, body, expect, made_by in cases:
        case = {"name": name, "token": TOKEN, "url": url, "signature": signature, "expect": expect, "made_by": made_by}
        agreed = []
        for sdk, accepts in ((TWILIO_PYTHON, twilio_python_accepts), (TWILIO_NODE, twilio_node_accepts)):
            verdict = "accept" if accepts(case, body) else "reject"
            assert verdict == expect, f"{name}: {sdk} says {verdict}"
            agreed.append(sdk)
        vectors.append(case | {"agreed_by": agreed, "body_base64": base64.b64encode(body.encode()).decode()})
    return vectors


def function_url_request(path, headers, body, query="", is_base64=False):
    """What a function behind a function URL is given (payload format 2.0), only with what a receiver reads."""
    return {
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": {"content-type": "application/json"} | headers,
        "requestContext": {
            "accountId": "anonymous", "apiId": "url-id", "domainName": FUNCTION_HOST,
            "domainPrefix": "url-id", "requestId": "00000000-0000-4000-8000-000000000001", "routeKey": "$default",
            "stage": "$default", "time": "01/May/2025:10:00:00 +0000", "timeEpoch": NOW * 1000,
            "http": {
                "method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                "userAgent": headers.get("user-agent", ""),
            },
        },
        "body": base64.b64encode(body.encode()).decode() if is_base64 else body, "isBase64Encoded": is_base64,
    }


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(path.name, len(value))


def main():
    of_stripe, of_sendgrid, of_twilio = stripe_vectors(), sendgrid_vectors(), twilio_vectors()
    write(HERE / "stripe.json", of_stripe)
    write(HERE / "sendgrid.json", of_sendgrid)
    write(HERE / "twilio.json", of_twilio)

    body = base64.b64decode(of_stripe[0]["body_base64"]).decode()
    header = f"t={YEAR_2100},v1={v1_by_python(SECRET, YEAR_2100, body)}"
    write(SAMPLES / "stripe-webhook.payment-succeeded.json", function_url_request(
        "/", {"stripe-signature": header, "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)"}, body))
    one = of_sendgrid[0]
    write(SAMPLES / "sendgrid-webhook.delivered.json", function_url_request("/", {
        "x-twilio-email-event-webhook-signature": one["signature"],
        "x-twilio-email-event-webhook-timestamp": one["timestamp"],
        "user-agent": "SendGrid Event API",
    }, base64.b64decode(one["body_base64"]).decode()))
    one = of_twilio[0]
    # A function URL hands over a form in base64.
    write(SAMPLES / "twilio-webhook.delivered.json", function_url_request("/", {
        "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
        "x-twilio-signature": one["signature"], "user-agent": "TwilioProxy/1.1",
    }, base64.b64decode(one["body_base64"]).decode(), CALLBACK_QUERY, is_base64=True))
    delivery = {
        "RecordType": "Delivery", "ServerID": 1, "MessageStream": "outbound", "Tag": "order_confirmation",
        "MessageID": "00000000-0000-4000-8000-000000000002", "Recipient": "ada@example.com",
        "DeliveredAt": "2025-05-01T10:00:00Z", "Details": "250 OK", "Metadata": {
            "crossdock_stack": "123456789012/eu-north-1/crossdock", "crossdock_order": "o-1",
            "crossdock_intent": "int_00000000000000000000000002",
        },
    }
    write(SAMPLES / "postmark-webhook.delivered.json", function_url_request("/", {
        "authorization": "Basic " + base64.b64encode(POSTMARK_CREDENTIAL.encode()).decode(), "user-agent": "Postmark",
    }, json.dumps(delivery, indent=2)))
    write_carriers_samples()


def write_carriers_samples():
    """FedEx has no public SDK for its webhooks, and UPS signs nothing: the standard library makes these."""
    scanned = {"completeTrackResults": [{"trackingNumber": "122816215025810", "trackResults": [{"scanEvents": [
        {"date": "2025-05-01T09:30:00-05:00", "eventType": "OD", "eventDescription": "On FedEx vehicle for delivery",
         "scanLocation": {"city": "TIMONIUM", "countryCode": "US"}},
    ]}]}]}
    body = json.dumps(scanned, indent=2)
    signature = base64.b64encode(hmac.new(FEDEX_TOKEN.encode(), body.encode(), hashlib.sha256).digest()).decode()
    write(SAMPLES / "fedex-webhook.out-for-delivery.json", function_url_request(
        "/", {"fdx-signature": signature, "user-agent": "FedEx"}, body))
    scanned = {
        "trackingNumber": "1Z12345E0205271688", "localActivityDate": "20250501", "localActivityTime": "095004",
        "activityLocation": {"city": "TIMONIUM", "stateProvince": "MD", "postalCode": "21093", "country": "US"},
        "activityStatus": {"type": "D", "code": "FS", "description": "Delivered", "descriptionCode": "011"},
        "gmtActivityDate": "20250501", "gmtActivityTime": "135004",
    }
    write(SAMPLES / "ups-webhook.delivered.json", function_url_request(
        "/", {"credential": UPS_CREDENTIAL, "user-agent": "UPSPubSubTrackingService"}, json.dumps(scanned, indent=2)))


if __name__ == "__main__":
    main()
