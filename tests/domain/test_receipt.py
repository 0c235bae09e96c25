"""Receipts of messages."""

from domain.receipt import MessageAnswered, Receipt
from tests.spec import fact, given

ANSWERED = fact(MessageAnswered, scope="member", fingerprint="f", target="m")


def test_what_a_message_led_to_is_kept() -> None:
    given(Receipt).when(lambda receipt: receipt.answer(scope="member", fingerprint="f", target="m")).then(ANSWERED)


def test_an_answered_message_is_remembered() -> None:
    assert given(Receipt, ANSWERED).stream.answered == ANSWERED.model_copy(update={"originator_version": 1})
    assert given(Receipt).stream.answered is None
