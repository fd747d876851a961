"""Starts localstripe, a simulated Stripe: `python simulated_stripe.py <port> <webhook url> <webhook secret>`.

Its own program listens on every interface of the machine and keeps what it was told in /tmp/localstripe.pickle, for
the next run to find. This one listens on loopback and forgets.
"""

import sys

from aiohttp import web
from localstripe import resources, server, webhooks

_, port, url, secret = sys.argv

resources.Store.dump_to_disk = lambda store: None
webhooks.register_webhook("crossdock", url, secret, None)  # None: every type of event

web.run_app(server.app, host="127.0.0.1", port=int(port))
