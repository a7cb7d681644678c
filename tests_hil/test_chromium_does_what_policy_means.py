"""Chromium lets pages of several origins do what the policy means, and no more: the browser itself decides."""

from __future__ import annotations

import pytest
from browser_cells import POLICY_NAMES, cells, policies

pytestmark = pytest.mark.functional


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_page_may_do_what_the_policy_means(judge, policy, name):
    changes, subjects = policies(judge.origin)[name]
    judge.judge(name, policy(**changes), cells(subjects))
