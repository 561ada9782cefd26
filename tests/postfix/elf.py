"""Reads from a program's file (ELF, 64 bits, little-endian) how it was hardened, and what it takes from libraries.

Flags are not asked for by name: each answer is what the flag leaves in the file.  What depends on instructions is known
for x86-64 only.
"""

from __future__ import annotations

import functools
import struct
from pathlib import Path
from typing import Iterator, NamedTuple

PT_LOAD, PT_GNU_STACK, PT_GNU_RELRO = 1, 0x6474E551, 0x6474E552
EXECUTE, WRITE = 1, 2
DT_RPATH, DT_TEXTREL, DT_BIND_NOW, DT_RUNPATH, DT_FLAGS, DT_FLAGS_1 = 15, 22, 24, 29, 30, 0x6FFFFFFB
DF_TEXTREL, DF_BIND_NOW, DF_1_NOW, DF_1_PIE = 4, 8, 1, 0x08000000
SHT_SYMTAB, SHT_DYNAMIC, SHT_DYNSYM = 2, 6, 11
ET_DYN, EM_X86_64 = 3, 62
STT_FUNC, STB_GLOBAL = 2, 1

ENDBR64 = b"\xf3\x0f\x1e\xfa"  # where an indirect branch may arrive
PROBE = b"\x48\x81\xec\x00\x10\x00\x00\x48\x83\x0c\x24\x00"  # sub $4096,%rsp; orq $0,(%rsp): a page of stack, touched


class Segment(NamedTuple):
    kind: int
    flags: int


class Section(NamedTuple):
    name: str
    kind: int
    address: int
    offset: int
    size: int
    link: int


class Symbol(NamedTuple):
    name: str
    is_function: bool
    is_global: bool
    section: int  # 0 = taken from elsewhere
    value: int


class Program:
    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path} is no ELF file of 64 bits, little-endian")
        (self.kind, self.machine, _, _, segments, sections, _, _, segment_size, segment_count, section_size,
         section_count, name_section) = struct.unpack_from("<HHIQQQIHHHHHH", self.data, 16)
        self.segments = [Segment(*struct.unpack_from("<II", self.data, segments + index * segment_size))
                         for index in range(segment_count)]
        heads = [struct.unpack_from("<IIQQQQI", self.data, sections + index * section_size)
                 for index in range(section_count)]
        names = heads[name_section][4]
        self.sections = [Section(self._text(names + head[0]), head[1], head[3], head[4], head[5], head[6])
                         for head in heads]

    def _text(self, offset: int) -> str:
        return self.data[offset:self.data.index(b"\0", offset)].decode("utf-8", "replace")

    def content(self, name: str) -> bytes:
        return b"".join(self.data[s.offset:s.offset + s.size] for s in self.sections if s.name == name)

    @functools.cached_property
    def dynamic(self) -> dict[int, int]:
        """Entries of the dynamic section; of equal tags the last."""
        found: dict[int, int] = {}
        for section in self.sections:
            if section.kind == SHT_DYNAMIC:
                found.update(struct.iter_unpack("<QQ", self.data[section.offset:section.offset + section.size]))
        return found

    def _symbols(self, kind: int) -> Iterator[Symbol]:
        for section in self.sections:
            if section.kind != kind:
                continue
            names = self.sections[section.link].offset
            for name, info, _, index, value, _ in struct.iter_unpack(
                    "<IBBHQQ", self.data[section.offset:section.offset + section.size]):
                yield Symbol(self._text(names + name), info & 15 == STT_FUNC, info >> 4 == STB_GLOBAL, index, value)

    @functools.cached_property
    def imports(self) -> set[str]:
        """Names that libraries must have."""
        return {symbol.name for symbol in self._symbols(SHT_DYNSYM) if symbol.section == 0 and symbol.name}

    def _guarded_entries(self) -> float:
        """Of the functions of ours that others can call: how many begin where an indirect branch may arrive."""
        own = [symbol for symbol in self._symbols(SHT_SYMTAB)
               if symbol.is_function and symbol.is_global and symbol.section and symbol.name.startswith("_ZN")
               and "4weir" in symbol.name and ".cold" not in symbol.name]
        good = 0
        for symbol in own:
            section = self.sections[symbol.section]
            place = section.offset + symbol.value - section.address
            good += self.data[place:place + 4] == ENDBR64
        return good / len(own) if own else 0.0

    def weaknesses(self) -> list[str]:
        """What is missing of the hardening, in words."""
        flags, flags_1 = self.dynamic.get(DT_FLAGS, 0), self.dynamic.get(DT_FLAGS_1, 0)
        found = {
            "not position-independent": self.kind != ET_DYN or not flags_1 & DF_1_PIE,
            "no RELRO": not any(segment.kind == PT_GNU_RELRO for segment in self.segments),
            "functions are bound late": not (flags & DF_BIND_NOW or flags_1 & DF_1_NOW or DT_BIND_NOW in self.dynamic),
            "code is relocated": bool(flags & DF_TEXTREL) or DT_TEXTREL in self.dynamic,
            "the stack can be executed": [s.flags & EXECUTE for s in self.segments if s.kind == PT_GNU_STACK] != [0],
            "memory can be written and executed": any(segment.kind == PT_LOAD and segment.flags & WRITE
                                                      and segment.flags & EXECUTE for segment in self.segments),
            "a search path for libraries": DT_RPATH in self.dynamic or DT_RUNPATH in self.dynamic,
            "no stack protector": "__stack_chk_fail" not in self.imports,
            "not built with _FORTIFY_SOURCE": not any(name.endswith("_chk") for name in self.imports),
        }
        if self.machine == EM_X86_64:
            found["no protection against stack clashes"] = PROBE not in self.content(".text")
            found["indirect branches may arrive anywhere"] = self._guarded_entries() < 0.95
        return [what for what, is_so in found.items() if is_so]
