# SPDX-License-Identifier: MIT
"""The CD image in Bochs: another firmware, another processor model, the same kernels."""

import os

import pytest

from machine import ARCH, ROOT, Session
from test_boot import choose_in_menu


@pytest.mark.parametrize("cpu", ["corei7_haswell_4770"] + (["p3_katmai"] if ARCH == "pae" else []))
def test_prompt_and_plans(cpu):
    with Session(
        "--cpu", cpu, start=[os.path.join(ROOT, "tools/bochs")], to_prompt=False, bound=180
    ) as shell:
        choose_in_menu(shell)
        assert "Multiboot2" in shell.expect_prompt()
        assert shell.run("workers").status == 0
        assert shell.run("presets").status == 0
        shell.type("shutdown\r")
        assert shell.wait_end().status == 0
