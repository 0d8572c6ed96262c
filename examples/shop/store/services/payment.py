"""The payment gateway. The real one is far away, so this one takes its time too."""

import hashlib
import time
from decimal import Decimal

ROUND_TRIP = 0.12
LIMIT = Decimal(5000)


class PaymentDeclined(Exception):
    """The gateway said no, and why."""


def is_card_number(number: str) -> bool:
    """Whether the check digit fits (Luhn's formula)."""
    digits = number.replace(" ", "")
    if not digits.isdecimal() or not 12 <= len(digits) <= 19:
        return False
    odd, even = digits[-1::-2], digits[-2::-2]
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in even)
    return (sum(map(int, odd)) + sum(doubled)) % 10 == 0


def charge(card: str, amount: Decimal) -> str:
    """Take the money; returns the gateway's reference."""
    if not is_card_number(card):
        raise PaymentDeclined("this is not a card number")
    time.sleep(ROUND_TRIP)
    if amount > LIMIT:
        raise PaymentDeclined(f"{amount} is more than the card's limit of {LIMIT}")
    return hashlib.sha256(f"{card} {amount}".encode()).hexdigest()[:16]
