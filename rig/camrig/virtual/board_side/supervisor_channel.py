"""The board side's channel to the supervisor: requests through a pipe, and marks within the console output."""

import sys
import time

import micropython

control = None
prefix = b""
console = sys.stdout


def open_control(fd):
    global control
    control = open(fd, "wb")


def request(letter, text=""):
    control.write(letter + text + "\n")


def mark(letter):
    console.write(prefix + letter)


def binary(data):
    """Bytes that must reach the client unchanged."""
    console.write(b"%sB%04x%s" % (prefix, len(data), bytes(data)))


def halt(letter):
    """Request a reset, and wait for it."""
    micropython.kbd_intr(-1)  # a Ctrl-C from here on is for what runs after the reset
    request(letter)
    hold()


def hold():
    """Wait for ever."""
    while True:
        try:
            time.sleep(1)
        except BaseException:
            pass
