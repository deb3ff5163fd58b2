# SPDX-License-Identifier: MIT
"""Fixtures for the guest tests: one kernel (ARCH), and sessions that the tests of a file share."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import machine


@pytest.fixture(scope="session")
def arch():
    return machine.ARCH


class SharedSession:
    """One guest for many tests; a test that leaves it without a prompt costs a boot."""

    def __init__(self):
        self.session = None

    def get(self):
        if self.session is not None:
            try:
                assert self.session.run("true", bound=20).status == 0
            except Exception:
                self.session.close()
                self.session = None
        if self.session is None:
            self.session = machine.Session()
        return self.session


@pytest.fixture(scope="session")
def shared_session():
    shared = SharedSession()
    yield shared
    if shared.session is not None:
        shared.session.close()


@pytest.fixture
def shell(shared_session):
    """A guest at its prompt, which other tests use too: leave it as it was."""
    return shared_session.get()
