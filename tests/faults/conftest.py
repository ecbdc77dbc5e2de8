"""A folder for each fault run; kept where the run failed, so that its logs can be read."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def faults_folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Not under pytest's own folder, which only we may enter: as root, PostgreSQL runs as another account."""
    folder = Path(tempfile.mkdtemp(prefix="arrears-faults-"))
    folder.chmod(0o711)
    before = request.session.testsfailed
    yield folder
    if request.session.testsfailed == before:
        shutil.rmtree(folder, ignore_errors=True)
