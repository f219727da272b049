#!/bin/sh
# The launcher for i686-apple-darwin, for which no compiler is left; docs/launcher.md describes what it does. It
# differs from the native one in that it uses a Python of the machine only (every such Mac has one, and none has
# zstd), and asks it at each start instead of keeping the answers.
# API_VERSION_7.20.0

say() {
    printf '%s (%s): pymw launcher: %s\n' "$(date '+%Y-%m-%d %H:%M:%S')" "$$" "$*" >&2
}

fail() {
    say "$*"
    exit 206
}

bad_config() {
    fail "failed to use the configuration $config: $*; package the application again with this version's pymw-package"
}

# --- what is wanted -------------------------------------------------------------------------------------------

find_self() {
    here=$(cd "$(dirname "$0")" && pwd -P) || fail "failed to find the folder of $0; start the launcher by its path"
    config=$here/$(basename "$0").conf
    carriage_return=$(printf '\r')
    byte_order_mark=$(printf '\357\273\277')
    newline='
'
}

read_config() {
    [ -r "$config" ] ||
        fail "failed to read the configuration $config; reset the project, so that the client downloads it again"
    format='' worker='' trust='' revoked='' python_min='' python_max='' bits='' modules='' payload='' names=' '
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line#"$byte_order_mark"}
        line=${line%"$carriage_return"}
        case $line in
        '' | '#'*) continue ;;
        *=*) read_setting "$(trim "${line%%=*}")" "$(trim "${line#*=}")" ;;
        *) bad_config "\"$line\" has no =" ;;
        esac
    done <"$config"
    [ "$format" = 1 ] || bad_config "its format is \"$format\", not 1"
    case $worker in
    '' | */* | . | ..) bad_config "worker is \"$worker\", not the name of a file beside it" ;;
    esac
    archive=$here/$worker
    [ -f "$archive" ] ||
        fail "failed to find the worker archive $archive; reset the project, so that the client downloads it again"
}

read_setting() {
    case $names in
    ' ') [ "$1" = format ] || bad_config "format does not come first" ;;
    *" $1 "*) bad_config "$1 stands there twice" ;;
    esac
    names="$names$1 "
    case $1 in
    format) format=$2 ;;
    worker) worker=$2 ;;
    python_min | python_max)
        number_of "$2" >/dev/null || bad_config "$1 is \"$2\", not a version such as 3.11"
        eval "$1=\$2"
        ;;
    bits)
        case $2 in 32 | 64) bits=$2 ;; *) bad_config "bits is \"$2\", not 32 or 64" ;; esac
        ;;
    modules)
        case $2 in *[!A-Za-z0-9_.,\ ]*) bad_config "modules is \"$2\", not a list of modules" ;; esac
        modules=$(printf '%s' "$2" | tr ',' ' ')
        ;;
    prefer)
        case $2 in system | embedded) ;; *) bad_config "prefer is \"$2\", not system or embedded" ;; esac
        ;;
    payload) payload=$2 ;;
    trust | revoked)
        case $2 in '' | *[!0-9a-f,]*) bad_config "$1 is \"$2\", not hexadecimal digits with commas" ;; esac
        eval "$1=\$2"
        ;;
    payload_sha256 | payload_size | payload_python | payload_version) ;;
    *) bad_config "it has the unknown name \"$1\"" ;;
    esac
}

trim() {
    printf '%s' "$1" | sed -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//'
}

# 3.11 (or 3.11.9) as 3011, for comparisons.
number_of() {
    case $1 in
    *[!0-9.]* | .* | *. | *..* | *.*.*.*) return 1 ;;
    *.*) ;;
    *) return 1 ;;
    esac
    minor=${1#*.}
    printf '%s' "$((${1%%.*} * 1000 + ${minor%%.*}))"
}

# Sets job_min and job_max from 3.11, 2.7-3.12 or 3.8-.
read_range() {
    case $1 in
    *-) job_min=${1%-} job_max='' ;;
    *-*) job_min=${1%%-*} job_max=${1#*-} ;;
    *) job_min=$1 job_max=$1 ;;
    esac
    if number_of "$job_min" >/dev/null; then
        [ -n "$job_max" ] || return 0
        number_of "$job_max" >/dev/null && [ "$(number_of "$job_min")" -le "$(number_of "$job_max")" ] && return 0
    fi
    fail "failed to understand --python \"$1\": it is not of the form 3.11, 2.7-3.12 or 3.8-;" \
        'correct the command line of the job'
}

# --- what there is --------------------------------------------------------------------------------------------

# Every file that may be a Python, one a line, best first.
candidates() {
    in_path=$(printf '%s' "$PATH" | tr ':' '\n' | grep '^/')
    names_in "$in_path"
    names_in "/usr/bin${newline}/usr/local/bin"
    for versions in /Library /System/Library; do
        newest_first "$versions"/Frameworks/Python.framework/Versions/*/bin/python*
    done
}

names_in() {
    for name in python3 'python3.*' python python2; do
        printf '%s\n' "$1" | while IFS= read -r folder; do
            case $name in
            # Unquoted: the pattern is to be expanded.
            *'*') newest_first "$folder"/python3.* ;;
            *) printf '%s\n' "$folder/$name" ;;
            esac
        done
    done
}

newest_first() {
    printf '%s\n' "$@" | grep -E '/python([23](\.[0-9]+)?)?$' |
        sed 's|.*/python[23]*\.*\([0-9]*\)$|\1 &|' | sort -rn | cut -d ' ' -f 2-
}

# Prints the answer of a Python or, after "unusable", why there is none. A process that asks nothing more of the
# shell than POSIX: macOS has no timeout command.
probe() {
    answer_file=$scratch/answer
    rm -f "$answer_file"
    (
        # In a group of its own where the shell can do that, so that whatever it starts is killed with it.
        set -m
        ulimit -f 2048
        # shellcheck disable=SC2086  # The names of modules are separate arguments.
        "$1" -E -c "$question" $modules </dev/null >"$answer_file" 2>/dev/null &
        asked=$!
        {
            trap 'kill "$clock"; exit' TERM
            sleep 5 &
            clock=$!
            wait "$clock"
            kill -KILL "-$asked" || kill -KILL "$asked"
        } >/dev/null 2>&1 &
        watchdog=$!
        wait "$asked"
        status=$?
        kill -TERM "$watchdog"
        exit "$status"
    ) 2>/dev/null
    status=$?
    answer=$(tail -n 1 "$answer_file" 2>/dev/null | tr -d '\r')
    if [ "$status" -eq 137 ]; then
        echo 'unusable it did not answer in 5 s'
    elif [ "$status" -ne 0 ]; then
        echo "unusable it ended with status $status"
    else
        case $answer in
        'PyMW-Python 1 cpython posix '[0-9]*.[0-9]*\ [36][24]\ *) echo "${answer#PyMW-Python 1 cpython posix }" ;;
        'PyMW-Python 1 '?*\ ?*\ ?*\ ?*\ ?*) echo 'unusable it is not CPython' ;;
        *) echo 'unusable its answer was not that of a Python' ;;
        esac
    fi
}

# Runs in Python 2.5 to 3.14; the same question as in probe.zig.
question='
import sys
del sys.path[0]
import os, struct
missing = []
for name in sys.argv[1:]:
    try:
        __import__(name)
    except Exception:
        missing.append(name)
kind = getattr(getattr(sys, "implementation", None), "name", None)
if kind is None:
    kind = hasattr(sys, "pypy_version_info") and "pypy" or sys.platform
    if not kind.startswith(("pypy", "java", "cli")):
        kind = "cpython"
version = "%d.%d" % tuple(sys.version_info[:2])
sys.stdout.write("PyMW-Python 1 %s %s %s %d %s\n" % (
    kind, os.name, version, 8 * struct.calcsize("P"), ",".join(missing) or "-"))
'

# Prints why a Python with this answer cannot be used, nothing if it can.
objection() {
    case $1 in
    'unusable '*)
        printf '%s' "${1#unusable }"
        return
        ;;
    esac
    # shellcheck disable=SC2086  # Three words: version, bits, missing modules.
    set -- $1
    has=$(number_of "$1")
    if [ -n "$python_min" ] && [ "$has" -lt "$(number_of "$python_min")" ]; then
        printf 'it is %s, the application needs %s or newer' "$1" "$python_min"
    elif [ -n "$python_max" ] && [ "$has" -gt "$(number_of "$python_max")" ]; then
        printf 'it is %s, the application needs %s or older' "$1" "$python_max"
    elif [ -n "$job_min" ] && [ "$has" -lt "$(number_of "$job_min")" ]; then
        printf 'it is %s, the job needs %s or newer' "$1" "$job_min"
    elif [ -n "$job_max" ] && [ "$has" -gt "$(number_of "$job_max")" ]; then
        printf 'it is %s, the job needs %s or older' "$1" "$job_max"
    elif [ -n "$bits" ] && [ "$bits" != "$2" ]; then
        printf 'it has %s bits, the application needs %s' "$2" "$bits"
    elif [ "$3" != - ]; then
        printf 'it lacks %s' "$3"
    fi
}

# Macs without developer tools have a /usr/bin/python3 that only opens a window offering to install them.
is_installer_stub() {
    case $1 in /usr/bin/python3*) ;; *) return 1 ;; esac
    [ "$(uname)" = Darwin ] && [ ! -e /Library/Developer/CommandLineTools/usr/bin/python3 ] &&
        [ ! -e /Applications/Xcode.app/Contents/Developer/usr/bin/python3 ]
}

# Sets python to the first candidate without objection; with --explain goes on to the last.
choose() {
    python='' seen=''
    while IFS= read -r candidate; do
        [ -f "$candidate" ] && [ -x "$candidate" ] || continue
        was_seen "$candidate" && continue
        seen=$seen$candidate$newline
        if is_installer_stub "$candidate"; then
            answer="unusable it is Apple's offer to install the developer tools"
        else
            answer=$(probe "$candidate")
        fi
        why=$(objection "$answer")
        [ -n "$why" ] || python=${python:-$candidate}
        if [ -n "$explain" ]; then
            printf '%s  %s\n' "$candidate" "${why:-fits: Python $answer}"
        elif [ -n "$python" ]; then
            return
        else
            say "passed over $candidate: $why"
        fi
    done <<LIST
$(candidates)
LIST
}

# One file may have many names.
was_seen() {
    while IFS= read -r other; do
        [ -n "$other" ] && [ "$1" -ef "$other" ] && return 0
    done <<LIST
$seen
LIST
    return 1
}

# --- the start ------------------------------------------------------------------------------------------------

# A folder for the answer of a Python: the slot folder under a client, else one that only we can write.
make_scratch() {
    if [ -f init_data.xml ]; then
        scratch=$(pwd)/pymw_launcher.$$
        mkdir "$scratch"
    else
        scratch=$(umask 077 && mktemp -d "${TMPDIR:-/tmp}/pymw.XXXXXX")
    fi || fail "failed to make a temporary folder: no space or no permission; free some space"
    trap 'rm -rf "$scratch"' EXIT
    # To the client, a signal is no failure of the job; so it must still look like one.
    for signal in HUP INT TERM; do
        # shellcheck disable=SC2064  # The name of the signal is wanted as it is now.
        trap "rm -rf \"\$scratch\"; trap - EXIT $signal; kill -$signal \$\$" "$signal"
    done
}

# The client's additions are relative to the slot folder; Python would load whatever lies in the project folder.
absolute_entries() {
    printf '%s' "$1" | tr ':' '\n' | grep '^/' | tr '\n' ':' | sed 's/:$//'
}

clean_environment() {
    LD_LIBRARY_PATH=$(absolute_entries "${LD_LIBRARY_PATH-}")
    DYLD_LIBRARY_PATH=$(absolute_entries "${DYLD_LIBRARY_PATH-}")
    [ -n "$LD_LIBRARY_PATH" ] || unset LD_LIBRARY_PATH
    [ -n "$DYLD_LIBRARY_PATH" ] || unset DYLD_LIBRARY_PATH
}

find_self
read_config
explain='' job_min='' job_max='' ours=yes
left=$#
while [ "$left" -gt 0 ]; do
    argument=$1
    shift
    left=$((left - 1))
    case $ours$argument in
    yes--) ours='' ;;
    yes--explain) explain=yes ;;
    yes--python)
        read_range "${1-}"
        [ "$left" -gt 0 ] && shift && left=$((left - 1))
        ;;
    *) set -- "$@" "$argument" ;;
    esac
done
clean_environment
make_scratch
choose
if [ -n "$explain" ]; then
    [ -z "$payload" ] || echo "payload: $payload  this launcher cannot unpack it"
    echo "choice: ${python:-none fits}"
    [ -n "$python" ] || exit 206
    exit 0
fi
[ -n "$python" ] ||
    fail 'failed to find a Python that fits in PATH, /usr/bin, /usr/local/bin and the framework folders,' \
        "and this launcher cannot unpack one; install Python ${job_min:-${python_min:-2.5}}"
trap - EXIT HUP INT TERM
rm -rf "$scratch"
# Before those of the job, so that no argument of the server's can come between.
set -- ${trust:+--trust "$trust"} ${revoked:+--revoked "$revoked"} "$@"
exec "$python" -E -c 'import sys;sys.path[0]=sys.argv.pop(1);import pymw_worker.__main__ as m;m.main()' "$archive" "$@"
