"""What an ESP32 prints before MicroPython starts, and its reset causes.

Values of ``machine.reset_cause()`` and the mapping follow MicroPython's ESP32 port: a restart by software or by a
panic is a hard reset, power and brownout are power-on resets, and only a restart of the interpreter is soft.
"""

from __future__ import annotations

from dataclasses import dataclass

from camrig.virtual.panic import LEVEL_1_INTERRUPT, LOAD_PROHIBITED, guru, task_watchdog

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
SOFT_RESET = 5

SOFT_REBOOT = b"MPY: soft reboot\r\n"


@dataclass(frozen=True)
class HardReset:
    """A hard reset: its ``cause`` for MicroPython, the ``reason`` that the ROM prints, and the ``panic`` before it.

    ``starts`` is whether MicroPython starts next: a chip in its boot loader waits for a download instead.
    """

    cause: int
    reason: str
    panic: str = ""
    starts: bool = True

    @property
    def console(self) -> bytes:
        """Everything on the line until MicroPython starts."""
        header = ["ets Jul 29 2019 12:21:46", ""]
        if not self.starts:
            header += [f"rst:{self.reason},boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))"]
            return "\r\n".join([*header, "waiting for download", ""]).encode()
        lines = (
            *header,
            f"rst:{self.reason},boot:0x13 (SPI_FAST_FLASH_BOOT)",
            "configsip: 0, SPIWP:0xee",
            "clk_drv:0x00,q_drv:0x00,d_drv:0x00,cs0_drv:0x00,hd_drv:0x00,wp_drv:0x00",
            "mode:DIO, clock div:2",
            "load:0x3fff0030,len:4892",
            "ho 0 tail 12 room 4",
            "load:0x40078000,len:14896",
            "load:0x40080400,len:4",
            "load:0x40080404,len:3372",
            "entry 0x400805b0",
            "",
        )
        return (self.panic + "\r\n".join(lines)).encode()


POWER_ON = HardReset(PWRON_RESET, "0x1 (POWERON_RESET)")
SOFTWARE = HardReset(HARD_RESET, "0xc (SW_CPU_RESET)")
PANIC = HardReset(
    HARD_RESET,
    "0xc (SW_CPU_RESET)",
    guru("LoadProhibited", 1, LOAD_PROHIBITED, "Exception was unhandled."),
)
WATCHDOG = HardReset(WDT_RESET, "0xc (SW_CPU_RESET)", task_watchdog())
INTERRUPT_WATCHDOG = HardReset(
    WDT_RESET,
    "0x8 (TG1WDT_SYS_RESET)",
    guru("Interrupt wdt timeout on CPU0", 0, LEVEL_1_INTERRUPT, both=True),
)
BROWNOUT = HardReset(PWRON_RESET, "0xf (RTCWDT_BROWN_OUT_RESET)", "\r\nBrownout detector was triggered\r\n\r\n")
BOOT_LOADER = HardReset(PWRON_RESET, "0x1 (POWERON_RESET)", starts=False)
