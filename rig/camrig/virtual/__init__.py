"""A board made of the real MicroPython interpreter, behind a pseudo-terminal that serves as its serial port."""
