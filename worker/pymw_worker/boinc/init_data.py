"""Reads init_data.xml: what the client tells an application about its job (lib/app_ipc.cpp)."""

import os
import re

NAME = "init_data.xml"
LARGEST = 4 << 20  # bytes; real ones have 5 to 50 kB

# What stands inside of these is not about the job. The project writes what it likes into the first.
_NESTED = ("project_preferences", "host_info", "proxy_info", "global_preferences")
# The volunteer's passwords, to the project and to a proxy: they are not even kept.
_SECRET = ("authenticator", "http_user_passwd", "socks5_user_passwd")


class Unreadable(Exception):
    """init_data.xml is there but says nothing: cut short, empty, no such file format, or can't be opened."""


def read(folder):
    """Return the InitData of a folder's init_data.xml; None if there is no such file.

    Lenient, as the client writes names and paths without escaping: not XML in the strict sense. Unknown
    tags are passed over. Raises Unreadable.
    """
    path = os.path.join(folder, NAME)
    if not os.path.exists(path):
        return None
    try:
        stream = open(path, "rb")
        try:
            data = stream.read(LARGEST)
        finally:
            stream.close()
    except EnvironmentError:
        raise Unreadable("%s could not be read" % NAME)
    text = decode(data)
    begin, end = text.find("<app_init_data>"), text.rfind("</app_init_data>")
    if begin < 0 or end < begin:
        raise Unreadable("%s is not complete" % NAME)
    return InitData(text[begin:end])


def blank_secrets(folder):
    """Overwrite in place what a task, which can read the folder, has no business with.

    The client writes the file anew each time and never reads it. It stays as it is if we may not write to it.
    """
    try:
        stream = open(os.path.join(folder, NAME), "r+b")
        try:
            data = stream.read(LARGEST)
            for tag in _SECRET:
                pattern = "<%s>([^\n<]+)</%s>" % (tag, tag)
                for found in re.finditer(pattern.encode("ascii"), data):
                    stream.seek(found.start(1))
                    stream.write(("*" * len(found.group(1))).encode("ascii"))
        finally:
            stream.close()
    except EnvironmentError:
        pass


class InitData(object):
    """The fields that stand directly in <app_init_data>."""

    def __init__(self, text):
        for tag in _NESTED:
            text = re.sub(r"(?s)<%s>.*?</%s>" % (tag, tag), "", text)
        self._fields = {}
        for tag, value in re.findall(r"<(\w+)>([^\n]*?)</\1>", text):
            if tag not in _SECRET:
                self._fields.setdefault(tag, value.strip())

    def text(self, tag, default=""):
        """Return a field as str."""
        return self._fields.get(tag, default)

    def number(self, tag, default=0.0):
        """Return a field as a finite float; the default if it is absent or no number."""
        try:
            number = float(self._fields[tag])
        except (KeyError, ValueError):
            return default
        if number - number != 0.0:  # an infinity, or not a number
            return default
        return number

    def integer(self, tag, default=0):
        """Return a field as int; the default if it is absent or no number."""
        return int(self.number(tag, default))


def decode(data):
    """Decode without ever failing. A path must survive, so on Python 2 the bytes stay what they are."""
    if isinstance(data, str):
        return data
    try:
        return os.fsdecode(data)  # novm: Python 3.2
    except (AttributeError, UnicodeError):
        return data.decode("latin-1")
