"""What a visitor is told for each reason, in Vietnamese and English, in place of the cue's words.

It says what the visitor can do about it, accuses nobody, and says before other people no more
than that: whoever is on a deny list reads what everyone reads who must ask the staff. Reasons
that are not here have the words of their cue.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatepost.model import Reason
from gatepost.screen.texts import Words


@dataclass(frozen=True, slots=True)
class Because:
    """What is said for a reason; where nothing stands large, the cue's own words stand there."""

    vi: Words
    en: Words


_STAFF_VI, _STAFF_EN = "Hỏi nhân viên", "Ask the staff"
_OTHER_VI, _OTHER_EN = "Xin đưa mã khác", "Show other code"

_LINK = Because(
    Words(("Đây là", "liên kết"), "Là liên kết web", "Đưa mã cá nhân"),
    Words(("This is", "a web link"), "Show your code", "Show your code"),
)
_LICENCE = Because(
    Words(("Không đọc", "bằng lái xe"), _OTHER_VI, _OTHER_VI),
    Words(("Licences", "not read"), _OTHER_EN, _OTHER_EN),
)
_DAMAGED = Because(
    Words(("Mã bị lỗi",), "Mã bị lỗi", "Đưa bản khác"),
    Words(("Damaged", "code"), "Code is damaged", "Show a new one"),
)
_PART = Because(
    Words(("Mã này", "chưa đủ"), "Mã này chưa đủ", _OTHER_VI),
    Words(("Only part", "of a code"), "Part of a code", _OTHER_EN),
)
_OTHER_KIND = Because(
    Words(("Xin đưa", "mã khác"), "Đưa loại mã khác", "Chưa nhận mã này"),
    Words(("Show", "other code"), "Show other kind", "Not this kind"),
)
_NOT_CHECKED = Because(
    Words(("Chưa kiểm", "được mã"), "Chưa kiểm được", _STAFF_VI),
    Words(("Cannot", "check it"), "Can't check code", _STAFF_EN),
)
_NOT_VALID = Because(
    Words(("Mã không", "hợp lệ"), "Mã không hợp lệ", _STAFF_VI),
    Words(("Code not", "valid"), "Code not valid", _STAFF_EN),
)
_ISSUER_UNKNOWN = Because(
    Words(("Chưa biết", "nơi cấp"), "Chưa rõ nơi cấp", _STAFF_VI),
    Words(("Issuer", "unknown"), "Issuer not known", _STAFF_EN),
)
_OTHER_ISSUER = Because(
    Words(("Chưa nhận", "nơi cấp này"), "Chưa nhận mã này", _STAFF_VI),
    Words(("Issuer not", "accepted"), "Issuer not taken", _STAFF_EN),
)
_REVOKED = Because(
    Words(("Mã đã bị", "thu hồi"), "Mã đã bị thu hồi", _STAFF_VI),
    Words(("Code", "withdrawn"), "Code withdrawn", _STAFF_EN),
)
_NOT_YET = Because(
    Words(("Mã chưa", "hiệu lực"), "Mã chưa hiệu lực", "Xin xem lại ngày"),
    Words(("Not valid", "yet"), "Not valid yet", "Check the date"),
)
_EXPIRED = Because(
    Words(("Mã đã", "hết hạn"), "Mã đã hết hạn", _STAFF_VI),
    Words(("Code", "expired"), "Code has expired", _STAFF_EN),
)
_TOO_OLD = Because(
    Words(("Mã đã", "quá cũ"), "Cần mã mới hơn", "Cần mã mới hơn"),
    Words(("Code is", "too old"), "Show a newer one", "Show a newer one"),
)
_ELSEWHERE = Because(
    Words(("Mã của", "nơi khác"), "Mã của nơi khác", _STAFF_VI),
    Words(("Not valid", "here"), "Not valid here", _STAFF_EN),
)
_ASK = Because(
    Words(("Xin hỏi", "nhân viên"), _STAFF_VI),
    Words(("Please ask", "the staff"), _STAFF_EN),
)
_OTHER_WAY = Because(
    Words(("Xin đi", "lối khác"), "Xin đi lối khác", "Lối một chiều"),
    Words(("Use other", "door"), "Use other door", "One-way gate"),
)
_CLOSED = Because(
    Words(("Ngoài giờ", "mở cửa"), "Ngoài giờ mở cửa", "Xin quay lại sau"),
    Words(("Closed", "now"), "Closed right now", "Come back later"),
)
_INSIDE = Because(
    Words(("Đã ghi", "vào rồi"), "Đã vào trước đó", _STAFF_VI),
    Words(("Already", "inside"), "Already inside", _STAFF_EN),
)
_FULL = Because(
    Words(("Đã đủ", "người"), "Đã đủ người", "Xin chờ một lát"),
    Words(("Place", "is full"), "Place is full", "Please wait"),
)
# Let in: large stands the welcome of the cue.
_SCAN_OUT = Because(
    Words((), "Nhớ quét khi ra", "Nhớ quét khi ra"),
    Words((), "Scan on exit", "Scan on exit"),
)
_FOR_ANOTHER = Because(Words((), "", "khai hộ"), Words((), "", "by proxy"))

BECAUSE: dict[Reason, Because] = {
    Reason.LINK_SHOWN: _LINK,
    Reason.LICENCE_SHOWN: _LICENCE,
    Reason.KIND_NOT_ACCEPTED: _OTHER_KIND,
    Reason.DAMAGED_PREFIX: _DAMAGED,
    Reason.DAMAGED_ENCODING: _DAMAGED,
    Reason.DAMAGED_COMPRESSION: _DAMAGED,
    Reason.DAMAGED_STRUCTURE: _DAMAGED,
    Reason.DAMAGED_CONTENT: _DAMAGED,
    Reason.PART_OF_SEVERAL: _PART,
    Reason.ALGORITHM_NOT_ALLOWED: _NOT_CHECKED,
    Reason.ISSUER_UNKNOWN: _ISSUER_UNKNOWN,
    Reason.SIGNATURE_INVALID: _NOT_VALID,
    Reason.ISSUER_NOT_VALID: _NOT_CHECKED,
    Reason.ISSUER_NOT_ENTITLED: _OTHER_ISSUER,
    Reason.REVOKED: _REVOKED,
    Reason.NOT_YET_VALID: _NOT_YET,
    Reason.EXPIRED: _EXPIRED,
    Reason.ISSUER_NOT_ACCEPTED: _OTHER_ISSUER,
    Reason.TOO_OLD: _TOO_OLD,
    Reason.NOT_FOR_THIS_PLACE: _ELSEWHERE,
    Reason.DENIED: _ASK,
    Reason.NOT_ON_LIST: _ASK,
    Reason.WRONG_WAY: _OTHER_WAY,
    Reason.CLOSED: _CLOSED,
    Reason.INSIDE_ALREADY: _INSIDE,
    Reason.PLACE_FULL: _FULL,
    Reason.WARNED_INSIDE_ALREADY: _SCAN_OUT,
    Reason.RECORDED_FOR_ANOTHER: _FOR_ANOTHER,
}
