import copy

import pytest
import templates


@pytest.fixture
def master():
    return copy.deepcopy(templates.load(templates.MASTER))


@pytest.fixture
def agent():
    return copy.deepcopy(templates.load(templates.AGENT))


@pytest.fixture
def machine():
    return templates.workflow()
