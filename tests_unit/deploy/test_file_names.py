"""Files of any name, on littlefs and on FAT: deployed and read back whole, or refused before anything is changed."""

from __future__ import annotations

import pytest
from camrig.deploy.file_names import check_names
from camrig.deploy.manifest import File
from camrig.deploy.read_back import file_hashes
from camrig.errors import DeployError

from tests_unit.deploy.conftest import deploy
from tests_unit.deploy.test_fat import _DISK

NAMES = ["/a b.txt", "/it's.txt", "/ö ü.html", "/日本/😀.png", "/x{y}%s.txt", "/a+b=c;[d],e.txt", "/UPPER.TXT",
         "/plain", "/" + "x" * 240 + ".html", "/lib/microdot/sub dir/p.html", "/~#@!$&().js",
         "/e\u0301.txt"]  # fmt: skip
NOT_ON_FAT = ['/q"uote.txt', "/back\\slash.txt", "/dot./x", "/end ", "/co:lon", "/st*r", "/p|pe", "/q?", "/<x>"]


@pytest.mark.parametrize("fat", [False, True])
def test_a_name_is_kept_or_refused(session, fat):
    if fat:
        session.exec(_DISK)
    names = NAMES if fat else NAMES + NOT_ON_FAT
    files = [File(name, name.encode() * 9) for name in names]
    check_names(session, files)
    assert set(deploy(session, files).sent) == set(names)
    assert deploy(session, files).kept == len(names)
    assert file_hashes(session, dict.fromkeys(names, 99)) == {file.target: file.sha256 for file in files}
    assert set(deploy(session, files[:1]).removed) == set(names[1:])
    for name in NOT_ON_FAT if fat else ["/" + "x" * 256]:
        with pytest.raises(DeployError) as refused:
            check_names(session, [*files, File(name, b"x")])
        assert f"{name!r} is not a name that its filesystem can hold" in str(refused.value)


def test_of_usual_names_nothing_is_asked():
    names = ("/main.py", "/lib/microdot/cors.mpy", "/static/a-b_c.min.js", "/rig_agent.mpy", "/x/.keep")
    check_names(None, [File(name, b"") for name in names])
