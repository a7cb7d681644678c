"""The command ``camrig``, and ``python -m camrig``.

Whatever happens, also while the rooms are still being read, ends in one line and a documented exit code.
"""

import atexit
import gc
import signal
import sys

EXIT_INTERRUPTED = 2  # as in camrig.stages, which is not imported: reading it may be what is interrupted
OBJECTS = 50_000  # new ones before Python looks for cycles: reading the rooms makes many, and no garbage


def main() -> int:
    gc.set_threshold(OBJECTS)
    try:
        code = _run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
        print("camrig: interrupted", file=sys.stderr)
    if failure := getattr(sys.stdout, "failure", ""):
        print(f"camrig: the output could not be written: {failure}", file=sys.stderr)
        code = code or _blocked()
    atexit.register(gc.freeze)  # Python would look at every object once more before it ends
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # the verdict is known, and Python only clears up
    return code


def _run() -> int:
    from camrig.output import prepare_streams

    try:
        prepare_streams()
        from camrig.cli.main import main as command

        return command()
    except Exception as error:  # a package that is missing or damaged
        from camrig.bug_report import unexpected

        sentence = unexpected(error)
        print(f"camrig: {sentence}", file=sys.stderr)
        return sentence.exit_code


def _blocked() -> int:
    from camrig.errors import EXIT_BLOCKED

    return EXIT_BLOCKED


if __name__ == "__main__":
    sys.exit(main())
