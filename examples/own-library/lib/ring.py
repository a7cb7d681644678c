class Ring:
    """The last ``size`` bytes that were put in."""

    def __init__(self, size):
        self.data = bytearray(size)
        self.count = 0

    def put(self, byte):
        self.data[self.count % len(self.data)] = byte
        self.count += 1

    def last(self, n):
        """The last ``n`` bytes, oldest first; fewer if fewer are there."""
        n = min(n, self.count, len(self.data))
        return bytes([self.data[i % len(self.data)] for i in range(self.count - n, self.count)])
