"""A test runs once on each board that --device names."""


def test_board_answers(dut):
    assert dut.request("GET", "/api/status").status == 200


def test_lens_is_clean(dut):
    assert dut.session.name != "left", "the picture has a scratch"
