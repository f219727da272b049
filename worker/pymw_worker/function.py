"""From a code bundle and an arguments file to a call that can be made."""

import os
import pickle
import sys

from pymw_worker import arguments, bundle, names, text
from pymw_worker.errors import FormatError, Unloadable


def load(bundle_path, arguments_path, folder, preloaded=()):
    """Unpack a bundle into `folder` and load its function and one task's arguments.

    preloaded: names of modules that this process happens to have; those in the folder come before them.
    Returns (function, args, kwargs). The names of the function's program stand in __main__ then. Raises
    Unloadable, FormatError, MemoryError, OSError or IOError.
    """
    code = bundle.read(bundle_path)
    given = arguments.read(arguments_path)
    if given.bundle != code.digest:
        raise Unloadable("the arguments were made for another code bundle")
    check(code)
    code.unpack(folder)
    sys.path.insert(1, folder)
    _forget(preloaded, folder)
    main = sys.modules["__main__"]
    main.__file__ = _write_main(folder, bundle_path)
    function = _guarded("the function", _load_function, code, main.__dict__)
    args, kwargs = _guarded("the arguments", pickle.loads, given.pickle)
    return function, args, kwargs


def _forget(preloaded, folder):
    """Let `import` find the modules in the folder, though this process has others of the same names."""
    own = set([name.split(".")[0] for name in os.listdir(folder)])
    for name in preloaded:
        if name.split(".")[0] in own:
            sys.modules.pop(name, None)


def load_names(bundle_path, namespace):
    """Load a bundle's function once more, into the __main__ of a fresh process of multiprocessing."""
    _load_function(bundle.read(bundle_path), namespace)


def check(code):
    """Raise Unloadable unless this Python can run the bundle; before a byte of it is run."""
    here = "%d.%d" % sys.version_info[:2]
    if not bundle.accepts(code.python):
        raise Unloadable(
            "the function %s needs Python %s, this is Python %s" % (code.entry, code.python, here),
            Unloadable.PYTHON,
        )
    for name in code.requires:
        try:
            __import__(name)
        except Exception:
            raise Unloadable(
                "the function %s needs the module %s, which Python %s on this computer cannot import: %s"
                % (code.entry, name, here, text.reason(sys.exc_info()[1])),
                Unloadable.MODULE,
            )


def _load_function(code, namespace):
    if code.form == bundle.PICKLE:
        return _load_pickle(code, namespace)
    return _load_source(code, namespace)


def _load_pickle(code, namespace):
    import cloudpickle  # the worker archive brings it along  # noqa: F401

    function = pickle.loads(code.function())
    found = dict(getattr(function, "__globals__", {}))
    found[getattr(function, "__name__", "")] = function
    for name, value in found.items():
        # What was the scientist's __main__ is __main__ here, for multiprocessing, which pickles by name.
        if name and getattr(value, "__module__", None) == "__main__":
            namespace.setdefault(name, value)
    return function


def _load_source(code, namespace):
    source = code.function()
    path = code.entry + ".py"
    _show_lines_in_tracebacks(path, source)
    exec(compile(source, path, "exec", 0, True), namespace)
    if code.entry not in namespace:
        raise FormatError("the code bundle's source does not define %s" % code.entry)
    return namespace[code.entry]


def _show_lines_in_tracebacks(path, source):
    import linecache

    lines = source.decode("utf-8", "replace").splitlines(True)
    linecache.cache[path] = (len(source), None, lines, path)


def _write_main(folder, bundle_path):
    path = os.path.join(folder, names.MAIN)
    stream = open(path, "w")
    try:
        stream.write("from pymw_worker import function\nfunction.load_names(%r, globals())\n" % bundle_path)
    finally:
        stream.close()
    return path


def _guarded(what, load_it, *values):
    """load_it(*values), with one sentence for whatever the scientist's code or pickle raises there."""
    try:
        return load_it(*values)
    except (MemoryError, FormatError, Unloadable):
        raise
    except Exception:
        raised, error = sys.exc_info()[:2]
        kind = isinstance(error, ImportError) and Unloadable.MODULE or Unloadable.OTHER
        raise Unloadable("%s cannot be loaded: %s: %s" % (what, raised.__name__, text.reason(error)), kind)
