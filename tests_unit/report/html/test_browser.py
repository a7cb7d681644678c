"""The page of a run shows what a browser said, and hides nothing that was not as it must be."""

from __future__ import annotations

from camrig.report.browser_answers import sentence
from camrig.report.html.browser import browser
from camrig.report.html.page import page
from camrig.report.results_schema import fault_of

from tests_unit.report.html.test_page import Page, ended_with

CELL = {
    "policy": "listed",
    "page": "localhost",
    "feature": "method",
    "request": "PUT",
    "means": "allowed",
    "browser": "allowed",
    "reason": "",
    "standard": "allowed",
    "section": "",
    "preflights": 1,
    "outcome": "agrees",
    "deviation": "",
    "ms": 2.0,
    "fault": "",
    "exchange": "",
}


def answers(*changes):
    return {"version": "Chrome/156", "starts": 1, "cells": [{**CELL, **change} for change in changes]}


def test_a_sentence_counts_all_answers():
    throws = {"browser": "throws", "means": "throws"}
    shown = sentence(answers({}, {"browser": "blocked", "means": "blocked"}, throws, throws))
    assert shown == "Chrome/156 was asked 4 times: 1 allowed, 1 blocked, 2 not sent; all as the policy means"
    shown = sentence(answers({"outcome": "failed"}, {"outcome": "blocked", "browser": ""}))
    assert shown == "Chrome/156 was asked 2 times: 1 allowed; 1 not as the policy means; 1 could not be judged"


def test_policies_that_share_no_feature_have_tables_of_their_own():
    cells = [
        {"policy": "kept", "feature": "cache"},
        {"policy": "a", "feature": "method"},
        {"policy": "b", "feature": "header"},
        {"policy": "a", "feature": "header"},
    ]
    tables = browser(answers(*cells))["tables"]
    assert [(columns, [policy for policy, _ in rows]) for columns, rows in tables] == [
        (["method", "header"], ["a", "b"]),
        (["cache"], ["kept"]),
    ]
    assert [cell and cell["number"] for cell in dict(tables[0][1])["b"]] == [None, 1]


def test_what_a_browser_refused_wrongly_is_shown_with_its_exchange():
    odd = ended_with(1)
    fault = "the browser says blocked (<MissingAllowOriginHeader>) where the policy means allowed"
    wrong = {"outcome": "failed", "browser": "blocked", "fault": fault, "exchange": "PUT /api/status <1>"}
    odd["boards"][0]["notes"]["browser.answers"] = answers({}, wrong)
    text = page(odd)
    shown = Page(text)
    assert fault in shown.text
    assert "✗ 1 of 2" in shown.text
    assert "PUT /api/status &lt;1&gt;" in text
    assert "What the browser says" not in Page(page(ended_with(1))).text


def test_answers_of_a_browser_are_as_the_schema_says():
    assert fault_of(answers({}), "browser_answers") == ""
    assert "cells" in fault_of({"version": "", "starts": 1, "cells": [{"policy": "a"}]}, "browser_answers")
