PANEL = "https://panel.example"


def test_the_panel_may_ring(dut, http, preflight):
    dut.policy(allowed_origins=[PANEL])
    answer = preflight(PANEL, "POST", ("Content-Type",), path="/ring")
    assert answer.header("Access-Control-Allow-Origin") == PANEL
    assert http.post("/ring", json={"who": "cat"}, headers={"Origin": PANEL}).status_code == 201


def test_another_page_may_not(dut, preflight):
    dut.policy(allowed_origins=[PANEL])
    assert preflight("https://other.example", path="/ring").header("Access-Control-Allow-Origin") is None


def test_a_list_is_changed_in_place(dut, preflight):
    dut.policy(allowed_origins=[PANEL])
    dut.policy(in_place=True, allowed_origins=["https://wall.example"])
    assert preflight("https://wall.example", path="/ring").header("Access-Control-Allow-Origin")
    assert preflight(PANEL, path="/ring").header("Access-Control-Allow-Origin") is None


def test_the_heap_has_room(dut, measure):
    heap = dut.heap()
    measure("heap.free", heap.free, unit="B")
    assert heap.free > 20_000
