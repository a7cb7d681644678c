"""The picture of the virtual sensor: plain grey."""


def picture(width=160, height=120):
    """A baseline JPEG whose blocks all hold the same grey, in a few hundred bytes."""
    blocks = ((width + 7) // 8) * ((height + 7) // 8)
    one_code = b"\x01" + bytes(15) + b"\x00"
    return b"".join(
        (
            b"\xff\xd8",
            b"\xff\xdb\x00\x43\x00" + b"\x01" * 64,  # quantisation
            b"\xff\xc0\x00\x0b\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x01\x01\x11\x00",
            b"\xff\xc4\x00\x14\x00" + one_code,  # one Huffman code each: no difference, end of block
            b"\xff\xc4\x00\x14\x10" + one_code,
            b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00",
            bytes(blocks // 4) + (b"" if blocks % 4 == 0 else bytes([0xFF >> (blocks % 4 * 2)])),
            b"\xff\xd9",
        )
    )
