"""Edit a packet of XMP as text: what is kept stays byte for byte.

A parser only says where things are. The packet is hostile: no document type and so no entities are
accepted, and nothing is built from it in memory.
"""

import functools
import re
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

# IPTC defines trainedAlgorithmicMedia as created by an algorithm with a model that was trained on
# captured content. Every pixel of a result comes out of such a network. The term beside it,
# compositeWithTrainedAlgorithmicMedia, is for pictures that a model corrects or adds to, of which
# some stays as it was; of a source, no pixel stays.
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's mark for a picture made by a trained network."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_UNTRUE = {
    _IPTC: {"DigitalSourceType", "DigitalSourceFileType"},
    "http://ns.adobe.com/tiff/1.0/": {"Orientation", "ImageWidth", "ImageLength"},
    "http://ns.adobe.com/exif/1.0/": {"PixelXDimension", "PixelYDimension", "ColorSpace"},
    "http://ns.adobe.com/photoshop/1.0/": {"ColorMode", "ICCProfile"},
    "http://ns.adobe.com/xap/1.0/": {"Thumbnails"},
    # A second packet, which is not carried over.
    "http://ns.adobe.com/xmp/note/": {"HasExtendedXMP"},
}
"""Properties of a source that are not true of its result, by namespace."""
_UNTRUE_NAMESPACES = {
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.adobe.com/hdr-gain-map/1.0/",
}
"""These describe further pictures at the end of the source's file."""

_SEPARATOR = "\x01"
"""Between namespace, name and prefix; no XML can contain it."""
_START_TAG = re.compile(rb"""<(?:[^"'>]|"[^"]*"|'[^']*')*>""")
_ATTRIBUTE = re.compile(rb"""\s([^\s=]+)\s*=\s*(?:"[^"]*"|'[^']*')""")


@functools.cache
def new_xmp() -> bytes:
    """Return a packet that holds the mark alone."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">{_mark("")}'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def edit_xmp(packet: bytes, *, mark: bool) -> bytes:
    """Return a picture's XMP in the form for its result.

    Args:
        packet: UTF-8; its size, orientation, colour space, thumbnails and the picture's origin are
            left out.
        mark: say that a trained network has made the picture.

    Raises:
        ValueError: it is damaged, or no XMP.
    """
    packet = packet.rstrip(b"\0 \t\r\n")
    scanner = _Scanner(packet)
    parts, position = [], 0
    edits = [(start, end, b"") for start, end in scanner.cuts]
    if mark:
        edits.append((scanner.end_of_rdf, scanner.end_of_rdf, _mark(scanner.about).encode()))
    for start, end, replacement in sorted(edits):
        parts += [packet[position:start], replacement]
        position = end
    return _without_padding(b"".join([*parts, packet[position:]]))


def _mark(about: str) -> str:
    """Return the mark as a description of its own: it may use any prefix."""
    return (
        f'<rdf:Description xmlns:rdf="{_RDF}" rdf:about={quoteattr(about)}'
        f' xmlns:Iptc4xmpExt="{_IPTC}"'
        f' Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}"/>'
    )


def _without_padding(packet: bytes) -> bytes:
    """Cut off kilobytes of blanks that are left for editors."""
    content, end, rest = packet.rpartition(b"<?xpacket end")
    return content.rstrip() + b"\n" + end + rest if end else packet


@dataclass(frozen=True, slots=True)
class _Element:
    namespace: str
    name: str
    position: int


class _Scanner:
    """Finds the parts to cut out of a packet, and the place to add to it."""

    def __init__(self, packet: bytes) -> None:
        """Scan a packet; raise ValueError if that fails."""
        self.cuts: list[tuple[int, int]] = []
        self.end_of_rdf = 0
        self.about = ""
        self._packet = packet
        self._open: list[_Element] = []
        self._cut: _Element | None = None
        """The outermost open element that is left out."""
        self._described = False
        self._parser = parser = expat.ParserCreate("utf-8", _SEPARATOR)
        parser.namespace_prefixes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse
        try:
            parser.Parse(packet, True)
        except expat.ExpatError as error:
            raise ValueError(str(error)) from error
        if self.end_of_rdf == 0:
            raise ValueError("no rdf:RDF in it")

    def _refuse(self, *declaration: object) -> None:
        raise ValueError("a document type in it")

    def _start(self, full_name: str, attributes: dict[str, str]) -> None:
        namespace, name, _ = _split(full_name)
        element = _Element(namespace, name, self._parser.CurrentByteIndex)
        self._open.append(element)
        if self._cut is not None:
            return
        if _is_untrue(namespace, name):
            self._cut = element
            return
        if (namespace, name) == (_RDF, "Description") and not self._described:
            self._described = True
            self.about = next(
                (attributes[attribute] for attribute in attributes if _is_about(attribute)), ""
            )
        self._cut_attributes(element, attributes)

    def _cut_attributes(self, element: _Element, attributes: dict[str, str]) -> None:
        split = [_split(attribute) for attribute in attributes]
        untrue = {
            f"{prefix}:{name}".encode() for space, name, prefix in split if _is_untrue(space, name)
        }
        if untrue:
            start, end = self._tag_range(element)
            for match in _ATTRIBUTE.finditer(self._packet, start, end):
                if match[1] in untrue:
                    self.cuts.append(match.span())

    def _end(self, full_name: str) -> None:
        element = self._open.pop()
        is_rdf = (element.namespace, element.name) == (_RDF, "RDF")
        if element is not self._cut and not is_rdf:
            return
        start, end = self._tag_range(element)
        is_empty = self._packet[end - 2 : end] == b"/>"
        here = self._parser.CurrentByteIndex
        if element is self._cut:
            self._cut = None
            self.cuts.append((start, end if is_empty else self._packet.index(b">", here) + 1))
        elif not is_empty and self._cut is None:
            self.end_of_rdf = here

    def _tag_range(self, element: _Element) -> tuple[int, int]:
        match = _START_TAG.match(self._packet, element.position)
        if match is None:
            raise ValueError("a tag does not end")
        return match.span()


def _split(full_name: str) -> tuple[str, str, str]:
    """Return namespace, name and prefix."""
    parts = full_name.split(_SEPARATOR)
    if len(parts) == 1:
        return "", full_name, ""
    return parts[0], parts[1], parts[2] if len(parts) > 2 else ""


def _is_untrue(namespace: str, name: str) -> bool:
    return namespace in _UNTRUE_NAMESPACES or name in _UNTRUE.get(namespace, ())


def _is_about(full_name: str) -> bool:
    namespace, name, _ = _split(full_name)
    return name == "about" and namespace in ("", _RDF)
