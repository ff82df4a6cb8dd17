//! The four state tables, RFC 3261 §17 with the corrections of RFC 6026 and RFC 4320.
//!
//! A pair of state and event that is not in a table is ignored. The tests hold a snapshot of every pair.

/// Writes a state enum, an event enum and the table between them.
macro_rules! state_table {
    (
        $(#[$state_doc:meta])* $State:ident { $($(#[$s_doc:meta])* $state:ident,)+ }
        $(#[$event_doc:meta])* $Event:ident { $($(#[$e_doc:meta])* $event_name:ident,)+ }
        $( $event:ident: $( $from:ident )|+ => $to:ident; )+
    ) => {
        $(#[$state_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $State { $($(#[$s_doc])* $state,)+ }

        $(#[$event_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $Event { $($(#[$e_doc])* $event_name,)+ }

        impl $State {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$state,)+];

            /// The state after an event, or `None` when the event means nothing in this state.
            pub const fn on(self, event: $Event) -> Option<Self> {
                match (self, event) {
                    $( ($( Self::$from )|+, $Event::$event) => Some(Self::$to), )+
                    _ => None,
                }
            }
        }

        impl $Event {
            /// Every event.
            pub const ALL: &'static [Self] = &[$(Self::$event_name,)+];
        }
    };
}

pub(crate) use state_table;

state_table! {
    /// State of an INVITE client transaction.
    ///
    /// Spec: RFC 3261 §17.1.1, RFC 6026 §8.4
    ClientInvite {
        /// The request is being repeated; nothing came back.
        Calling,
        /// A provisional response came.
        Proceeding,
        /// A final response from 300 came and was acknowledged; repeats of it are too.
        Completed,
        /// A 2xx came; more of them, from other branches, may follow.
        Accepted,
        /// Over.
        Terminated,
    }
    /// What an INVITE client transaction reacts to.
    ClientInviteEvent {
        /// A response from 100 to 199.
        Provisional,
        /// A response from 200 to 299.
        Success,
        /// A response from 300 to 699.
        Failure,
        /// Timer A.
        Retransmit,
        /// Timer B.
        Timeout,
        /// Timer D (Completed) or M (Accepted).
        Linger,
        /// The request or the ACK could not be sent, or its connection ended.
        TransportError,
    }
    Provisional: Calling | Proceeding => Proceeding;
    Success: Calling | Proceeding | Accepted => Accepted;
    Failure: Calling | Proceeding | Completed => Completed;
    Retransmit: Calling => Calling;
    Timeout: Calling => Terminated;
    Linger: Completed | Accepted => Terminated;
    TransportError: Calling | Proceeding | Completed => Terminated;
}

state_table! {
    /// State of a client transaction of any other method.
    ///
    /// Spec: RFC 3261 §17.1.2
    ClientNonInvite {
        /// The request is being repeated; nothing came back.
        Trying,
        /// A provisional response came; the request is repeated at the longest interval.
        Proceeding,
        /// The final response came; repeats of it are absorbed.
        Completed,
        /// Over.
        Terminated,
    }
    /// What a non-INVITE client transaction reacts to.
    ClientNonInviteEvent {
        /// A response from 100 to 199.
        Provisional,
        /// A response from 200 to 699.
        Final,
        /// Timer E.
        Retransmit,
        /// Timer F.
        Timeout,
        /// Timer K.
        Linger,
        /// The request could not be sent, or its connection ended.
        TransportError,
    }
    Provisional: Trying | Proceeding => Proceeding;
    Final: Trying | Proceeding | Completed => Completed;
    Retransmit: Trying => Trying;
    Retransmit: Proceeding => Proceeding;
    Timeout: Trying | Proceeding => Terminated;
    Linger: Completed => Terminated;
    TransportError: Trying | Proceeding => Terminated;
}

state_table! {
    /// State of an INVITE server transaction.
    ///
    /// Spec: RFC 3261 §17.2.1, RFC 6026 §8.3
    ServerInvite {
        /// No final response yet.
        Proceeding,
        /// A final response from 300 was sent and is repeated until the ACK.
        Completed,
        /// The ACK came; more of them are absorbed.
        Confirmed,
        /// A 2xx was sent; repeated INVITEs are absorbed, the user agent repeats the 2xx.
        Accepted,
        /// Over.
        Terminated,
    }
    /// What an INVITE server transaction reacts to.
    ServerInviteEvent {
        /// The INVITE came again.
        Request,
        /// An ACK came.
        Ack,
        /// The user agent sends 100 to 199.
        SendProvisional,
        /// The user agent sends 200 to 299.
        SendSuccess,
        /// The user agent sends 300 to 699.
        SendFailure,
        /// 200 ms passed without a response: time for a 100.
        Trying,
        /// Timer G.
        Retransmit,
        /// Timer H.
        Timeout,
        /// Timer I (Confirmed) or L (Accepted).
        Linger,
        /// A response could not be sent.
        TransportError,
    }
    Request: Proceeding => Proceeding;
    Request: Completed => Completed;
    Request: Accepted => Accepted;
    Ack: Completed | Confirmed => Confirmed;
    Ack: Accepted => Accepted;
    SendProvisional: Proceeding => Proceeding;
    SendSuccess: Proceeding | Accepted => Accepted;
    SendFailure: Proceeding => Completed;
    Trying: Proceeding => Proceeding;
    Retransmit: Completed => Completed;
    Timeout: Completed => Terminated;
    Linger: Confirmed | Accepted => Terminated;
    TransportError: Proceeding | Completed => Terminated;
}

state_table! {
    /// State of a server transaction of any other method.
    ///
    /// Spec: RFC 3261 §17.2.2, RFC 4320 §4
    ServerNonInvite {
        /// No response yet.
        Trying,
        /// 100 was sent.
        Proceeding,
        /// The final response was sent; it is sent again when the request comes again.
        Completed,
        /// Over.
        Terminated,
    }
    /// What a non-INVITE server transaction reacts to.
    ServerNonInviteEvent {
        /// The request came again.
        Request,
        /// The user agent sends 100.
        SendProvisional,
        /// The user agent sends a final response.
        SendFinal,
        /// The time at which timer E of the peer has reached T2 passed: time for a 100.
        Trying,
        /// The user agent forgot the request: no answer is of use to the peer any more.
        Timeout,
        /// Timer J.
        Linger,
        /// A response could not be sent.
        TransportError,
    }
    Request: Trying => Trying;
    Request: Proceeding => Proceeding;
    Request: Completed => Completed;
    SendProvisional: Trying | Proceeding => Proceeding;
    SendFinal: Trying | Proceeding => Completed;
    Trying: Trying => Proceeding;
    Timeout: Trying | Proceeding => Terminated;
    Linger: Completed => Terminated;
    TransportError: Trying | Proceeding | Completed => Terminated;
}
