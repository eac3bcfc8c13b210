"""The whole flow with requests-oauthlib. Arguments come as environment variables; prints "ok" at the end."""

import os

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

from oauthlib.oauth2 import InvalidGrantError, LegacyApplicationClient  # noqa: E402
from requests_oauthlib import OAuth2Session  # noqa: E402

from person import allow  # noqa: E402

env = os.environ
token_url = env["SERVER"] + "/api/mgmt/oauth2/token"
session = OAuth2Session(env["CLIENT_ID"], redirect_uri=env["REDIRECT_URI"], scope=["api.access.odata"])
address, state = session.authorization_url(env["SERVER"] + "/api/mgmt/oauth2/authorize")
back = allow(address, env["USERNAME"], env["PASSWORD"])
fetch = dict(authorization_response=back, client_secret=env["CLIENT_SECRET"])
token = session.fetch_token(token_url, include_client_id=True, **fetch)
assert token["token_type"] == "Bearer" and token["expires_in"] == 3600, token
assert session.get(env["RESOURCE"]).status_code == 200

before = token["refresh_token"]
renewed = session.refresh_token(token_url, auth=(env["CLIENT_ID"], env["CLIENT_SECRET"]))
assert renewed["refresh_token"] == before, "in the profile compatible a refresh token stays"
assert session.get(env["RESOURCE"]).status_code == 200

try:
    OAuth2Session(env["CLIENT_ID"], redirect_uri=env["REDIRECT_URI"], state=state).fetch_token(
        token_url, include_client_id=True, **fetch
    )
    raise AssertionError("a code was exchanged twice")
except InvalidGrantError:
    pass
assert session.get(env["RESOURCE"]).status_code == 401, "the replay ended what the code gave"

legacy = OAuth2Session(client=LegacyApplicationClient(client_id=env["CLIENT_ID"]))
legacy.fetch_token(
    token_url,
    username=env["USERNAME"],
    password=env["PASSWORD"],
    client_id=env["CLIENT_ID"],
    client_secret=env["CLIENT_SECRET"],
)
assert legacy.get(env["RESOURCE"]).status_code == 200
print("ok")
