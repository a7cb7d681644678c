"""Sizes in bytes as users write them."""

from __future__ import annotations

import pytest
from camrig.settings.byte_size import ByteSize


@pytest.mark.parametrize(("text", "size"), [("131072", 131072), ("128K", 131072), ("4M", 4194304), ("512k", 524288)])
def test_a_size_is_parsed_and_keeps_its_text(text, size):
    parsed = ByteSize.parse(text)
    assert (parsed.bytes, parsed.text, str(parsed)) == (size, text, text)


@pytest.mark.parametrize("text", ["", "4G", "-1", "0", "1.5M", "lots", "4 M", "99999999999"])
def test_a_text_that_is_not_a_size_is_refused(text):
    with pytest.raises(ValueError, match="is not a size"):
        ByteSize.parse(text)
