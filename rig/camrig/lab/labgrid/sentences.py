"""What labgrid's side reports, as errors of camrig: one sentence, and what to do; pure."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Mapping
from typing import Any

from camrig.errors import BlockedError, BoardBusyError, CamrigError, LabError, LeaseLostError, PortError

Facts = Mapping[str, Any]
WAIT = "wait for it with --hil-wait SECONDS"
SETUP = "run: camrig lab setup"


def refusal(facts: Facts, address: str) -> CamrigError:
    """The error for what kept labgrid's side from a place. ``address`` is the coordinator's."""
    builder = _REFUSALS.get(str(facts.get("kind")), _unknown)
    return builder({"address": address, **facts})


def loss(facts: Facts, place: str, address: str) -> LeaseLostError:
    """The error for a lease that ended in the middle."""
    if facts.get("away"):
        return LeaseLostError(
            f"the labgrid coordinator at {address} went away, and the place {place} with it",
            hint="see whether it runs, then run again",
        )
    if facts.get("restarted") and not facts.get("by"):
        return LeaseLostError(
            f"the labgrid coordinator at {address} was restarted, and does not know any more that this run had the "
            f"place {place}",
            hint="run again",
        )
    if facts.get("deleted"):
        return LeaseLostError(
            f"the labgrid place {place} was deleted while this run had it", hint="ask who did that, then run again"
        )
    if by := facts.get("by"):
        return LeaseLostError(
            f"{holder(by)} took the labgrid place {place} from this run at {moment(facts.get('since'))}",
            hint="agree with them, then run again",
        )
    return LeaseLostError(
        f"the labgrid place {place} was released while this run had it, perhaps by labgrid-client release --kick",
        hint="ask who did that, then run again",
    )


def holder(name: str) -> str:
    """labgrid's ``HOST/USER`` as people say it."""
    host, _, user = name.partition("/")
    return f"{user} on {host}" if user else name


def moment(since: Any) -> str:
    """A time of the coordinator as local time, to the second."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(since)))
    except (TypeError, ValueError, OverflowError, OSError):
        return "an unknown time"


def waiting(reason: Facts) -> str:
    """Why a place has to be waited for, to be said once."""
    return refusal(reason, "").what


def tag_words(tags: Facts) -> str:
    return " ".join(f"{key}={value}" for key, value in sorted(tags.items()))


def _no_place(facts: Facts) -> CamrigError:
    name, places = str(facts["place"]), [str(place) for place in facts["places"]]
    near = difflib.get_close_matches(name, places, n=1)
    if near:
        hint = f"did you mean labgrid:{near[0]}?"
    elif places:
        hint = f"its places are {', '.join(places[:20])}" + (", …" if len(places) > 20 else "")
    else:
        hint = "it has no places yet: start camrig lab serve, or create one with labgrid-client"
    return PortError(f"the labgrid coordinator at {facts['address']} has no place {name}", hint=hint)


def _held(facts: Facts) -> CamrigError:
    process = facts.get("process", 0)
    run = f" for a run of camrig{f' (process {process})' if process > 0 else ''}" if process else ""
    return BoardBusyError(
        f"the labgrid place {facts['place']} is held by {holder(facts['by'])}{run} since {moment(facts['since'])}",
        hint=WAIT,
    )


def _reserved(facts: Facts) -> CamrigError:
    return BoardBusyError(
        f"the labgrid place {facts['place']} is reserved for {holder(facts['by'])} since {moment(facts['since'])}",
        hint=WAIT,
    )


def _no_match(facts: Facts) -> CamrigError:
    known = [f"{place} has {tag_words(tags) or 'none'}" for place, tags in sorted(facts["known"].items())]
    hint = "of its places, " + "; ".join(known[:8]) + ("; …" if len(known) > 8 else "")
    return PortError(
        f"no place of the labgrid coordinator at {facts['address']} has the tags {tag_words(facts['tags'])}",
        hint=hint if known else "it has no places yet: start camrig lab serve",
    )


def _all_busy(facts: Facts) -> CamrigError:
    parts = [
        f"{entry['place']} is held by {holder(entry['by'])} since {moment(entry['since'])}"
        if entry["by"]
        else f"{entry['place']} is {'reserved' if entry['reserved'] else 'not allocated yet'}"
        for entry in facts["holders"]
    ]
    return BoardBusyError(
        f"every labgrid place with the tags {tag_words(facts['tags'])} is in use: {'; '.join(parts[:8])}", hint=WAIT
    )


def _no_token(facts: Facts) -> CamrigError:
    if not facts["token"]:
        return PortError(
            "labgrid:+ means the reservation of $LG_TOKEN, which is not set",
            hint="run: eval $(labgrid-client reserve --shell TAG=VALUE)",
        )
    return PortError(
        f"the labgrid coordinator at {facts['address']} has no reservation {facts['token']}",
        hint="it may have expired: reserve again with labgrid-client reserve --wait",
    )


def _waiting(facts: Facts) -> CamrigError:
    return BoardBusyError(f"the labgrid reservation {facts['token']} has not got a place yet", hint=WAIT)


def _unmatched(facts: Facts) -> CamrigError:
    if not facts["match"]:
        return PortError(
            f"the labgrid place {facts['place']} has no resources",
            hint=f"add those of its exporter: labgrid-client -p {facts['place']} add-match 'EXPORTER/GROUP/*'",
        )
    exporter = str(facts["match"]).partition("/")[0]
    return PortError(
        f"nothing offers {facts['match']}, which belongs to the labgrid place {facts['place']}",
        hint=f"see whether the exporter {exporter} runs, and the board is attached there",
    )


def _broken(facts: Facts) -> CamrigError:
    return LabError(
        f"the exporter {facts['exporter']} could not start the {facts['resource']} of the labgrid place "
        f"{facts['place']}",
        hint=f"on {facts['exporter']}, install ser2net if it is missing, and restart the exporter",
    )


def _no_serial(facts: Facts) -> CamrigError:
    resources = ", ".join(facts["resources"]) or "nothing"
    return PortError(
        f"the labgrid place {facts['place']} has no serial port, only {resources}",
        hint="add a USBSerialPort or RawSerialPort of its exporter to the place",
    )


def _ports(facts: Facts) -> CamrigError:
    return PortError(
        f"the labgrid place {facts['place']} has {len(facts['resources'])} serial ports: "
        f"{', '.join(facts['resources'])}",
        hint="give the board a place of its own",
    )


def _not_there(facts: Facts) -> CamrigError:
    return PortError(
        f"the serial port of the labgrid place {facts['place']} is not there",
        hint=f"see whether the board is plugged in at {facts['exporter']}",
    )


def _power(facts: Facts) -> CamrigError:
    return BlockedError(
        f"labgrid did not switch the power of {facts['place']}: {facts['details']}",
        hint=f"try labgrid-client -p {facts['place']} power cycle",
    )


def _unreachable(facts: Facts) -> CamrigError:
    return LabError(
        f"no labgrid coordinator answers at {facts['address']}",
        hint="see whether it runs, and LG_COORDINATOR or --hil-coordinator names it",
        details=str(facts.get("details", "")),
    )


def _foreign(facts: Facts) -> CamrigError:
    return LabError(
        f"what answers at {facts['address']} does not speak as a coordinator of labgrid 24 or later does",
        hint="name another one with LG_COORDINATOR, or update that one",
        details=str(facts.get("details", "")),
    )


def _refused(facts: Facts) -> CamrigError:
    return LabError(f"the labgrid coordinator at {facts['address']} refused: {facts['details']}", hint="see its log")


def _import(facts: Facts) -> CamrigError:
    return LabError(
        "the installed labgrid is older than 24, or incomplete", hint=SETUP, details=str(facts.get("details", ""))
    )


def _protocol(facts: Facts) -> CamrigError:
    return LabError(
        "the installed labgrid works in a way that camrig does not know",
        hint=SETUP,
        details=str(facts.get("details", "")),
    )


def _silent(facts: Facts) -> CamrigError:
    return LabError(
        f"labgrid did not answer within {facts['seconds']:g} s",
        hint=f"see whether the coordinator at {facts['address']} is well",
    )


def _ended(facts: Facts) -> CamrigError:
    return LabError("the program that speaks with labgrid ended", hint=SETUP)


def _unknown(facts: Facts) -> CamrigError:
    return _protocol({**facts, "details": str(dict(facts))})


_REFUSALS: dict[str, Callable[[Facts], CamrigError]] = {
    "no_place": _no_place,
    "held": _held,
    "reserved": _reserved,
    "no_match": _no_match,
    "all_busy": _all_busy,
    "no_token": _no_token,
    "waiting": _waiting,
    "unmatched": _unmatched,
    "broken": _broken,
    "no_serial": _no_serial,
    "ports": _ports,
    "not_there": _not_there,
    "power": _power,
    "unreachable": _unreachable,
    "foreign": _foreign,
    "refused": _refused,
    "import": _import,
    "protocol": _protocol,
    "silent": _silent,
    "ended": _ended,
}
