"""Unix: who belongs to a tree of processes, and their CPU time. From /proc, else from `ps`."""

import os

_PROC = "/proc"
_LONGEST = 4096  # bytes of a `stat`, of which there are some hundred


class Member(object):
    """A living process. cpu: seconds, with that of its children that ended."""

    def __init__(self, pid, parent, group, cpu):
        self.pid = pid
        self.parent = parent
        self.group = group
        self.cpu = cpu


def take(root, group, known, outsiders):
    """Return the living members of a tree as a list of Member.

    root: id of the process whose descendants they are, itself not a member. group: id of a process group
    whose processes belong to the tree whoever their parent is. known: members of the last census, who stay
    members when their parent has ended. outsiders: ids of children of the root that don't belong to the
    tree.
    """
    if _has_proc():
        everybody = _from_proc([name for name in os.listdir(_PROC) if name.isdigit()])
    else:
        everybody = _from_ps()
    groups = dict([(member.pid, member.group) for member in known])
    members = dict([(m.pid, m) for m in everybody if m.group == group or groups.get(m.pid) == m.group])
    parents = dict([(root, None)] + list(members.items()))
    fresh = parents
    while fresh:
        fresh = dict(
            [
                (m.pid, m)
                for m in everybody
                if m.parent in fresh and m.pid not in parents and m.pid not in outsiders
            ]
        )
        members.update(fresh)
        parents.update(fresh)
    members.pop(root, None)
    return list(members.values())


def again(known):
    """Return those of the known members that still live, as they are now. Much cheaper than to take a census.

    Without a /proc nobody is asked, and they are as they were.
    """
    if not _has_proc():
        return known
    groups = dict([(str(member.pid), member.group) for member in known])
    return [member for member in _from_proc(groups) if groups[str(member.pid)] == member.group]


def children():
    """Return the ids of our children, if Linux's /proc has that list; None if not."""
    try:
        stream = open("%s/self/task/%d/children" % (_PROC, os.getpid()), "rb")
        try:
            return [int(word) for word in stream.read().split()]
        finally:
            stream.close()
    except EnvironmentError:
        return None


def _has_proc():
    """Whether there is Linux's /proc."""
    return os.path.exists(_PROC + "/self/stat")


def _from_proc(names):
    """The living among the processes of these names in Linux's /proc."""
    found = []
    ticks = float(os.sysconf("SC_CLK_TCK"))
    for name in names:
        try:
            # A file object takes three times as long, and a computer may have a thousand processes.
            descriptor = os.open("%s/%s/stat" % (_PROC, name), os.O_RDONLY)
            try:
                line = os.read(descriptor, _LONGEST).decode("latin-1")
            finally:
                os.close(descriptor)
        except EnvironmentError:
            continue  # ended meanwhile
        # The name in parentheses may hold anything; what follows is counted from field 3 (proc(5)).
        fields = line[line.rfind(")") + 2 :].split(None, 15)
        if len(fields) > 14 and fields[0] not in "ZX":
            cpu = sum([int(field) for field in fields[11:15]]) / ticks
            found.append(Member(int(name), int(fields[1]), int(fields[2]), cpu))
    return found


def _from_ps():
    """All living processes, from the program `ps` (macOS, BSD); an empty list if it can't be run."""
    import subprocess

    try:
        process = subprocess.Popen(
            ["ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "state=", "-o", "time="],
            stdout=subprocess.PIPE,
            env={"PATH": os.environ.get("PATH") or os.defpath, "LC_ALL": "C"},
        )
        lines = process.communicate()[0].decode("latin-1").splitlines()
    except EnvironmentError:
        return []
    found = []
    for fields in [line.split() for line in lines]:
        if len(fields) == 5 and not fields[3].startswith("Z") and fields[0] != str(process.pid):
            found.append(Member(int(fields[0]), int(fields[1]), int(fields[2]), _seconds(fields[4])))
    return found


def _seconds(text):
    """Seconds from ps's [[days-]hours:]minutes:seconds[.hundredths]."""
    days, rest = ("0-" + text).split("-")[-2:]
    seconds = 0.0
    for part in rest.split(":"):
        seconds = seconds * 60 + float(part)
    return int(days) * 86400 + seconds
