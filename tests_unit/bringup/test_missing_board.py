"""A board that is missing is reported before settings that it would need."""

from __future__ import annotations

import pytest
from camrig.bringup.board import Board
from camrig.errors import PortError
from camrig.settings.resolve import Settings

SPECS = "/dev/ttyNOBOARD", "/dev/null", "socket://127.0.0.1:1", "rfc2217://127.0.0.1:1", "COM77", "id:0"


@pytest.mark.parametrize("spec", SPECS)
def test_a_board_that_is_missing_comes_before_missing_wifi_settings(spec):
    with pytest.raises(PortError), Board(spec, Settings()):
        pass
