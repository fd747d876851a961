"""Quotes a parcel: earlier answers in one read, FedEx, UPS and DHL at once under one deadline, their answers kept in one
write, prices in order."""

import asyncio
import base64
import datetime
import hashlib
import json
import os
import time
import uuid
from decimal import Decimal

import aiohttp
import boto3

DEADLINE_S = 2.5
FRESH_S = 20 * 60
KEPT_S = 24 * 3600
CARRIERS = ("fedex", "ups", "dhl")

dynamodb = boto3.client("dynamodb")
secrets = boto3.client("secretsmanager")
table = os.environ["TABLE_NAME"]
fedex_base = os.environ["FEDEX_API_BASE"]
ups_base = os.environ["UPS_API_BASE"]
dhl_base = os.environ["DHL_API_BASE"]
# Connections belong to a loop, so that there is one for all invocations.
loop = asyncio.new_event_loop()
session = None
keys = {}
tokens = {}
memory = {}


def secret(carrier):
    answer = secrets.get_secret_value(SecretId=os.environ[f"{carrier.upper()}_SECRET_ID"])
    return json.loads(answer["SecretString"])


async def prepare():
    """Secrets are read at the first quote, then kept."""
    global session, keys
    if session is None:
        read = await asyncio.gather(*(asyncio.to_thread(secret, carrier) for carrier in CARRIERS))
        keys = dict(zip(CARRIERS, read))
        session = aiohttp.ClientSession()


async def token(carrier, url, **request):
    """A token from memory, fetched anew when four fifths of its life are over."""
    bearer, until = tokens.get(carrier, (None, 0))
    if time.time() >= until:
        async with session.post(url, **request) as answer:
            answer.raise_for_status()
            given = await answer.json()
        bearer, until = given["access_token"], time.time() + int(given["expires_in"]) * 0.8
        tokens[carrier] = bearer, until
    return {"Authorization": f"Bearer {bearer}"}


async def post(url, headers, question):
    async with session.post(url, headers=headers, json=question) as answer:
        answer.raise_for_status()
        return await answer.json()


def rate(carrier, service, name, price, currency, days, date):
    minor = int((Decimal(str(price)) * 100).to_integral_value())
    return {"carrier": carrier, "service": service, "name": name, "price": {"value": minor, "currency": currency},
            "transit_days": days, "delivery_date": date}


DAYS = {"ONE_DAY": 1, "TWO_DAYS": 2, "THREE_DAYS": 3, "FOUR_DAYS": 4, "FIVE_DAYS": 5}


async def fedex(asked, day):
    account = keys["fedex"]
    form = {"grant_type": "client_credentials", "client_id": account["client_id"],
            "client_secret": account["client_secret"]}
    headers = await token("fedex", f"{fedex_base}/oauth/token", data=form)

    def address(party):
        of = party["address"]
        return {"address": {"city": of["city"], "postalCode": of["postal_code"], "countryCode": of["country"]}}

    weights = [package["weight"]["value"] for package in asked["packages"]]
    question = {
        "accountNumber": {"value": account["account_number"]},
        "rateRequestControlParameters": {"returnTransitTimes": True},
        "requestedShipment": {
            "shipper": address(asked["shipper"]), "recipient": address(asked["recipient"]),
            "rateRequestType": ["ACCOUNT"], "shipDateStamp": day.isoformat(),
            "pickupType": "USE_SCHEDULED_PICKUP", "packagingType": "YOUR_PACKAGING",
            "totalPackageCount": len(weights), "totalWeight": sum(weights),
            "requestedPackageLineItems": [
                {"groupPackageCount": 1, "weight": {"units": "KG", "value": weight}} for weight in weights
            ],
        },
    }
    answer = await post(f"{fedex_base}/rate/v1/rates/quotes", {**headers, "x-locale": "en_US"}, question)
    rates = []
    for offer in answer["output"]["rateReplyDetails"]:
        ours = next((one for one in offer["ratedShipmentDetails"] if one["rateType"] == "ACCOUNT"), None)
        if ours is not None:
            detail = offer["operationalDetail"]
            rates.append(rate("fedex", offer["serviceType"], offer["serviceName"], ours["totalNetCharge"],
                              ours["currency"], DAYS.get(detail["transitTime"]), detail["deliveryDate"][:10]))
    return rates


UPS_NAMES = {"07": "UPS Express", "08": "UPS Expedited", "11": "UPS Standard", "54": "UPS Express Plus",
             "65": "UPS Express Saver"}


async def ups(asked, day):
    account = keys["ups"]
    basic = aiohttp.BasicAuth(account["client_id"], account["client_secret"])
    form = {"grant_type": "client_credentials"}
    headers = await token("ups", f"{ups_base}/security/v1/oauth/token", data=form, auth=basic)

    def address(party):
        of = party["address"]
        return {"Address": {"City": of["city"], "PostalCode": of["postal_code"], "CountryCode": of["country"]}}

    def weight(value):
        return {"UnitOfMeasurement": {"Code": "KGS"}, "Weight": str(value)}

    weights = [package["weight"]["value"] for package in asked["packages"]]
    number = account["account_number"]
    question = {"RateRequest": {"Request": {}, "Shipment": {
        "Shipper": {"ShipperNumber": number, **address(asked["shipper"])}, "ShipTo": address(asked["recipient"]),
        "PaymentDetails": {"ShipmentCharge": [{"Type": "01", "BillShipper": {"AccountNumber": number}}]},
        "ShipmentTotalWeight": weight(sum(weights)),
        "Package": [{"PackagingType": {"Code": "02", "Description": "Package"}, "PackageWeight": weight(value)}
                    for value in weights],
        "ShipmentRatingOptions": {"NegotiatedRatesIndicator": "Y"},
        "DeliveryTimeInformation": {"PackageBillType": "03", "Pickup": {"Date": day.strftime("%Y%m%d")}},
    }}}
    headers = {**headers, "transId": uuid.uuid4().hex, "transactionSrc": "bench"}
    answer = await post(f"{ups_base}/api/rating/v2409/Shop", headers, question)
    rates = []
    for offer in answer["RateResponse"]["RatedShipment"]:
        code = offer["Service"]["Code"]
        charge = offer.get("NegotiatedRateCharges", {}).get("TotalCharge") or offer["TotalCharges"]
        days = offer.get("GuaranteedDelivery", {}).get("BusinessDaysInTransit")
        rates.append(rate("ups", code, UPS_NAMES.get(code, f"UPS {code}"), charge["MonetaryValue"],
                          charge["CurrencyCode"], int(days) if days else None, None))
    return rates


async def dhl(asked, day):
    account = keys["dhl"]
    basic = base64.b64encode(f"{account['username']}:{account['password']}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "x-version": "3.1.1", "Message-Reference": uuid.uuid4().hex}

    def address(party):
        of = party["address"]
        return {"postalCode": of["postal_code"], "cityName": of["city"], "countryCode": of["country"]}

    question = {
        "customerDetails": {"shipperDetails": address(asked["shipper"]),
                            "receiverDetails": address(asked["recipient"])},
        "accounts": [{"typeCode": "shipper", "number": account["account_number"]}],
        "plannedShippingDateAndTime": f"{day.isoformat()}T12:00:00 GMT+00:00", "unitOfMeasurement": "metric",
        "isCustomsDeclarable": False, "estimatedDeliveryDate": {"isRequested": True, "typeCode": "QDDC"},
        "packages": [{"weight": package["weight"]["value"]} for package in asked["packages"]],
    }
    answer = await post(f"{dhl_base}/rates", headers, question)
    rates = []
    for product in answer["products"]:
        billed = next((price for price in product["totalPrice"] if price["currencyType"] == "BILLC"), None)
        if billed is not None:
            delivery = product["deliveryCapabilities"]
            rates.append(rate("dhl", product["productCode"], f"DHL {product['productName']}", billed["price"],
                              billed["priceCurrency"], delivery["totalTransitDays"],
                              delivery["estimatedDeliveryDateAndTime"][:10]))
    return rates


ASK = {"fedex": fedex, "ups": ups, "dhl": dhl}


def consignment_hash(asked, day):
    places = [asked[end]["address"] for end in ("shipper", "recipient")]
    return hashlib.sha256(json.dumps([places, asked["packages"], day.isoformat()]).encode()).hexdigest()[:26]


def key(carrier, consignment):
    return {"pk": {"S": f"RATES#{carrier}#{consignment}"}, "sk": {"S": "RATES"}}


def stored(consignment, now):
    """What carriers said lately, by carrier."""
    wanted = [key(carrier, consignment) for carrier in CARRIERS]
    answer = dynamodb.batch_get_item(RequestItems={table: {"Keys": wanted, "ConsistentRead": True}})
    known = {}
    for item in answer["Responses"].get(table, []):
        asked_at = int(item["asked_at"]["N"])
        if now - asked_at < FRESH_S:
            known[item["pk"]["S"].split("#")[1]] = asked_at, json.loads(item["rates"]["S"])
    return known


def keep(consignment, answers):
    """Without it nothing could be bought by a quote's id."""
    puts = [{"PutRequest": {"Item": {**key(carrier, consignment), "type": {"S": "rates"},
                                     "rates": {"S": json.dumps(rates)}, "asked_at": {"N": str(asked_at)},
                                     "expires": {"N": str(asked_at + KEPT_S)}}}}
            for carrier, (asked_at, rates) in answers.items()]
    dynamodb.batch_write_item(RequestItems={table: puts})


def quote_id(consignment, rate, asked_at):
    parts = [consignment, rate["carrier"], rate["service"], rate["price"], asked_at]
    return "quo_" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:26]


def shown(consignment, rate, asked_at):
    until = datetime.datetime.fromtimestamp(asked_at + FRESH_S, datetime.timezone.utc)
    return {**rate, "quote_id": quote_id(consignment, rate, asked_at), "expires_at": until.isoformat(), "stale": False}


async def quote(asked, correlation):
    started = loop.time()
    await prepare()
    now = int(time.time())
    day = datetime.datetime.now(datetime.timezone.utc).date()
    consignment = consignment_hash(asked, day)
    known = {carrier: memory[carrier, consignment] for carrier in CARRIERS if (carrier, consignment) in memory}
    if len(known) < len(CARRIERS):
        known = stored(consignment, now)
    asking = {loop.create_task(ASK[carrier](asked, day)): carrier for carrier in CARRIERS if carrier not in known}
    answers, errors = {}, []
    if asking:
        deadline = asked.get("deadline_ms", DEADLINE_S * 1000) / 1000
        done, late = await asyncio.wait(asking, timeout=deadline - (loop.time() - started))
        for task in done:
            if task.exception() is None:
                answers[asking[task]] = now, task.result()
            else:
                errors.append({"carrier": asking[task], "code": "vendor_unavailable"})
        for task in late:
            task.cancel()
            errors.append({"carrier": asking[task], "code": "deadline"})
        for carrier in CARRIERS:
            print(json.dumps({"level": "INFO", "message": "vendor called", "vendor": carrier,
                              "answered": carrier in answers, "correlation_id": correlation}))
    if answers:
        keep(consignment, answers)
        memory.update({(carrier, consignment): answer for carrier, answer in answers.items()})
    quotes = [shown(consignment, rate, asked_at)
              for asked_at, rates in {**known, **answers}.values() for rate in rates]
    quotes.sort(key=lambda quote: (quote["price"]["currency"], quote["price"]["value"]))
    return {"quotes": quotes, "errors": errors}


def handler(event, context):
    correlation = event["headers"].get("X-Correlation-Id", context.aws_request_id)
    quoted = loop.run_until_complete(quote(json.loads(event["body"]), correlation))
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(quoted)}
