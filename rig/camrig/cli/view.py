"""``camrig view``: the camera in a browser, and which layer keeps a page from it."""

from __future__ import annotations

import argparse

from camrig.cli.command import BOARD_OPTIONS, Command, add_options
from camrig.errors import SettingsError
from camrig.settings.options import board_url
from camrig.settings.resolve import VIRTUAL, Settings

PAGE_PORT = 8090


def _address(text: str) -> str:
    try:
        return board_url(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} {error}") from None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text} is not a port from 1 to 65535")
    return int(text)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address",
        nargs="?",
        type=_address,
        metavar="URL",
        help="a camera that serves already, http://HOST:PORT: no serial line is opened (the board of --device)",
    )
    parser.add_argument(
        "--page-port",
        type=_port,
        default=PAGE_PORT,
        metavar="PORT",
        help=f"the page is http://localhost:PORT ({PAGE_PORT})",
    )
    parser.add_argument(
        "--allow",
        action="store_true",
        help="put library and application on the board first, with a policy that lets the page in",
    )
    add_options(parser, *BOARD_OPTIONS, "lib", "app")


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    address = arguments.address or ""
    if not address and settings.url and arguments.device is None and settings.device == (VIRTUAL,):
        address = settings.url[0]  # a server that is reached elsewhere is not that of a virtual board
    if address and (arguments.device or arguments.allow):
        raise SettingsError(
            "a URL names a camera that serves already, and --device and --allow one at a serial line",
            hint="give the one or the other; for a port forward, --device with --hil-url",
        )
    if len(settings.device) != 1:
        raise SettingsError("view takes one --device")
    from camrig.interruption import terminate_as_interrupt
    from camrig.view.run import view

    terminate_as_interrupt()
    view(settings, address, arguments.page_port, arguments.allow)
    return 0


VIEW = Command("view", "show a camera in a browser, and what keeps a page from it", _add_arguments, _run)
