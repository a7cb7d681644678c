"""The start-up's line to the supervisor."""

import sys
import time

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
    """Bytes that must reach the other end as they are."""
    console.write(b"%sB%04x%s" % (prefix, len(data), bytes(data)))


def halt(letter):
    """Ask for a reset, and do nothing more until it comes."""
    request(letter)
    hold()


def hold():
    """Do nothing more."""
    while True:
        try:
            time.sleep(1)
        except BaseException:
            pass
