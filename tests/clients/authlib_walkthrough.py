"""The whole flow with Authlib. Arguments come as environment variables; prints "ok" at the end."""

import os

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.common.security import generate_token  # noqa: E402
from authlib.integrations.requests_client import OAuth2Session  # noqa: E402

from person import allow  # noqa: E402

env = os.environ
token_url = env["SERVER"] + "/oauth2/token"
session = OAuth2Session(
    env["CLIENT_ID"],
    env["CLIENT_SECRET"],
    redirect_uri=env["REDIRECT_URI"],
    scope="api.access.odata",
    code_challenge_method="S256",
    token_endpoint_auth_method="client_secret_basic",
)
verifier = generate_token(64)
address, state = session.create_authorization_url(env["SERVER"] + "/oauth2/authorize", code_verifier=verifier)
back = allow(address, env["USERNAME"], env["PASSWORD"])
token = session.fetch_token(token_url, authorization_response=back, state=state, code_verifier=verifier)
assert session.get(env["RESOURCE"]).status_code == 200

told = session.introspect_token(env["SERVER"] + "/oauth2/introspect", token=token["access_token"]).json()
assert told["active"] and told["username"] == env["USERNAME"], told
session.refresh_token(token_url, refresh_token=token["refresh_token"])
assert session.get(env["RESOURCE"]).status_code == 200

ended = session.revoke_token(env["SERVER"] + "/oauth2/revoke", token=token["refresh_token"])
assert ended.status_code == 200 and ended.json() == {}
assert session.get(env["RESOURCE"]).status_code == 401

service = OAuth2Session(env["CLIENT_ID"], env["CLIENT_SECRET"], scope="api.access.odata")
assert "refresh_token" not in service.fetch_token(token_url, grant_type="client_credentials")
print("ok")
