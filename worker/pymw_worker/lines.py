"""Lines out of pieces of a stream."""


class Splitter(object):
    """Puts together what comes in pieces."""

    def __init__(self):
        self._rest = "".encode("ascii")

    def feed(self, piece):
        """Return the lines, without their ends, that are whole now."""
        lines = (self._rest + piece).split("\n".encode("ascii"))
        self._rest = lines.pop()
        return lines
