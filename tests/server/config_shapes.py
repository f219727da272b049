"""config.xml in the shapes that make_project, other programs and people give it."""

from tests.server.made_project import DATA

MADE = (DATA / "config.xml").read_bytes()

_ONE_LINE = (
    b"<boinc><config><db_name>x</db_name></config>"
    b"<daemons><daemon><cmd>feeder</cmd></daemon></daemons></boinc>"
)

_COMMENTS = b"""<boinc>
 <config/>
 <!-- <daemons> <daemon><cmd>feeder</cmd></daemon> </daemons> -->
 <daemons>
  <!-- <daemon><cmd>pymw_assimilator -p /old</cmd></daemon> -->
  <daemon><cmd>feeder -d 3</cmd></daemon> <!-- the last one: keep </daemons> last -->
 </daemons>
 <tasks><task/></tasks><!-- end -->
</boinc>
<!-- after -->
"""

_LATIN_1 = """<?xml version="1.0" encoding="ISO-8859-1"?>
<boinc>
  <config><a/></config><!-- für ü -->
  <daemons>
    <daemon><cmd>feeder</cmd></daemon>
  </daemons>
</boinc>
""".encode("latin-1")

_MARKED = b"\xef\xbb\xbf" + "<boinc>\n <config/><!-- ü -->\n <daemons>\n </daemons>\n</boinc>".encode()

_CDATA = b"""<boinc>
 <config/>
 <daemons>
  <daemon><cmd><![CDATA[feeder -d 3]]></cmd></daemon>
 </daemons>
</boinc>
"""

_HOSTS = b"""<boinc>
 <config/>
 <daemons>
  <daemon>
   <host>other</host>
   <cmd>feeder</cmd>
  </daemon>
  <daemon><disabled>1</disabled><cmd>transitioner -d 3</cmd></daemon>
 </daemons>
</boinc>
"""

# Those to which one piece is added, at one place.
SHAPES = {
    "as make_project writes it": MADE,
    "written on Windows": MADE.replace(b"\n", b"\r\n"),
    "indented by tabs": MADE.replace(b"    ", b"\t"),
    "not indented": MADE.replace(b"    ", b""),
    "on one line": _ONE_LINE,
    "without daemons": b"<boinc>\n  <config>\n    <db_name>x</db_name>\n  </config>\n</boinc>\n",
    "daemons in comments": _COMMENTS,
    "only a comment": b"<boinc>\n\t<config/>\n\t<daemons>\n\t\t<!-- none yet -->\n\t</daemons>\n</boinc>\n",
    "daemons closed at once": b"<boinc>\n  <config/>\n  <daemons></daemons>\n</boinc>",
    "in Latin 1": _LATIN_1,
    "with a byte order mark": _MARKED,
    "with CDATA": _CDATA,
    "for several hosts": _HOSTS,
}

# Those whose <daemons/> must be opened.
EMPTY = {
    "with an empty daemons": b"<boinc>\n  <config/>\n  <daemons />\n  <tasks/>\n</boinc>\n",
    "one line, an empty daemons": b"<boinc><config/><daemons/></boinc>",
}
