//! The signalling state of a leg, as a table.

macro_rules! leg_table {
    (
        states { $($(#[$sdoc:meta])* $state:ident,)* }
        events { $($(#[$edoc:meta])* $event:ident,)* }
        rules { $($on:ident: $($from:ident)|+ => $to:ident;)* }
    ) => {
        /// Where a leg is in its signalling.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum LegState { $($(#[$sdoc])* $state,)* }

        /// What happens to a leg.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum LegInput { $($(#[$edoc])* $event,)* }

        impl LegState {
            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$state),*];

            /// The next state; `None` when the input means nothing in this state.
            pub(super) const fn next(self, input: LegInput) -> Option<Self> {
                match (input, self) {
                    $((LegInput::$on, $(Self::$from)|+) => Some(Self::$to),)*
                    _ => None,
                }
            }
        }

        impl LegInput {
            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$event),*];
        }
    };
}

leg_table! {
    states {
        /// Incoming, nothing answered.
        Offered,
        /// Incoming, 180 sent.
        Alerting,
        /// Incoming, 200 sent, ACK awaited.
        Accepted,
        /// Outgoing, INVITE sent.
        Calling,
        /// Outgoing, the endpoint rings.
        Ringing,
        /// Outgoing, 200 with an offer received; the ACK waits for an answer.
        Answering,
        /// Both sides have a session.
        Established,
        /// Over.
        Gone,
    }
    events {
        /// We send 180.
        SendRinging,
        /// We send 200.
        SendAnswer,
        /// ACK for our 200.
        Confirm,
        /// CANCEL.
        Cancel,
        /// A provisional response.
        Progress,
        /// 200 with an answer, or without description.
        Answer,
        /// 200 with an offer.
        AnswerWithOffer,
        /// We send the ACK with the answer.
        SendAck,
        /// All forks failed.
        Fail,
        /// BYE or loss.
        End,
        /// The user ends it.
        Release,
    }
    rules {
        SendRinging: Offered | Alerting => Alerting;
        SendAnswer: Offered | Alerting => Accepted;
        Confirm: Accepted | Established => Established;
        Cancel: Offered | Alerting => Gone;
        Progress: Calling | Ringing => Ringing;
        Answer: Calling | Ringing => Established;
        AnswerWithOffer: Calling | Ringing => Answering;
        SendAck: Answering => Established;
        Fail: Calling | Ringing => Gone;
        End: Offered | Alerting | Accepted | Calling | Ringing | Answering | Established => Gone;
        Release: Offered | Alerting | Accepted | Calling | Ringing | Answering | Established => Gone;
    }
}

impl LegState {
    /// Whether an incoming leg still waits for its final response.
    pub(super) const fn is_unanswered_incoming(self) -> bool {
        matches!(self, Self::Offered | Self::Alerting)
    }

    /// Whether an outgoing leg still waits for its final response.
    pub(super) const fn is_unanswered_outgoing(self) -> bool {
        matches!(self, Self::Calling | Self::Ringing)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::{LegInput, LegState};

    #[test]
    fn the_table_of_leg_states_is_as_reviewed() {
        let mut matrix = String::new();
        for state in LegState::ALL {
            for input in LegInput::ALL {
                if let Some(next) = state.next(*input) {
                    writeln!(matrix, "{state:?} + {input:?} -> {next:?}").unwrap();
                }
            }
        }
        insta::assert_snapshot!("leg_table", matrix);
    }

    #[test]
    fn nothing_leaves_the_final_state_and_every_other_state_can_be_released() {
        for state in LegState::ALL {
            let gone = *state == LegState::Gone;
            assert_eq!(
                LegInput::ALL.iter().all(|input| state.next(*input).is_none()),
                gone,
                "{state:?}"
            );
            assert_eq!(state.next(LegInput::Release).is_none(), gone, "{state:?}");
            assert_eq!(state.next(LegInput::End).is_none(), gone, "{state:?}");
        }
    }
}
