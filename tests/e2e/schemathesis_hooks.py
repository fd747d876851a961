"""What infra/openapi.yaml says and a generator of examples has to be shown."""

import schemathesis
from hypothesis import strategies

# Three random letters are hardly ever a currency: hundredths, thousandths, none, in either case, and one that Stripe
# counts otherwise than ISO 4217 does.
schemathesis.openapi.format("iso-4217", strategies.sampled_from(["EUR", "usd", "JPY", "BHD", "ISK"]))
