//! One call: its state table, its timers and what it remembers.

use std::time::{Duration, Instant};

use super::{CallKey, EndCause};
use crate::auth::DigestClient;
use crate::dialog::Dialog;
use crate::header::HeaderName;
use crate::message::Message;
use crate::status::StatusCode;
use crate::transaction::{ClientKey, ServerKey, Timers, state_table};
use crate::transport::Destination;

state_table! {
    /// State of one call of a user agent.
    CallState {
        /// Outgoing: the INVITE was sent and nothing came back.
        Calling,
        /// Outgoing: a provisional response came.
        Proceeding,
        /// Outgoing: the user hung up; the final response, or the first one that allows CANCEL, is awaited.
        Cancelling,
        /// Outgoing: a 2xx with an offer came; the user owes the ACK with the answer.
        Answered,
        /// Incoming: nobody has decided.
        Offered,
        /// Incoming: the 2xx was sent; the ACK is awaited.
        Accepting,
        /// Incoming: the user hung up before the ACK; BYE goes out when it comes. Spec: RFC 3261 §15
        Leaving,
        /// The session stands.
        Confirmed,
        /// BYE was sent; its answer is awaited.
        Ending,
        /// Over.
        Ended,
    }
    /// What a call reacts to.
    CallInput {
        /// A provisional response.
        Provisional,
        /// A 2xx to an INVITE that carried the offer.
        SuccessWithAnswer,
        /// A 2xx to an INVITE without offer.
        SuccessWithOffer,
        /// A final response from 300, or none at all.
        Failure,
        /// The user answers the offer of the 2xx.
        UserAck,
        /// The user accepts.
        UserAccept,
        /// The user refuses or redirects, or nobody decided in time.
        UserRefuse,
        /// The user hangs up.
        UserHangup,
        /// ACK for our 2xx.
        Ack,
        /// No ACK for our 2xx in time.
        NoAck,
        /// The user did not answer the offer of the 2xx in time.
        NoUserAck,
        /// CANCEL for an INVITE that we have not answered.
        Cancel,
        /// BYE.
        Bye,
        /// No answer inside the dialog.
        Silence,
        /// The peer has no such dialog, or no message reaches it.
        Lost,
        /// The answer to our BYE, or none in time.
        ByeDone,
    }
    Provisional: Calling | Proceeding => Proceeding;
    Provisional: Cancelling => Cancelling;
    SuccessWithAnswer: Calling | Proceeding => Confirmed;
    SuccessWithAnswer: Cancelling => Ending;
    SuccessWithOffer: Calling | Proceeding => Answered;
    SuccessWithOffer: Cancelling => Ending;
    Failure: Calling | Proceeding | Cancelling => Ended;
    UserAck: Answered => Confirmed;
    UserAccept: Offered => Accepting;
    UserRefuse: Offered => Ended;
    UserHangup: Calling | Proceeding => Cancelling;
    UserHangup: Answered | Confirmed => Ending;
    UserHangup: Offered => Ended;
    UserHangup: Accepting => Leaving;
    Ack: Accepting => Confirmed;
    Ack: Leaving => Ending;
    NoAck: Accepting | Leaving | Confirmed => Ending;
    NoUserAck: Answered | Confirmed => Ending;
    Cancel: Offered => Ended;
    Bye: Offered | Accepting | Leaving | Answered | Confirmed | Ending => Ended;
    Silence: Accepting | Leaving | Answered | Confirmed => Ending;
    Lost: Calling | Proceeding | Cancelling | Answered | Offered | Accepting | Leaving | Confirmed | Ending => Ended;
    ByeDone: Ending => Ended;
}

/// The outgoing call rings too long, or nobody decides about the incoming one.
pub(super) const RING: usize = 0;
/// Cancelling, Answered or Ending lasts too long.
pub(super) const GIVE_UP: usize = 1;
/// Time to send the 2xx again. Spec: RFC 3261 §13.3.1.4
pub(super) const REPEAT_OK: usize = 2;
/// The ACK does not come.
pub(super) const NO_ACK: usize = 3;
/// Time to send the provisional response again. Spec: RFC 3261 §13.3.1.1
pub(super) const PROGRESS: usize = 4;
/// Time to try the re-INVITE again after 491. Spec: RFC 3261 §14.1
pub(super) const GLARE: usize = 5;
/// The user does not decide about a re-INVITE, or does not answer the offer in the 2xx to ours.
pub(super) const REINVITE: usize = 6;
/// Number of slots.
pub(super) const SLOTS: usize = 7;

/// One call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) key: CallKey,
    pub(super) state: CallState,
    /// Whether the user was told that the call is over.
    pub(super) told: bool,
    pub(super) call_id: String,
    pub(super) local_tag: String,
    /// Our Contact in this call.
    pub(super) contact: String,
    pub(super) digest: Option<DigestClient>,
    pub(super) timers: Timers<SLOTS>,
    pub(super) outgoing: Option<OutgoingInvite>,
    pub(super) incoming: Option<IncomingInvite>,
    pub(super) dialog: Option<Dialog>,
    /// Outgoing: the dialogs that provisional responses made, one per branch that rings.
    pub(super) early: Vec<Dialog>,
    /// Our 2xx that waits for its ACK.
    pub(super) unacked: Option<UnackedOk>,
    /// A 2xx with an offer that waits for the user's answer.
    pub(super) user_ack: Option<UserAck>,
    pub(super) our_reinvite: Option<OurReinvite>,
    pub(super) their_reinvite: Option<TheirReinvite>,
    /// Headers of the user for the CANCEL or BYE that cannot be sent yet.
    pub(super) leave_headers: Vec<(HeaderName, String)>,
    /// Why the call ends, once that is decided by other than the user.
    pub(super) cause: EndCause,
}

/// The INVITE that made an outgoing call.
#[derive(Debug)]
pub(super) struct OutgoingInvite {
    pub(super) client: ClientKey,
    /// Without Via, for the next try with credentials.
    pub(super) request: Message,
    pub(super) destination: Destination,
    /// Whether the user named the destination.
    pub(super) fixed: bool,
    pub(super) has_offer: bool,
    pub(super) cancel_sent: bool,
}

/// The INVITE that made an incoming call.
#[derive(Debug)]
pub(super) struct IncomingInvite {
    pub(super) server: ServerKey,
    pub(super) request: Message,
    pub(super) has_offer: bool,
    pub(super) provisional: Option<Message>,
}

/// A 2xx of ours without ACK.
#[derive(Debug)]
pub(super) struct UnackedOk {
    pub(super) server: ServerKey,
    pub(super) response: Message,
    pub(super) cseq: u32,
    pub(super) interval: Duration,
}

/// A 2xx of the peer that the user has to acknowledge.
#[derive(Debug)]
pub(super) struct UserAck {
    pub(super) client: ClientKey,
    pub(super) cseq: u32,
}

/// A re-INVITE of ours, waiting, sent, or to be tried again.
#[derive(Debug)]
pub(super) struct OurReinvite {
    pub(super) sdp: Option<bytes::Bytes>,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) client: Option<ClientKey>,
    pub(super) glares: u8,
}

/// A re-INVITE of the peer without final response.
#[derive(Debug)]
pub(super) struct TheirReinvite {
    pub(super) server: ServerKey,
    pub(super) request: Message,
}

impl Call {
    pub(super) fn new(
        key: CallKey,
        state: CallState,
        call_id: String,
        local_tag: String,
        contact: String,
    ) -> Self {
        Self {
            key,
            state,
            told: false,
            call_id,
            local_tag,
            contact,
            digest: None,
            timers: Timers::new(),
            outgoing: None,
            incoming: None,
            dialog: None,
            early: Vec::new(),
            unacked: None,
            user_ack: None,
            our_reinvite: None,
            their_reinvite: None,
            leave_headers: Vec::new(),
            cause: EndCause::Local,
        }
    }

    /// Follows the table; `false` when the input means nothing in this state.
    pub(super) fn step(&mut self, input: CallInput) -> bool {
        match self.state.on(input) {
            Some(next) => {
                self.state = next;
                true
            }
            None => false,
        }
    }

    /// Arms the deadline of a state that waits for the peer.
    pub(super) fn give_up_at(&mut self, at: Instant) {
        self.timers.set(GIVE_UP, at);
    }

    /// The dialog with the peer of that tag, early or confirmed.
    pub(super) fn dialog_with(&mut self, remote_tag: &str) -> Option<&mut Dialog> {
        let mut known = self.dialog.iter_mut().chain(&mut self.early);
        known.find(|dialog| dialog.id().remote_tag == remote_tag)
    }

    /// Whether a session change could begin now: no other one is under way.
    pub(super) fn is_settled(&self) -> bool {
        self.unacked.is_none() && self.their_reinvite.is_none() && self.user_ack.is_none()
    }

    /// Status for the INVITE of a call that ends before it was accepted.
    pub(super) const fn refusal(&self) -> StatusCode {
        match self.cause {
            EndCause::NoDecision => StatusCode::TEMPORARILY_UNAVAILABLE,
            EndCause::Remote => StatusCode::REQUEST_TERMINATED,
            _ => StatusCode::DECLINE,
        }
    }
}
