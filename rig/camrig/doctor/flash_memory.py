"""The flash chip of a board, as its firmware sees it: partitions, the application that runs, and its files.

Nothing is written. Where no firmware answers, the boot loader tells the same of partitions and application.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

from camrig.board.firmware_modules import firmware_imports
from camrig.board.session import Session
from camrig.doctor.check import Check, State
from camrig.errors import CamrigError, FirmwareError
from camrig.firmware.ota_data import chosen_app
from camrig.firmware.partitions import Partition, ota_data, partitions_text, size_text
from camrig.firmware.program import AppDescription, read_description, read_program
from camrig.flash.boot_loader import BootLoader, Connect
from camrig.flash.previous import read_checked
from camrig.flash.write import present_partitions

SECONDS_TO_READ = 180.0  # all files, and the application once
LITTLE = 32 * 1024  # bytes free, with which an application cannot keep much
START = 288  # bytes of an application with which it describes itself
# Runs on MicroPython 1.21 and later; each fact is queried separately. Files are read whole, because that is how a
# damaged filesystem shows.
_QUERY = (
    firmware_imports("os", "json", "hashlib", "binascii")
    + """
def q(f):
 try:return f()
 except Exception:pass
r={}
def parts():
 import esp32
 P=esp32.Partition
 r['running']=list(P(P.RUNNING).info())
 r['boot']=q(lambda:list(P(P.BOOT).info()))
 return [list(p.info()) for t in (P.TYPE_APP,P.TYPE_DATA) for p in P.find(t)]
def app():
 import esp32
 p=esp32.Partition(esp32.Partition.RUNNING)
 b=bytearray(4096)
 p.readblocks(0,b)
 r['start']=binascii.hexlify(b[:START]).decode()
 s=bytearray(8)
 e=24
 for _ in range(b[1]):
  p.readblocks(e//4096,s,e%4096)
  e+=8+int.from_bytes(s[4:],'little')
 e=(e//16+1)*16
 if not b[23]:return
 d=bytearray(32)
 p.readblocks(e//4096,d,e%4096)
 h=hashlib.sha256()
 n=e
 i=0
 while n>0:
  p.readblocks(i,b)
  h.update(memoryview(b)[:n] if n<4096 else b)
  n-=4096
  i+=1
 r['kept']=binascii.hexlify(d).decode()
 return binascii.hexlify(h.digest()).decode()
bad=[]
count=[0]
b=bytearray(1024)
def walk(d):
 try:names=list(os.ilistdir(d))
 except OSError:return bad.append(d)
 for n in names:
  p=d.rstrip('/')+'/'+n[0]
  if n[1]&0x4000:walk(p)
  else:
   count[0]+=1
   try:
    with open(p,'rb') as f:
     while f.readinto(b):pass
   except OSError:bad.append(p)
q(lambda:walk('/'))
def size():
 import esp
 return esp.flash_size()
r['parts']=q(parts)
r['sha']=q(app)
r['vfs']=q(lambda:list(os.statvfs('/')[1:4]))
r['size']=q(size)
r['files']=count[0]
r['bad']=bad[:8]
print(json.dumps(r))
""".replace("START", str(START))
)


@dataclass(frozen=True)
class FlashMemory:
    """What is known of a flash. ``partitions`` is None where nothing tells; ``whole`` too, for the application.

    ``filesystem`` are total and free bytes, None where no files can be seen; ``unreadable`` are paths that raise.
    """

    size: int
    partitions: tuple[Partition, ...] | None
    running: Partition | None
    next_boot: Partition | None
    application: AppDescription | None
    sha256: str
    whole: bool | None
    filesystem: tuple[int, int] | None
    files: int = 0
    unreadable: tuple[str, ...] = ()


def checks_by_firmware(session: Session, flash_command: str) -> Iterator[Check]:
    """The checks of the flash of a board in its raw REPL; ``flash_command`` writes a firmware."""
    try:
        memory = read_memory(session)
    except CamrigError as error:
        yield Check("partitions", State.WRONG, error.what, error.hint, details=error.details)
    else:
        yield from memory_checks(memory, flash_command)


def checks_by_loader(connect: Connect, flash_command: str) -> Iterator[Check]:
    """The same where no firmware answers, as far as the boot loader can tell. The chip is started again."""
    try:
        with closing(connect()) as loader:
            memory = read_through_loader(loader)
            with suppress(CamrigError):
                loader.reset()
    except CamrigError as error:
        yield Check("partitions", State.WRONG, error.what, error.hint)
    else:
        yield from memory_checks(memory, flash_command, firmware_answers=False)


def read_memory(session: Session) -> FlashMemory:
    """Ask the firmware of a board in its raw REPL. Raises whatever the session raises."""
    answer = session.ask(_QUERY, SECONDS_TO_READ)
    entries = answer.get("parts")
    block, total, free = answer.get("vfs") or (0, 0, 0)
    digest, kept = answer.get("sha") or "", answer.get("kept") or ""
    partitions = None if entries is None else sorted(map(Partition.of_info, entries), key=lambda part: part.offset)
    return FlashMemory(
        size=int(answer.get("size") or 0),
        partitions=None if partitions is None else tuple(partitions),
        running=Partition.of_info(answer["running"]) if answer.get("running") else None,
        next_boot=Partition.of_info(answer["boot"]) if answer.get("boot") else None,
        application=read_description(bytes.fromhex(answer.get("start") or "")),
        sha256=kept,
        whole=digest == kept if digest else None,
        filesystem=(block * total, block * free) if total else None,
        files=int(answer.get("files") or 0),
        unreadable=tuple(map(str, answer.get("bad") or ())),
    )


def read_through_loader(loader: BootLoader) -> FlashMemory:
    """What the boot loader tells: everything but the files. Raises FlashError."""
    partitions = present_partitions(loader)
    app = _chosen(loader, partitions or ())
    about, digest, whole = None, "", None
    if app is not None:
        data = read_checked(loader, app.offset, app.size)
        about = read_description(data)
        try:
            digest = read_program(data, app.name).sha256
            whole = True
        except FirmwareError:
            whole = False
    return FlashMemory(loader.flash_bytes, partitions, app, app, about, digest, whole, None)


def _chosen(loader: BootLoader, partitions: tuple[Partition, ...]) -> Partition | None:
    choice = ota_data(partitions)
    return chosen_app(partitions, read_checked(loader, choice.offset, choice.size) if choice else b"")


def memory_checks(memory: FlashMemory, flash_command: str, *, firmware_answers: bool = True) -> Iterator[Check]:
    """The checks of a flash of which ``memory`` is known."""
    yield _table_check(memory, flash_command)
    if memory.running is not None:
        yield _application_check(memory, memory.running, flash_command)
    if firmware_answers:
        yield _files_check(memory, flash_command)


def _table_check(memory: FlashMemory, flash_command: str) -> Check:
    if memory.partitions is None:
        return Check("partitions", State.NOTE, "this firmware does not tell its partitions, or they cannot be read")
    if not memory.partitions:
        return Check("partitions", State.WRONG, "the flash is empty", "write a firmware", flash_command)
    outside = [part.name for part in memory.partitions if memory.size and part.end > memory.size]
    details = partitions_text(memory.partitions)
    if outside:
        finding = f"{outside[0]} reaches beyond the end of the flash, which has {size_text(memory.size)}"
        advice = "write the firmware for a board with this flash"
        return Check("partitions", State.WRONG, finding, advice, flash_command, details)
    size = f", {size_text(memory.size)} of flash" if memory.size else ""
    return Check("partitions", State.OK, f"{len(memory.partitions)}{size}", details=details)


def _application_check(memory: FlashMemory, running: Partition, flash_command: str) -> Check:
    about = memory.application
    title = f"{about.project} {about.version} of {about.date}, IDF {about.idf}" if about else "an unknown application"
    finding = f"{title}, in {running.name}"
    if memory.whole is False:
        finding += ": it does not have the hash that it should have, so the flash is damaged"
        return Check("image", State.WRONG, finding, "write the firmware again", flash_command)
    if memory.sha256:
        finding += f", SHA-256 {memory.sha256[:16]}…"
    if memory.next_boot is not None and memory.next_boot != running:
        return Check("image", State.NOTE, f"{finding}; the next start boots {memory.next_boot.name}")
    return Check("image", State.OK, finding)


def _files_check(memory: FlashMemory, flash_command: str) -> Check:
    if memory.filesystem is None:
        finding = "no filesystem is mounted: it is damaged, or there is none"
        advice = "let MicroPython make one: erase its partition, or write a firmware that makes one at its first boot"
        return Check("filesystem", State.WRONG, finding, advice, flash_command)
    total, free = memory.filesystem
    finding = f"{memory.files} file{'s' * (memory.files != 1)}, {size_text(free)} of {size_text(total)} free"
    if memory.unreadable:
        finding += f"; it is damaged: {', '.join(memory.unreadable)} cannot be read"
        advice = (
            "copy what matters from the board, then make the filesystem again (os.VfsLfs2.mkfs or os.VfsFat.mkfs)"
        )
        return Check("filesystem", State.WRONG, finding, advice)
    if free < LITTLE:
        return Check("filesystem", State.NOTE, finding, "remove files that the application does not need")
    return Check("filesystem", State.OK, finding)
