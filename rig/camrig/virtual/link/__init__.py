"""What connects a virtual board to its host: its serial port and its network address."""
