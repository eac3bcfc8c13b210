"""Registers applications through the management API, as their developer would."""

import os

import requests

env = os.environ
user = (env["USERNAME"], env["PASSWORD"])
administrator = (env["ADMINISTRATOR"], env["ADMINISTRATOR_PASSWORD"])


def register(owner=user, **members):
    payload = {"name": "A client", "redirectUrls": [env["REDIRECT_URI"]], **members}
    answer = requests.post(env["SERVER"] + "/api/mgmt/oauth/client/applications", json=payload, auth=owner)
    assert answer.status_code == 201, answer.text
    return answer.json()
