"""The options that say where one task's files are and what it may do."""

import optparse
import sys

from pymw_worker import member_names, names, trust
from pymw_worker.errors import FormatError
from pymw_worker.text import message_of, to_text


class NotUnderstood(Exception):
    """What we were told makes no sense; the message is one sentence."""


class _Parser(optparse.OptionParser):
    def error(self, msg):
        raise NotUnderstood(msg)


def parser(usage):
    """Return the parser of the worker's command line, which ends this process if it is given nonsense."""
    return _with_options(optparse.OptionParser(usage, prog="pymw_worker"))


def parse(arguments):
    """Return one task's options. Raises NotUnderstood."""
    return read(_with_options(_Parser(add_help_option=False)), arguments)


def read(parser, arguments):
    """Return the options that a parser finds in the arguments; calls its `error` if they make no sense."""
    found, rest = parser.parse_args(arguments)
    if rest:
        parser.error("unknown argument: %s" % rest[0])
    found.data = [_data(parser, text) for text in found.data]
    found.trust = _trust(parser, found.trust, found.revoked)
    return found


def _with_options(parser):
    for name, default, what in (
        ("bundle", names.BUNDLE, "the code bundle"),
        ("arguments", names.ARGUMENTS, "the task's arguments"),
        ("result", names.RESULT, "where the result goes"),
        ("log", names.LOG, "where the log goes"),
    ):
        parser.add_option("--" + name, metavar="NAME", default=default, help=what + " (default: %default)")
    parser.add_option(
        "--data",
        metavar="NAME=FILE",
        action="append",
        default=[],
        help="one more input file, which the task sees as NAME in its folder; may be repeated",
    )
    parser.add_option("--task", metavar="NAME", default="", help="which task the arguments must be for")
    parser.add_option("--run", metavar="NAME", default="", help="... of which run")
    for name, metavar, what in (
        ("trust", "KEY,...", "run what these public keys have signed, and nothing else"),
        ("revoked", "ID,...", "but not what these have signed"),
    ):
        parser.add_option("--" + name, metavar=metavar, action="append", help=what + "; from the launcher")
    parser.add_option(
        "--max-result",
        metavar="BYTES",
        type="int",
        help="a larger result is not sent; the master is told its size (default: no limit)",
    )
    return parser


def _trust(parser, keys, revoked):
    """Return the Trust or None. Given twice, it was not the launcher alone who gave it."""
    for given in (keys, revoked):
        if given and len(given) > 1:
            parser.error("--trust and --revoked come from the launcher, once")
    try:
        return trust.parse(keys and keys[0], revoked and revoked[0])
    except ValueError:
        parser.error(message_of(sys.exc_info()[1]))


def _data(parser, text):
    """Return (name, file) from NAME=FILE."""
    name, equals, source = text.partition("=")
    if not equals or not source:
        parser.error("--data wants NAME=FILE, not %s" % text)
    try:
        member_names.check([to_text(name)], "--data")
    except FormatError:
        parser.error(message_of(sys.exc_info()[1]))
    return name, source
