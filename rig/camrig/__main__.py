"""The command ``camrig``, and ``python -m camrig``: Ctrl-C is one line, also while the rooms are still being read."""

import sys

EXIT_INTERRUPTED = 130


def main() -> int:
    try:
        from camrig.cli.main import main as command

        return command()
    except KeyboardInterrupt:
        print("camrig: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
