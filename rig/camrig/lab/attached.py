"""What ``--device all`` means where no bench file names boards: every attached one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from camrig.lab.usb_ports import list_usb_ports
from camrig.settings.bench import SERIAL
from camrig.settings.resolve import Settings, check_devices, with_all


def with_attached(settings: Settings) -> Settings:
    """The settings with the attached USB boards in the place of ``all``, which stays where none is attached.

    Raises SettingsError for a board that is named twice.
    """
    ports = list_usb_ports()
    serials = Counter(port.serial for port in ports)
    specs = []
    for port in ports:
        names = {port.port, SERIAL + port.serial}
        if not names & set(settings.device):  # named on its own
            specs.append(SERIAL + port.serial if port.serial and serials[port.serial] == 1 else port.port)
    if not ports:
        return settings
    settings = replace(settings, device=with_all(settings.device, specs))
    check_devices(settings)
    return settings
