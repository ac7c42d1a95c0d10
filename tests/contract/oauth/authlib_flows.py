"""PyPI's authlib against the host's authorization server: every flow that it knows.

  python authlib_flows.py keys DIR   makes keys; public.json has their public halves
  python authlib_flows.py run DIR    goes through the flows; config.json says where, and as whom
"""

import json
import os
import pathlib
import sys
import time

# The server under test is on this machine, without TLS.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc.jwk import ECKey, RSAKey

command, directory = sys.argv[1], pathlib.Path(sys.argv[2])

if command == "keys":
    keys = {"es256": ECKey.generate_key("P-256"), "rs256": RSAKey.generate_key(2048)}
    public = {name: key.as_dict(private=False) for name, key in keys.items()}
    private = {name: key.as_pem(private=True).decode() for name, key in keys.items()}
    (directory / "public.json").write_text(json.dumps(public))
    (directory / "private.json").write_text(json.dumps(private))
    sys.exit(0)

config = json.loads((directory / "config.json").read_text())
private = json.loads((directory / "private.json").read_text())
issuer = config["issuer"]


def ok(fine, what):
    if not fine:
        raise SystemExit(f"not so: {what}")
    print("ok", what)


found = requests.get(f"{issuer}/.well-known/oauth-authorization-server", timeout=10).json()
metadata = AuthorizationServerMetadata(found)
# All but the rule that an issuer has https, which one on this machine need not have.
for check in [
    "validate_token_endpoint_auth_methods_supported",
    "validate_token_endpoint_auth_signing_alg_values_supported",
    "validate_response_types_supported",
    "validate_response_modes_supported",
    "validate_grant_types_supported",
    "validate_code_challenge_methods_supported",
    "validate_revocation_endpoint_auth_methods_supported",
    "validate_introspection_endpoint_auth_methods_supported",
]:
    getattr(metadata, check)()
ok(metadata["issuer"] == issuer, "metadata (RFC 8414)")


class Fresh(PrivateKeyJWT):
    """As it is, with a life of a minute in place of an hour."""

    def sign(self, auth, token_endpoint):
        self.claims = {"exp": int(time.time()) + 60}
        return super().sign(auth, token_endpoint)


def session(name, **more):
    alg, kind = {"es256": ("ES256", ECKey), "rs256": ("RS256", RSAKey)}[name]
    one = OAuth2Session(
        client_id=config["clients"][name],
        client_secret=kind.import_key(private[name]),
        token_endpoint_auth_method="private_key_jwt",
        revocation_endpoint_auth_method="private_key_jwt",
        token_endpoint=found["token_endpoint"],
        redirect_uri=config["redirect"],
        **more,
    )
    one.register_client_auth_method(Fresh(found["token_endpoint"], alg=alg))
    return one


for name in ["es256", "rs256"]:
    token = session(name).fetch_token(found["token_endpoint"], grant_type="client_credentials", scope="kv:read")
    ok(token["access_token"].startswith("pct_") and token["token_type"] == "Bearer", f"client credentials, {name}")

hour = session("es256")
hour.register_client_auth_method(PrivateKeyJWT(found["token_endpoint"], alg="ES256"))
try:
    hour.fetch_token(found["token_endpoint"], grant_type="client_credentials", scope="kv:read")
    raise SystemExit("an assertion of an hour went through")
except Exception as error:
    ok("invalid_client" in str(error), "an assertion that lasts an hour is refused (at most 15 minutes)")


def browse(url):
    """What a browser does: follows to the page, and looks until an admin has decided."""
    browser = requests.Session()
    page = browser.get(url, allow_redirects=False, timeout=10)
    to = issuer + page.headers["location"]
    for _ in range(200):
        page = browser.get(to, allow_redirects=False, timeout=10)
        if page.status_code == 303:
            return page.headers["location"]
        time.sleep(0.025)
    raise SystemExit("nobody decided")


client = session("es256", scope="tickets:read", code_challenge_method="S256")
verifier = "v" * 64
url, state = client.create_authorization_url(found["authorization_endpoint"], code_verifier=verifier)
ok("code_challenge_method=S256" in url, "authlib asks with PKCE S256")
token = client.fetch_token(
    found["token_endpoint"], authorization_response=browse(url), state=state, code_verifier=verifier
)
ok(token["refresh_token"].startswith("pcr_"), "authorization code with PKCE S256")
whoami = f"{issuer}/api/whoami"
ok(client.get(whoami).json()["client"] == config["clients"]["es256"], "the token is good at the resource")

before = token["refresh_token"]
token = client.refresh_token(found["token_endpoint"], refresh_token=before)
ok(token["refresh_token"] != before, "refresh rotates")

seen = client.introspect_token(found["introspection_endpoint"], token=token["access_token"]).json()
ok(seen["active"] and seen["scope"] == "tickets:read", "introspection (RFC 7662)")

narrow = session("rs256").fetch_token(
    found["token_endpoint"],
    grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token=token["access_token"],
    subject_token_type="urn:ietf:params:oauth:token-type:access_token",
    authorization_details=json.dumps([{"type": "portcullis_scope", "scope": "tickets:read fields=subject"}]),
)
ok(narrow["authorization_details"][0]["scope"] == "tickets:read fields=subject", "token exchange (RFC 8693)")

done = client.revoke_token(found["revocation_endpoint"], token=token["refresh_token"])
ok(done.status_code == 200, "revocation (RFC 7009)")
gone = requests.get(whoami, headers={"authorization": f"Bearer {token['access_token']}"}, timeout=10)
ok(gone.status_code == 401, "and the access token has ended with it")
print("all done")
