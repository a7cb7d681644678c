"""What connects a virtual board to the outside: its serial port and its address."""
