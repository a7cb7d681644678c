PANEL = "https://panel.example"


def test_the_lamp_answers(http):
    assert http.get("/lamp").json() == {"lamp": "on"}
    assert http.get("/none").status_code == 404


def test_the_panel_may_read_it(preflight, measure):
    answers = [preflight(PANEL, "GET", path="/lamp") for _ in range(10)]
    assert {answer.header("Access-Control-Allow-Origin") for answer in answers} == {PANEL}
    measure("lamp.preflight", [answer.phases.total for answer in answers], unit="ms")


def test_the_heap_is_not_seen_from_outside(dut):
    assert dut.heap().free > 10_000  # skipped: it needs the rig's agent
