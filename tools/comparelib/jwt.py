"""Tokens for the production chain (RFC 7519, HS256)."""
import base64
import hashlib
import hmac
import json

SECRET = "the comparison lab signs with this and nothing else"
EXPIRES = 4102444800  # 2100-01-01


def _text(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(subject, secret=SECRET):
    head = _text(b'{"alg":"HS256","typ":"JWT"}')
    claims = _text(json.dumps({"sub": subject, "iat": 1700000000, "exp": EXPIRES}, separators=(",", ":")).encode())
    mark = hmac.new(secret.encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
    return f"{head}.{claims}.{_text(mark)}"
