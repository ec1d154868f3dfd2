import pytest
import templates


@pytest.fixture
def master():
    return templates.load(templates.MASTER)


@pytest.fixture
def agent():
    return templates.load(templates.AGENT)


@pytest.fixture
def machine():
    return templates.workflow()


@pytest.fixture
def alert():
    return templates.workflow("alert")
