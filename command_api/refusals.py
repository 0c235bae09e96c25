"""The HTTP status of each refusal. The body is the same everywhere: a problem named after the refusal."""

from typing import Any

from domain import refusals as no
from domain.refusals import Refusal

STATUS: dict[type[Refusal], int] = {
    no.MalformedMessage: 400,
    no.OversizedMessage: 413,
    no.InvalidField: 422,
    no.TimeWithoutZone: 422,
    no.NegativeQuantity: 422,
    no.UnknownType: 422,
    no.UnsupportedVersion: 422,
    no.UnsupportedType: 422,
    no.UnsupportedFeature: 422,
    no.ConflictingRepeat: 422,
    no.WrongCurrency: 422,
    no.TendersDoNotMatch: 422,
    no.PointsWithoutBuyer: 422,
    no.TimeInTheFuture: 422,
    no.FactTooLarge: 413,
    no.NoProgrammeInForce: 422,
    no.IdOfAnotherKind: 409,
    no.UnknownMember: 404,
    no.UnknownCard: 404,
    no.UnknownPurchase: 404,
    no.UnknownLine: 422,
    no.OverReturn: 409,
    no.RefundsDoNotMatch: 422,
    no.PurchaseVoidedBefore: 409,
    no.InsufficientPoints: 409,
    no.PointsAreNotCash: 422,
    no.BelowMinimum: 422,
    no.NotAStep: 422,
    no.AboveShareOfBill: 422,
    no.UnknownHold: 404,
    no.HoldEndedBefore: 409,
    no.CaptureAfterTimeout: 409,
    no.MoreThanHeld: 409,
    no.UnknownRedemption: 404,
    no.RedemptionReversedBefore: 409,
    no.MoreThanRedeemed: 409,
    no.NoDebt: 409,
    no.PaidForPurchase: 409,
    no.EarlierThanCause: 422,
    no.AccountIsClosed: 409,
    no.AccountAlreadyClosed: 409,
    no.UnknownTier: 422,
    no.TransferToOneself: 422,
    no.MemberMerged: 409,
    no.NotMerged: 409,
    no.HoldsOpen: 409,
    no.PurchaseClaimedBefore: 409,
    no.ClaimTooLate: 409,
    no.ReceiptWithoutCard: 409,
    no.SameHolder: 409,
    no.MemberAlreadyExists: 409,
    no.CardAlreadyAssigned: 409,
    no.MemberErased: 410,
    no.CampaignAlreadyExists: 409,
    no.WindowEndsBeforeItBegins: 422,
    no.PolicyRefused: 422,
    no.EffectiveDateNotAfterPublished: 409,
}


def problem_of(refusal: Refusal) -> tuple[str, int, str, dict[str, Any]]:
    """Name, status, detail and fields of a refusal, as a problem tells them."""
    return refusal.name, STATUS[type(refusal)], refusal.__doc__ or "", refusal.fields()
