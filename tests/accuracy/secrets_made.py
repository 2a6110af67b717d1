"""Credentials, hashes, keys and addresses of wallets, made whole: right lengths, alphabets and checksums."""

import base64
import hashlib
import json
import random
import string
from typing import Final

_ALNUM: Final = string.ascii_letters + string.digits
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_WORDS: Final = ("dragon", "sunflower", "Winter", "guitar", "ManUtd", "qwerty", "letmein", "Kaffee", "azerty", "tigre")


def _text(rng: random.Random, n: int, signs: str = _ALNUM) -> str:
    return "".join(rng.choices(signs, k=n))


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def jwt(rng: random.Random) -> str:
    head = {"alg": rng.choice(["HS256", "RS256", "ES256"]), "typ": "JWT"}
    body = {"sub": _text(rng, 8), "iat": 1_650_000_000 + rng.randrange(10**8), "aud": rng.choice(["web", "api"])}
    return ".".join([*(_base64url(json.dumps(part).encode()) for part in (head, body)), _base64url(rng.randbytes(32))])


def private_key(rng: random.Random) -> str:
    kind = rng.choice(["RSA ", "EC ", "OPENSSH ", ""])
    lines = "\n".join(base64.b64encode(rng.randbytes(48)).decode() for _ in range(6))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


def password(rng: random.Random) -> str:
    word = rng.choice(_WORDS)
    return rng.choice(
        [
            f"{word}{rng.randrange(1000)}",
            f"{word.title()}!{rng.randrange(10, 99)}",
            _text(rng, 12, _ALNUM + "!#$%&*?-"),
            f"{rng.choice(_WORDS)}-{word}-{rng.choice(_WORDS)}",
            f"P@ss{word}{rng.randrange(9)}",
        ]
    )


def password_hashes(rng: random.Random, n: int) -> list[str]:
    kind = rng.choice(["bcrypt", "argon2", "sha512crypt", "pbkdf2", "md5crypt"])
    salt = "./" + _ALNUM
    made = {
        "bcrypt": lambda: f"$2{rng.choice('aby')}$1{rng.randrange(3)}${_text(rng, 53, salt)}",
        "argon2": lambda: (
            f"$argon2id$v=19$m=65536,t=3,p=4${_base64url(rng.randbytes(16))}${_base64url(rng.randbytes(32))}"
        ),
        "sha512crypt": lambda: f"$6${_text(rng, 8, salt)}${_text(rng, 86, salt)}",
        "pbkdf2": lambda: f"pbkdf2_sha256$390000${_text(rng, 22)}${base64.b64encode(rng.randbytes(32)).decode()}",
        "md5crypt": lambda: f"$1${_text(rng, 8, salt)}${_text(rng, 22, salt)}",
    }[kind]
    return [made() for _ in range(n)]


def connection_string(rng: random.Random) -> str:
    user, secret, host = rng.choice(["app", "etl", "root", "svc_rw"]), _text(rng, 12), f"db{rng.randrange(20)}.corp.lan"
    return rng.choice(
        [
            f"postgresql://{user}:{secret}@{host}:5432/crm",
            f"mysql+pymysql://{user}:{secret}@{host}/shop",
            f"mongodb://{user}:{secret}@{host}:27017/?authSource=admin",
            f"Server={host};Database=erp;User Id={user};Password={secret};",
            f"amqp://{user}:{secret}@{host}:5672/%2f",
            f"redis://:{secret}@{host}:6379/0",
        ]
    )


def _base58check(payload: bytes) -> str:
    whole = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, made = int.from_bytes(whole), ""
    while number:
        number, left = divmod(number, 58)
        made = _BASE58[left] + made
    return "1" * (len(whole) - len(whole.lstrip(b"\0"))) + made


def wallets(rng: random.Random, n: int) -> list[str]:
    kind = rng.choice(["btc", "p2sh", "eth", "tron"])
    if kind == "eth":
        return ["0x" + rng.randbytes(20).hex() for _ in range(n)]
    version = {"btc": b"\0", "p2sh": b"\5", "tron": b"\x41"}[kind]
    return [_base58check(version + rng.randbytes(20)) for _ in range(n)]


def templates(rng: random.Random, n: int) -> list[str]:
    """What fingerprint readers and face models store: base 64 of bytes, or a vector."""
    if rng.random() < 0.5:
        return [base64.b64encode(b"FMR\0 20\0" + rng.randbytes(90)).decode() for _ in range(n)]
    return ["[" + ", ".join(f"{rng.gauss(0, 0.1):.5f}" for _ in range(32)) + "]" for _ in range(n)]
