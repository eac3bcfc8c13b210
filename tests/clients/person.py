"""A person with a browser that has no scripts: fills the forms of sign-in and consent by their ids."""

import html
import re
from urllib.parse import urljoin, urlsplit

import requests


def allow(address, username, password):
    """Signs in, presses Allow, and answers the address of the client where the browser would go; None for a device."""
    browser = requests.Session()
    home = urlsplit(address)[:2]
    response = browser.get(address, allow_redirects=False)
    for _ in range(8):
        location = response.headers.get("location")
        if location:
            target = urljoin(response.url, location)
            if urlsplit(target)[:2] != home:
                return target
            response = browser.get(target, allow_redirects=False)
            continue
        page = response.text
        if 'id="device-allowed"' in page:
            return None
        action = html.unescape(re.search(r'<form[^>]* action="([^"]*)"', page)[1])
        inputs = re.findall(r"<input[^>]*>", page)
        fields = {
            re.search(r'name="([^"]*)"', tag)[1]: html.unescape((re.search(r'value="([^"]*)"', tag) or ["", ""])[1])
            for tag in inputs
        }
        if "username" in fields:
            fields.update(username=username, password=password)
        elif 'id="consent-allow"' in page:
            fields.update(decision="allow")
        elif 'id="device-continue"' not in page:
            raise AssertionError(f"neither sign-in nor consent: {page}")
        response = browser.post(urljoin(response.url, action), data=fields, allow_redirects=False)
    raise AssertionError("the sign-in does not end")
