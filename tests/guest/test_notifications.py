# SPDX-License-Identifier: MIT
"""Notifications and timers: user/bin/notifications.c checks all that they promise."""

import pytest

from machine import run_line


@pytest.mark.parametrize("cpus", (1, 4))
def test_notifications(cpus):
    result = run_line("notifications", bound=90, CPUS=str(cpus))
    assert result.status == 0, result.output
    assert "FAIL" not in result.output
    assert result.output.count("  ok  ") == 33, result.output
