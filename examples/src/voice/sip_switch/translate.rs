//! Words of the call model and words of the B2BUA, both ways, as tables.

use sip::b2bua::{B2buaError, OfferSource, ReleaseReason};
use sip::media::{MediaPrompt, MediaRequest, MediaResult, ToneKind};
use sip::status::StatusCode;
use tlib::switch::{Cause, OfferMedia, Prompt, Treatment, TreatmentResult};

use super::leg_key;

pub(super) fn offer_source(media: OfferMedia) -> OfferSource {
    match media {
        OfferMedia::Leg(leg) => OfferSource::Peer(leg_key(leg)),
        _ => OfferSource::Late,
    }
}

/// Why an outgoing leg failed.
///
/// Spec: RFC 3261 §21
pub(super) fn failure(status: StatusCode) -> Cause {
    match status.0 {
        486 | 600 => Cause::Busy,
        408 | 487 => Cause::NoAnswer,
        401 | 403 | 407 | 603 => Cause::Rejected,
        480 | 502..=504 => Cause::Unreachable,
        404 | 410 | 484 | 485 | 604 => Cause::InvalidNumber,
        415 | 488 | 606 => Cause::Media,
        _ => Cause::Error,
    }
}

/// Final status for an incoming leg that is refused.
pub(super) fn status(cause: Cause) -> StatusCode {
    StatusCode(match cause {
        Cause::Busy => 486,
        Cause::Rejected => 603,
        Cause::InvalidNumber => 404,
        Cause::Media => 488,
        Cause::Overload => 503,
        Cause::Error => 500,
        _ => 480,
    })
}

/// The same for a leg that may be answered already, where an ordinary end needs no reason.
pub(super) fn release_status(cause: Cause) -> Option<StatusCode> {
    (cause != Cause::Normal).then(|| status(cause))
}

pub(super) fn release_cause(why: ReleaseReason) -> Cause {
    match why {
        ReleaseReason::Remote | ReleaseReason::Shutdown => Cause::Normal,
        ReleaseReason::Cancelled => Cause::Abandoned,
        ReleaseReason::NoDecision => Cause::NoAnswer,
        ReleaseReason::Lost => Cause::Lost,
        ReleaseReason::Media => Cause::Media,
        _ => Cause::Error,
    }
}

pub(super) fn command_cause(why: B2buaError) -> Cause {
    match why {
        B2buaError::Refused(status) => failure(status),
        B2buaError::Media | B2buaError::NoMediaServer => Cause::Media,
        B2buaError::Busy | B2buaError::ShuttingDown => Cause::Overload,
        B2buaError::Timeout => Cause::NoAnswer,
        _ => Cause::Error,
    }
}

pub(super) fn request(action: Treatment) -> MediaRequest {
    match action {
        Treatment::Music { source, duration } => MediaRequest::Music { source, duration },
        Treatment::RingBack { duration } => MediaRequest::Tone {
            kind: ToneKind::RingBack,
            duration,
        },
        Treatment::Busy { duration } => MediaRequest::Tone {
            kind: ToneKind::Busy,
            duration,
        },
        Treatment::Announcement { prompts } => MediaRequest::Play {
            prompts: media_prompts(prompts),
        },
        Treatment::Digits { prompts, collect } => MediaRequest::Collect {
            prompts: media_prompts(prompts),
            max_digits: collect.max_digits,
            terminators: collect.terminators,
            first_timeout: collect.first_timeout,
            digit_timeout: collect.digit_timeout,
            total_timeout: collect.total_timeout,
        },
        Treatment::Silence { duration } => MediaRequest::Silence { duration },
        // A treatment that this switch does not know is silence until it is replaced.
        _ => MediaRequest::Silence { duration: None },
    }
}

fn media_prompts(prompts: Vec<Prompt>) -> Vec<MediaPrompt> {
    prompts
        .into_iter()
        .map(|prompt| MediaPrompt {
            source: prompt.source,
            interruptible: prompt.interruptible,
        })
        .collect()
}

pub(super) fn result(result: MediaResult) -> TreatmentResult {
    match result {
        MediaResult::Completed => TreatmentResult::Completed,
        MediaResult::Digits { digits, last } => TreatmentResult::Digits { digits, last },
        MediaResult::Timeout { digits } => TreatmentResult::Timeout { digits },
        MediaResult::Failed { reason } => TreatmentResult::Failed { reason },
        other => TreatmentResult::Failed {
            reason: format!("{other:?}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_goes_out_as_a_status_comes_back_as_the_same_cause() {
        for cause in [
            Cause::Busy,
            Cause::Rejected,
            Cause::Unreachable,
            Cause::InvalidNumber,
            Cause::Media,
        ] {
            assert_eq!(failure(status(cause)), cause);
        }
    }
}
