"""The whole flow with requests-oauthlib. Arguments come as environment variables; prints "ok" at the end."""

import os

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests  # noqa: E402
from oauthlib.oauth2 import InvalidGrantError, LegacyApplicationClient  # noqa: E402
from requests_oauthlib import OAuth2Session  # noqa: E402

from person import allow  # noqa: E402

env = os.environ
metadata = requests.get(env["SERVER"] + "/.well-known/oauth-authorization-server", timeout=30).json()
assert metadata["issuer"] == env["SERVER"], metadata
token_url = metadata["token_endpoint"]
session = OAuth2Session(env["CLIENT_ID"], redirect_uri=env["REDIRECT_URI"], scope=["api.access.odata"])
address, state = session.authorization_url(metadata["authorization_endpoint"])
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

# The password grant at the older address.
older_token_url = env["SERVER"] + "/api/mgmt/oauth2/token"
legacy = OAuth2Session(client=LegacyApplicationClient(client_id=env["CLIENT_ID"]))
legacy.fetch_token(
    older_token_url,
    username=env["USERNAME"],
    password=env["PASSWORD"],
    client_id=env["CLIENT_ID"],
    client_secret=env["CLIENT_SECRET"],
)
assert legacy.get(env["RESOURCE"]).status_code == 200


def revoke(token, hint):
    """Revokes a token as oauthlib prepares it, and authenticates as the client."""
    url, headers, body = session._client.prepare_token_revocation_request(
        metadata["revocation_endpoint"], token, token_type_hint=hint
    )
    credentials = (env["CLIENT_ID"], env["CLIENT_SECRET"])
    return requests.post(url, data=body, headers=headers, auth=credentials, timeout=30)


assert revoke(legacy.token["access_token"], "access_token").status_code == 200
assert legacy.get(env["RESOURCE"]).status_code == 401

again = OAuth2Session(env["CLIENT_ID"], redirect_uri=env["REDIRECT_URI"], scope=["api.access.odata"])
address, _ = again.authorization_url(metadata["authorization_endpoint"])
back = allow(address, env["USERNAME"], env["PASSWORD"])
given = again.fetch_token(
    token_url, include_client_id=True, authorization_response=back, client_secret=env["CLIENT_SECRET"]
)
assert again.get(env["RESOURCE"]).status_code == 200
assert revoke(given["refresh_token"], "refresh_token").status_code == 200
assert again.get(env["RESOURCE"]).status_code == 401, "a revoked refresh token ends its grant"
try:
    again.refresh_token(token_url, auth=(env["CLIENT_ID"], env["CLIENT_SECRET"]))
    raise AssertionError("a revoked token was refreshed")
except InvalidGrantError:
    pass
print("ok")
