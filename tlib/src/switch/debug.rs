//! `Debug` of the vocabulary without personal data: numbers, headers, digits.

use std::fmt;

use super::{OfferedCall, SwitchCommand, TreatmentResult};
use crate::pii::REDACTED;

impl fmt::Debug for OfferedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfferedCall")
            .field("internal", &self.origin.is_some())
            .field("from", &REDACTED)
            .field("to", &REDACTED)
            .field("headers", &self.headers.len())
            .finish()
    }
}

impl fmt::Debug for SwitchCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offer {
                leg,
                media,
                auto_answer,
                timeout,
                headers,
                ..
            } => f
                .debug_struct("Offer")
                .field("leg", leg)
                .field("to", &REDACTED)
                .field("from", &REDACTED)
                .field("media", media)
                .field("auto_answer", auto_answer)
                .field("timeout", timeout)
                .field("headers", &headers.len())
                .finish(),
            Self::Ring { leg } => f.debug_struct("Ring").field("leg", leg).finish(),
            Self::Answer { leg } => f.debug_struct("Answer").field("leg", leg).finish(),
            Self::Connect { a, b } => f.debug_struct("Connect").field("a", a).field("b", b).finish(),
            Self::Hold { leg, partner } => f
                .debug_struct("Hold")
                .field("leg", leg)
                .field("partner", partner)
                .finish(),
            Self::Retrieve { leg, partner } => f
                .debug_struct("Retrieve")
                .field("leg", leg)
                .field("partner", partner)
                .finish(),
            Self::Treat {
                leg,
                treatment,
                action,
            } => f
                .debug_struct("Treat")
                .field("leg", leg)
                .field("treatment", treatment)
                .field("action", action)
                .finish(),
            Self::StopTreatment { leg } => f.debug_struct("StopTreatment").field("leg", leg).finish(),
            Self::Redirect { leg, .. } => f
                .debug_struct("Redirect")
                .field("leg", leg)
                .field("to", &REDACTED)
                .finish(),
            Self::Reject { leg, cause } => f
                .debug_struct("Reject")
                .field("leg", leg)
                .field("cause", cause)
                .finish(),
            Self::Release { leg, cause } => f
                .debug_struct("Release")
                .field("leg", leg)
                .field("cause", cause)
                .finish(),
        }
    }
}

impl fmt::Debug for TreatmentResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => f.write_str("Completed"),
            Self::Digits { digits, last } => f
                .debug_struct("Digits")
                .field("digits", &digits.chars().count())
                .field("terminated", &last.is_some())
                .finish(),
            Self::Timeout { digits } => f
                .debug_struct("Timeout")
                .field("digits", &digits.chars().count())
                .finish(),
            Self::Failed { reason } => f.debug_struct("Failed").field("reason", reason).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::id::Dn;
    use crate::switch::{LegId, OfferMedia, SwitchEvent, TreatmentId};

    #[test]
    fn numbers_headers_and_digits_are_not_shown() {
        let leg = LegId::from_switch(1);
        let headers = vec![("X-Name".to_owned(), "Mustermann".to_owned())];
        let call = OfferedCall {
            origin: Some(Dn::from("0304711")),
            from: "0304711".to_owned(),
            to: Dn::from("0304711"),
            headers: headers.clone(),
        };
        let offered = format!("{:?}", SwitchEvent::Offered { leg, call });
        let offer = SwitchCommand::Offer {
            leg,
            to: Dn::from("0304711"),
            from: "0304711".to_owned(),
            media: OfferMedia::Late,
            auto_answer: false,
            timeout: Duration::from_secs(20),
            headers,
        };
        let result = TreatmentResult::Digits {
            digits: "0304711".to_owned(),
            last: Some('#'),
        };
        let treatment = TreatmentId(1);
        let ended = SwitchEvent::TreatmentEnded {
            leg,
            treatment,
            result,
        };
        let text = format!("{offered} {offer:?} {ended:?}");
        assert!(!text.contains("4711") && !text.contains("Mustermann"), "{text}");
        assert!(text.contains("digits: 7"), "{text}");
    }
}
