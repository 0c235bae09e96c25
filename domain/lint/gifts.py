"""Rules of the linter about points for what is no purchase: recommendations and birthdays."""

from collections.abc import Iterator
from fractions import Fraction

from domain.lint.draft import Draft, DraftReferral, DraftReward
from domain.lint.finding import Found, rule
from domain.lint.points import value_of_points
from domain.policy.words import money, points


def _sides(referral: DraftReferral) -> tuple[DraftReward, DraftReward]:
    return referral.referrer or DraftReward(), referral.referee or DraftReward()


@rule("error")
def referral_terms_unsaid(draft: Draft) -> Iterator[Found]:
    """Recommendations are rewarded, but not from which purchase on, or not with how much for whom."""
    referral = draft.referral
    if referral is None:
        return
    given = dict(zip(("referrer", "referee"), _sides(referral), strict=True))
    unsaid = [side for side, reward in given.items() if reward.points is None and reward.coupon is None]
    unsaid += ["minimum_paid_minor"] if referral.minimum_paid_minor is None else []
    if unsaid:
        yield Found(
            "referral",
            f"nothing is said of {', '.join(unsaid)}",
            f"A member recommends a friend, who buys for {money(5_000, draft.currency)}: nobody knows whether that counts, and what each of them gets.",
            "give minimum_paid_minor, and the points or the coupon of referrer and referee",
        )


@rule("warning")
def referral_one_sided(draft: Draft) -> Iterator[Found]:
    """Of the two sides of a recommendation, one gets nothing."""
    referrer, referee = _sides(draft.referral) if draft.referral else (DraftReward(), DraftReward())
    rewards = [reward.points or reward.coupon for reward in (referrer, referee)]
    if 0 not in (referrer.points, referee.points) or not any(rewards):
        return
    side, other = ("referee", "recommended") if rewards[0] else ("referrer", "recommending")
    gift = points(referrer.points or referee.points or 0) if referrer.points or referee.points else "a coupon"
    yield Found(
        f"referral.{side}",
        f"the {side} gets no points",
        f"A member who is {other} sees the other side get {gift}, and gets none.",
        "give both sides points",
    )


@rule("error")
def referral_arbitrage(draft: Draft) -> Iterator[Found]:
    """Recommending oneself under a second name earns more than the purchase that it takes."""
    referral, value = draft.referral, value_of_points(draft)
    if referral is None or not referral.minimum_paid_minor or value is None:
        return
    both = sum(reward.points or 0 for reward in _sides(referral))
    earning = draft.earning
    rate = Fraction(earning.points, earning.per_minor) if earning and earning.points and earning.per_minor else 0
    worth = value * (both + rate * referral.minimum_paid_minor)
    if worth < referral.minimum_paid_minor:
        return
    least = money(referral.minimum_paid_minor, draft.currency)
    yield Found(
        "referral.minimum_paid_minor",
        f"both sides together get points worth {money(int(worth), draft.currency)} for a purchase of {least}",
        f"A member recommends a second account of their own, buys for {least} with it, and has more in points than was paid.",
        "raise minimum_paid_minor, or give fewer points",
        against="points_as_cash.amount_minor",
    )


@rule("error")
def birthday_gift_unsaid(draft: Draft) -> Iterator[Found]:
    """Members are given something on their birthday, but not what."""
    birthday = draft.birthday
    if birthday is None or birthday.points is not None or birthday.coupon is not None:
        return
    yield Found(
        "birthday",
        "a birthday brings an offer or a gift, and nothing says which",
        "A member born on 29 February: nobody knows what there is to get, nor on which day of 2023.",
        "give points, or a coupon with its kind and valid_days; who was born on 29 February gets it on the 28th in other years",
    )
