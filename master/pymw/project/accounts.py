"""Accounts of volunteers, and the pages by which clients make them and look them up.

A client never sends a password: it sends MD5(password + e-mail) in hexadecimal. That is as good as the
password here, so only a salted hash of it is kept. Replies are those of a stock project.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import sqlite3
from dataclasses import dataclass

from pymw.project import messages

OWNER = "owner"
NOT_FOUND, NOT_UNIQUE, BAD_EMAIL, BAD_PASSWORD, DISABLED = -136, -137, -205, -206, -208
_MESSAGES = {
    NOT_FOUND: "There is no account with that email address",
    NOT_UNIQUE: "Account exists with that email address but another password",
    BAD_EMAIL: "That is no email address",
    BAD_PASSWORD: "Invalid password",
    DISABLED: "Account creation is disabled",
}
_KEY = re.compile(r"[0-9a-f]{32}")
_WEAK = re.compile(r"([0-9]{1,18})_([0-9a-f]{32})")


class AccountError(Exception):
    """An account cannot be made or looked up. number: BOINC's error."""

    def __init__(self, number: int) -> None:
        super().__init__(_MESSAGES[number])
        self.number = number


@dataclass(frozen=True, slots=True)
class Account:
    """A volunteer's account."""

    id: int
    name: str
    credit: float


def create_owner(db: sqlite3.Connection, now: float) -> str:
    """Make the account of the project's owner, without a password; returns its key."""
    return _insert(db, OWNER, OWNER, "", now)


def owner_key(db: sqlite3.Connection) -> str:
    """The key of the project's owner."""
    row = db.execute("SELECT authenticator FROM account WHERE email = ?", (OWNER,)).fetchone()
    return str(row["authenticator"])


def create(db: sqlite3.Connection, email: str, passwd_hash: str, name: str, now: float) -> str:
    """The key of a new account, or of the one that is there with this password. Raises AccountError."""
    email = _checked(email, passwd_hash)
    row = db.execute("SELECT authenticator, password FROM account WHERE email = ?", (email,)).fetchone()
    if row is None:
        return _insert(db, email, name, _hash(passwd_hash, secrets.token_bytes(16)), now)
    if not _fits(passwd_hash, row["password"]):
        raise AccountError(NOT_UNIQUE)
    return str(row["authenticator"])


def look_up(db: sqlite3.Connection, email: str, passwd_hash: str) -> str:
    """The key of an account; "" if it is only asked whether there is one. Raises AccountError."""
    email = email.strip().lower()
    row = db.execute("SELECT authenticator, password FROM account WHERE email = ?", (email,)).fetchone()
    if row is None or email == OWNER:
        raise AccountError(NOT_FOUND)
    if not passwd_hash:
        return ""
    if not _fits(passwd_hash, row["password"]):
        raise AccountError(BAD_PASSWORD)
    return str(row["authenticator"])


def authenticate(db: sqlite3.Connection, authenticator: str) -> Account | None:
    """The account of a key, whole or weak; None if there is none. A weak key can compute and nothing else."""
    columns = "SELECT id, name, credit, weak FROM account WHERE"
    if _KEY.fullmatch(authenticator):
        row = db.execute(f"{columns} authenticator = ?", (authenticator,)).fetchone()
    elif match := _WEAK.fullmatch(authenticator):
        row = db.execute(f"{columns} id = ?", (int(match[1]),)).fetchone()
        if row is not None and not hmac.compare_digest(row["weak"], match[2]):
            row = None
    else:
        return None
    return None if row is None else Account(row["id"], row["name"], row["credit"])


def key_reply(authenticator: str) -> str:
    """What a client gets for its account."""
    if not authenticator:
        return "<account_out>\n<success/>\n</account_out>\n"
    return messages.block("account_out", messages.element("authenticator", authenticator))


def error_reply(error: AccountError) -> str:
    """What a client gets instead."""
    number, message = messages.element("error_num", error.number), messages.element("error_msg", error)
    return messages.block("error", number, message)


def _insert(db: sqlite3.Connection, email: str, name: str, password: str, now: float) -> str:
    key = secrets.token_hex(16)
    # As in BOINC, a weak key ends with the MD5 of the key and the password's hash as it is kept.
    weak = hashlib.md5((key + password).encode(), usedforsecurity=False).hexdigest()
    db.execute(
        "INSERT INTO account (email, name, password, authenticator, weak, created) VALUES (?, ?, ?, ?, ?, ?)",
        (email, name or "volunteer", password, key, weak, now),
    )
    return key


def _checked(email: str, passwd_hash: str) -> str:
    email = email.strip().lower()
    if not re.fullmatch(r"[^@\s<>&\"\x00-\x20]{1,100}@[^@\s<>&\"\x00-\x20]{1,100}", email):
        raise AccountError(BAD_EMAIL)
    if not _KEY.fullmatch(passwd_hash):
        raise AccountError(BAD_PASSWORD)
    return email


def _hash(passwd_hash: str, salt: bytes) -> str:
    made = hashlib.scrypt(passwd_hash.encode(), salt=salt, n=2**13, r=8, p=1, dklen=32)
    return f"{base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"


def _fits(passwd_hash: str, password: str) -> bool:
    salt = base64.b64decode(password.partition("$")[0])
    return bool(password) and hmac.compare_digest(_hash(passwd_hash, salt).encode(), password.encode())
