"""The texts of every cue in Vietnamese and English: short, kind, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One cue in one language.

    Attributes:
        head: one or two lines, large, when this is the first language.
        line: one line of at most 16 letters, when it is the second.
        more: one more line of the first language: what to do now; "" where `head` says it.
    """

    head: tuple[str, ...]
    line: str
    more: str = ""


_VI: dict[str, Words] = {
    "ready": Words(("Xin mời", "đưa mã"), "Xin mời đưa mã"),
    "pending": Words(("Xin chờ", "một chút"), "Xin chờ một chút"),
    "accepted-in": Words(("Mời vào",), "Mời vào"),
    "accepted-out": Words(("Tạm biệt",), "Tạm biệt"),
    "accepted-none": Words(("Đã ghi", "nhận"), "Đã ghi nhận"),
    "repeated": Words(("Đã quét rồi",), "Đã quét rồi"),
    "refused": Words(("Mã không", "được nhận"), "Không được nhận", "Hỏi nhân viên"),
    "not-understood": Words(("Chưa đọc", "được mã"), "Chưa đọc được", "Xin thử mã khác"),
    "poster": Words(("Đây là mã", "địa điểm"), "Đưa mã cá nhân", "Đưa mã cá nhân"),
    "again": Words(("Xin đưa", "lại mã"), "Xin đưa lại mã"),
    "hint-too-far": Words(("Đưa mã", "lại gần"), "Đưa mã lại gần"),
    "hint-too-near": Words(("Đưa mã", "ra xa hơn"), "Ra xa một chút"),
    "hint-too-dark": Words(("Tăng sáng", "màn hình"), "Tăng độ sáng"),
    "hint-glare": Words(("Bị lóa đèn", "xin nghiêng"), "Xin nghiêng mã"),
    "hint-moving": Words(("Xin giữ", "yên mã"), "Xin giữ yên mã"),
    "hint-cut-off": Words(("Đưa cả mã", "vào khung"), "Đưa cả mã vào"),
    "hint-no-code": Words(("Hãy đưa", "mã QR ra"), "Đưa mã QR ra"),
    "identify": Words(("Trạm", "ở đây"), "Trạm ở đây"),
    "trouble": Words(("Máy đang", "có sự cố"), "Máy có sự cố"),
}
_EN: dict[str, Words] = {
    "ready": Words(("Show", "your code"), "Show your code"),
    "pending": Words(("One", "moment"), "One moment"),
    "accepted-in": Words(("Welcome",), "Welcome"),
    "accepted-out": Words(("Goodbye",), "Goodbye"),
    "accepted-none": Words(("Recorded",), "Recorded"),
    "repeated": Words(("Already", "scanned"), "Already scanned"),
    "refused": Words(("Not", "accepted"), "Not accepted", "Ask the staff"),
    "not-understood": Words(("Unknown", "code"), "Unknown code", "Try another one"),
    "poster": Words(("This is", "a poster"), "Show your code", "Show your code"),
    "again": Words(("Please", "show again"), "Show it again"),
    "hint-too-far": Words(("Move", "closer"), "Move closer"),
    "hint-too-near": Words(("Move back", "a little"), "Move back a bit"),
    "hint-too-dark": Words(("Brighten", "the screen"), "Brighten screen"),
    "hint-glare": Words(("Glare:", "please tilt"), "Glare: tilt it"),
    "hint-moving": Words(("Hold it", "still"), "Hold it still"),
    "hint-cut-off": Words(("Show the", "whole code"), "Show whole code"),
    "hint-no-code": Words(("Show your", "QR code"), "Show a QR code"),
    "identify": Words(("I am here",), "I am here"),
    "trouble": Words(("Station", "in trouble"), "Station trouble"),
}
TEXTS = {"vi": _VI, "en": _EN}
