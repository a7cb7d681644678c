"""``camrig lab``: boards of other hosts by labgrid."""

from __future__ import annotations

import argparse

from camrig.cli.command import Command, add_options
from camrig.settings.resolve import Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    setup = actions.add_parser("setup", help="install labgrid into an environment of its own, for labgrid:PLACE")
    setup.set_defaults(act=_set_up)
    serve = actions.add_parser("serve", help="offer this host's boards to labgrid's coordinator, until Ctrl-C")
    serve.add_argument("--name", metavar="NAME", help="the exporter's name, with which its places begin (the host's)")
    serve.add_argument("--address", metavar="HOST", help="where others reach this host (its address on the network)")
    serve.add_argument("--virtual", type=int, default=0, metavar="N", help="offer this number of virtual boards too")
    serve.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE", help="give the new places a tag")
    add_options(serve, "device", "coordinator", "baud", "sim_heap")
    serve.set_defaults(act=_serve)


def _set_up(arguments: argparse.Namespace, settings: Settings) -> int:
    from camrig.lab.labgrid.setup import requirement, set_up

    folder = set_up(lambda line: print(line, flush=True))
    print(f"{requirement()} is in {folder}: --device labgrid:PLACE and camrig lab serve use it")
    return 0


def _serve(arguments: argparse.Namespace, settings: Settings) -> int:
    from camrig.lab.labgrid.serve import serve

    return serve(
        settings,
        name=arguments.name,
        address=arguments.address,
        virtual=arguments.virtual,
        tags=arguments.tag,
        named=settings.device if arguments.device else (),  # not the boards that a run here would use
    )


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    return int(arguments.act(arguments, settings))


LAB = Command("lab", "use boards of other hosts by labgrid, and offer those of this one", _add_arguments, _run)
